/* Shows Modbus among the sinks. Nothing waits for it: a PLC gets each result when it is committed, or never. */
#include "api/modbus/modbus.h"

#include "api/http/response.h"
#include "api/modbus/modbus_internal.h"
#include "api/server/server.h"
#include "core/base/clock.h"

static json_t *error_json(const struct insp_sink *condition) {
    if (!condition->error_us)
        return json_null();
    return json_pack("{s:o,s:s}", "at", api_json_time(condition->error_us), "detail", condition->error);
}

static json_t *stations_json(struct api_stations *stations) {
    const int64_t now_us = insp_mono_us();
    json_t *list = json_array();
    for (size_t i = 0; i < api_stations_count(stations); i++) {
        unsigned unit;
        const char *camera;
        const struct insp_station *s = api_stations_at(stations, i, &unit, &camera);
        json_array_append_new(list, json_pack("{s:I,s:s,s:b,s:b,s:I,s:I,s:I,s:I}", "unit", (json_int_t)unit,
                                              "camera", camera, "plc_alive", insp_station_alive(s, now_us),
                                              "fault", s->error || s->overrun, "error", (json_int_t)s->error,
                                              "good", (json_int_t)s->goods, "reject", (json_int_t)s->rejects,
                                              "overruns", (json_int_t)s->overruns));
    }
    return list;
}

struct insp_sink_figures api_modbus_figures(const struct api_modbus *modbus) {
    struct api_stations *stations = modbus->server->stations;
    struct insp_sink_figures figures = {
        .name = "modbus",
        .up = modbus->condition.state == INSP_SINK_CONNECTED,
        .errors = modbus->condition.errors,
    };
    for (size_t i = 0; i < api_stations_count(stations); i++) {
        unsigned unit;
        const char *camera;
        const struct insp_station *station = api_stations_at(stations, i, &unit, &camera);
        figures.delivered += station->goods + station->rejects;
    }
    return figures;
}

json_t *api_modbus_json(const struct api_modbus *modbus) {
    const struct insp_sink_figures figures = api_modbus_figures(modbus);
    return json_pack("{s:s,s:s,s:s,s:o,s:i,s:n,s:I,s:i,s:I,s:o,s:n,s:b,s:I,s:o}", "name", figures.name, "target",
                     modbus->server->config.modbus.listen, "state", insp_sink_state_name(modbus->condition.state),
                     "since", api_json_time(modbus->condition.since_us), "waiting", 0, "oldest", "delivered",
                     (json_int_t)figures.delivered, "lost", 0, "errors", (json_int_t)figures.errors, "last_error",
                     error_json(&modbus->condition), "store_failure", "listening", modbus->listening, "clients",
                     (json_int_t)modbus->client_count, "stations", stations_json(modbus->server->stations));
}
