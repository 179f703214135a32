#include "api/modbus/modbus.h"

#include "api/modbus/modbus_internal.h"
#include "api/server/server.h"
#include "api/watch/prometheus.h"
#include "core/base/clock.h"

static void head(FILE *out, const char *name, const char *type, const char *help) {
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A sample without Modbus would look like a port that cannot be bound. */
static void write_server(const struct api_modbus *m, FILE *out) {
    const struct {
        const char *name, *type, *help;
        double value;
    } row[] = {
        {"inspectd_modbus_listening", "gauge", "1 while PLCs can connect by Modbus/TCP.", m ? m->listening : 0},
        {"inspectd_modbus_connections", "gauge", "Open connections of PLCs.", m ? (double)m->client_count : 0},
        {"inspectd_modbus_requests_total", "counter", "Requests of PLCs.", m ? (double)m->requests : 0},
        {"inspectd_modbus_exceptions_total", "counter", "Requests of PLCs that were answered with an exception.",
         m ? (double)m->exceptions : 0},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        head(out, row[i].name, row[i].type, row[i].help);
        if (m)
            fprintf(out, "%s %.17g\n", row[i].name, row[i].value);
    }
    head(out, "inspectd_modbus_disconnected_total", "counter", "Connections that the daemon closed, by reason.");
    for (int i = 0; m && i < API_MODBUS_CUTS; i++)
        fprintf(out, "inspectd_modbus_disconnected_total{reason=\"%s\"} %llu\n", api_modbus_cut_name[i],
                (unsigned long long)m->cut[i]);
}

struct sample {
    const char *name, *type, *help;
    double (*of)(const struct insp_station *station, int64_t now_us);
};

static double alive(const struct insp_station *station, int64_t now_us) {
    return insp_station_alive(station, now_us);
}
static double fault(const struct insp_station *station, int64_t now_us) {
    (void)now_us;
    return station->error || station->overrun;
}
static double goods(const struct insp_station *station, int64_t now_us) {
    (void)now_us;
    return (double)station->goods;
}
static double rejects(const struct insp_station *station, int64_t now_us) {
    (void)now_us;
    return (double)station->rejects;
}
static double overruns(const struct insp_station *station, int64_t now_us) {
    (void)now_us;
    return (double)station->overruns;
}

static void write_stations(struct api_stations *stations, FILE *out) {
    static const struct sample samples[] = {
        {"inspectd_station_plc_alive", "gauge", "1 while the PLC's heartbeat changes.", alive},
        {"inspectd_station_fault", "gauge", "1 from an error until the PLC acknowledges it.", fault},
        {"inspectd_station_good_total", "counter", "Results presented to the PLC as GOOD.", goods},
        {"inspectd_station_reject_total", "counter", "Results presented to the PLC as REJECT.", rejects},
        {"inspectd_station_overruns_total", "counter",
         "Results that came before the PLC had acknowledged the one before.", overruns},
    };
    const int64_t now_us = insp_mono_us();
    char camera[2 * INSP_TAG_BYTES + 1];
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        head(out, samples[i].name, samples[i].type, samples[i].help);
        for (size_t at = 0; at < api_stations_count(stations); at++) {
            unsigned unit;
            const char *name;
            const struct insp_station *station = api_stations_at(stations, at, &unit, &name);
            api_metrics_escape(name, camera, sizeof camera);
            fprintf(out, "%s{unit=\"%u\",camera=\"%s\"} %.17g\n", samples[i].name, unit, camera,
                    samples[i].of(station, now_us));
        }
    }
}

void api_modbus_metrics(const struct api_modbus *modbus, const struct api_server *server, FILE *out) {
    write_server(modbus, out);
    write_stations(server->stations, out);
}
