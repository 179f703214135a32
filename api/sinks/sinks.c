#include "api/sinks/sinks.h"

#include "api/http/response.h"
#include "api/modbus/modbus.h"
#include "api/server/server.h"

#include "core/base/clock.h"
#include "core/base/log.h"

#include <stdlib.h>
#include <string.h>

enum { SINKS_MAX = 4, WINDOW = 64, WINDOW_BYTES = 1 << 20, TICK_MS = 1000, TEST_US = 10 * 1000000 };

struct api_sinks {
    struct api_server *server;
    struct api_sink *sink[SINKS_MAX];
    size_t count;
    uv_timer_t timer;
    bool started, closing, timer_closed;
    void (*closed)(void *arg);
    void *closed_arg;
};

/* --- life --- */

static int make_feed(struct api_sinks *sinks, struct api_sink *sink, struct insp_error *reterr) {
    const struct insp_feed_config config = {
        .lanes = sinks->server->config.lanes,
        .store = sinks->server->config.store,
        .name = sink->name,
        .window = WINDOW,
        .window_bytes = WINDOW_BYTES,
        .ops = &sink->feed_ops,
        .arg = sink,
    };
    return insp_feed_new(&config, &sink->feed, reterr);
}

static int make(struct api_sinks *sinks, api_sink_maker *const *makers, size_t count, struct insp_error *reterr) {
    const char *names[SINKS_MAX];
    struct api_server *server = sinks->server;
    int code = 0;
    for (size_t i = 0; i < count && i < SINKS_MAX && code == 0; i++) {
        code = makers[i](server, &sinks->sink[sinks->count], reterr);
        sinks->count += code == 0 && sinks->sink[sinks->count];
    }
    for (size_t i = 0; i < sinks->count; i++)
        names[i] = sinks->sink[i]->name;
    if (code == 0)
        code = insp_outbox_open(server->config.store, names, sinks->count, reterr);
    for (size_t i = 0; i < sinks->count && code == 0; i++)
        code = make_feed(sinks, sinks->sink[i], reterr);
    return code;
}

int api_sinks_new(struct api_server *server, api_sink_maker *const *makers, size_t count, struct api_sinks **ret,
                  struct insp_error *reterr) {
    struct api_sinks *sinks = calloc(1, sizeof *sinks);
    if (!sinks)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the sinks");
    sinks->server = server;
    int code = make(sinks, makers, count, reterr);
    if (code < 0) {
        api_sinks_free(sinks);
        return code;
    }
    *ret = sinks;
    return 0;
}

void api_sinks_free(struct api_sinks *sinks) {
    if (!sinks)
        return;
    for (size_t i = 0; i < sinks->count; i++) {
        insp_feed_free(sinks->sink[i]->feed);
        sinks->sink[i]->ops->free(sinks->sink[i]);
    }
    free(sinks);
}

static void expire_test(struct api_sink *sink, int64_t now_us) {
    struct insp_error error;
    if (!sink->tested || now_us - sink->test_us < TEST_US)
        return;
    insp_fail(&error, INSP_E_SINK_AWAY, "%s did not acknowledge the test message within %d s", sink->target,
              TEST_US / 1000000);
    api_sink_tested(sink, &error);
}

static void on_tick(uv_timer_t *timer) {
    struct api_sinks *sinks = timer->data;
    int64_t now_us = insp_mono_us();
    for (size_t i = 0; i < sinks->count; i++) {
        struct api_sink *sink = sinks->sink[i];
        expire_test(sink, now_us);
        insp_feed_tick(sink->feed);
        sink->ops->tick(sink, now_us);
    }
}

void api_sinks_start(struct api_sinks *sinks) {
    if (!sinks->count)
        return;
    sinks->started = true;
    uv_timer_init(sinks->server->loop, &sinks->timer);
    sinks->timer.data = sinks;
    uv_timer_start(&sinks->timer, on_tick, TICK_MS, TICK_MS);
    for (size_t i = 0; i < sinks->count; i++)
        sinks->sink[i]->ops->start(sinks->sink[i]);
}

bool api_sinks_closed(const struct api_sinks *sinks) {
    if (!sinks->started)
        return true;
    for (size_t i = 0; i < sinks->count; i++)
        if (!sinks->sink[i]->closed)
            return false;
    return sinks->timer_closed;
}

static void check_closed(struct api_sinks *sinks) {
    if (sinks->closing && api_sinks_closed(sinks))
        sinks->closed(sinks->closed_arg);
}

static void on_timer_closed(uv_handle_t *handle) {
    struct api_sinks *sinks = handle->data;
    sinks->timer_closed = true;
    check_closed(sinks);
}

static void on_feed_closed(void *arg) {
    struct api_sink *sink = arg;
    sink->feed = NULL;
    sink->closed = true;
    check_closed(sink->server->sinks);
}

void api_sink_closed(struct api_sink *sink) {
    insp_feed_close(sink->feed, on_feed_closed, sink);
}

void api_sinks_close(struct api_sinks *sinks, void (*closed)(void *arg), void *arg) {
    struct insp_error error;
    if (sinks->closing || !sinks->started)
        return;
    sinks->closing = true;
    sinks->closed = closed;
    sinks->closed_arg = arg;
    insp_fail(&error, INSP_E_SHUTTING_DOWN, "the daemon is shutting down");
    for (size_t i = 0; i < sinks->count; i++) {
        api_sink_tested(sinks->sink[i], &error);
        sinks->sink[i]->ops->close(sinks->sink[i]);
    }
    uv_close((uv_handle_t *)&sinks->timer, on_timer_closed);
}

/* --- news --- */

void api_sinks_came(struct api_sinks *sinks) {
    if (sinks->closing)
        return;
    for (size_t i = 0; i < sinks->count; i++)
        insp_feed_came(sinks->sink[i]->feed);
}

void api_sinks_model_changed(struct api_sinks *sinks) {
    if (!sinks->started || sinks->closing)
        return;
    for (size_t i = 0; i < sinks->count; i++)
        if (sinks->sink[i]->ops->model_changed)
            sinks->sink[i]->ops->model_changed(sinks->sink[i]);
}

struct api_sink *api_sinks_find(struct api_sinks *sinks, const char *name) {
    for (size_t i = 0; i < sinks->count; i++)
        if (!strcmp(sinks->sink[i]->name, name))
            return sinks->sink[i];
    return NULL;
}

/* --- condition --- */

void api_sink_enter(struct api_sink *sink, enum insp_sink_state state) {
    enum insp_sink_state before = sink->condition.state;
    insp_sink_enter(&sink->condition, state, insp_wall_us());
    if (state == INSP_SINK_CONNECTED && before != state)
        insp_log_info("a sink is connected name=%s target=%s", sink->name, sink->target);
}

void api_sink_error(struct api_sink *sink, const char *text) {
    if (insp_sink_error(&sink->condition, text, insp_wall_us()))
        insp_log_warning("a sink fails name=%s target=%s detail=%s", sink->name, sink->target,
                         INSP_LOG_QUOTED(text));
}

static json_t *error_json(const struct insp_sink *condition) {
    if (!condition->error_us)
        return json_null();
    return json_pack("{s:o,s:s}", "at", api_json_time(condition->error_us), "detail", condition->error);
}

static json_t *sink_json(const struct api_sink *sink) {
    struct insp_feed_status status;
    insp_feed_status(sink->feed, &status);
    return json_pack("{s:s,s:s,s:s,s:o,s:I,s:o,s:I,s:I,s:I,s:o,s:o}", "name", sink->name, "target", sink->target,
                     "state", insp_sink_state_name(sink->condition.state), "since",
                     api_json_time(sink->condition.since_us), "waiting", (json_int_t)status.waiting, "oldest",
                     api_json_time(status.waiting ? status.oldest_us : 0), "delivered",
                     (json_int_t)status.delivered, "lost", (json_int_t)status.lost, "errors",
                     (json_int_t)sink->condition.errors, "last_error", error_json(&sink->condition),
                     "store_failure", api_json_text(status.failure));
}

json_t *api_sinks_json(const struct api_sinks *sinks) {
    json_t *items = json_array();
    for (size_t i = 0; i < sinks->count && !sinks->closing; i++)
        json_array_append_new(items, sink_json(sinks->sink[i]));
    if (sinks->server->modbus)
        json_array_append_new(items, api_modbus_json(sinks->server->modbus));
    return json_pack("{s:o}", "items", items);
}

static struct insp_sink_figures figures_of(const struct api_sink *sink) {
    struct insp_feed_status status;
    insp_feed_status(sink->feed, &status);
    int64_t lag_us = status.waiting && status.oldest_us ? insp_wall_us() - status.oldest_us : 0;
    return (struct insp_sink_figures){
        .name = sink->name,
        .up = sink->condition.state == INSP_SINK_CONNECTED,
        .waiting = status.waiting,
        .lag_s = lag_us > 0 ? (double)lag_us / 1e6 : 0,
        .delivered = status.delivered,
        .lost = status.lost,
        .errors = sink->condition.errors,
    };
}

enum row { UP, WAITING, LAG, DELIVERED, LOST, ERRORS, ROWS };

static double value_of(const struct insp_sink_figures *figures, enum row row) {
    const double values[ROWS] = {
        [UP] = figures->up,
        [WAITING] = (double)figures->waiting,
        [LAG] = figures->lag_s,
        [DELIVERED] = (double)figures->delivered,
        [LOST] = (double)figures->lost,
        [ERRORS] = (double)figures->errors,
    };
    return values[row];
}

void api_sinks_metrics(const struct api_sinks *sinks, FILE *out) {
    static const struct {
        const char *name, *type, *help;
    } row[ROWS] = {
        [UP] = {"inspectd_sink_up", "gauge", "1 while the sink is connected to its peer."},
        [WAITING] = {"inspectd_sink_waiting", "gauge", "Inspections that the sink has yet to get."},
        [LAG] = {"inspectd_sink_lag_seconds", "gauge",
                 "Age of the oldest inspection that the sink has yet to get."},
        [DELIVERED] =
            {"inspectd_sink_delivered_total", "counter",
             "Inspections that the sink's peer has acknowledged; on Modbus, results presented to a PLC."},
        [LOST] = {"inspectd_sink_lost_total", "counter",
                  "Inspections that the sink never got: removed by retention before, or refused by its peer."},
        [ERRORS] = {"inspectd_sink_errors_total", "counter", "Failed attempts and refusals of the sink's peer."},
    };
    struct insp_sink_figures figures[SINKS_MAX + 1];
    size_t count = 0;
    for (size_t i = 0; i < sinks->count && !sinks->closing; i++)
        figures[count++] = figures_of(sinks->sink[i]);
    if (sinks->server->modbus)
        figures[count++] = api_modbus_figures(sinks->server->modbus);
    for (int i = 0; i < ROWS; i++) {
        fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", row[i].name, row[i].help, row[i].name, row[i].type);
        for (size_t j = 0; j < count; j++)
            fprintf(out, "%s{sink=\"%s\"} %.17g\n", row[i].name, figures[j].name,
                    value_of(&figures[j], (enum row)i));
    }
}
