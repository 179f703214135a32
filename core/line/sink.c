#include "core/line/sink.h"

#include <stdio.h>
#include <string.h>

static const int64_t REPEAT_US = INT64_C(3600) * 1000000;

const char *insp_sink_state_name(enum insp_sink_state state) {
    static const char *const names[INSP_SINK_STATES] = {"waiting", "connecting", "connected", "off"};
    return names[state];
}

void insp_sink_enter(struct insp_sink *sink, enum insp_sink_state state, int64_t now_us) {
    bool away = state == INSP_SINK_WAITING || state == INSP_SINK_CONNECTING;
    bool was_away = sink->state == INSP_SINK_WAITING || sink->state == INSP_SINK_CONNECTING;
    if (!sink->since_us || (state != sink->state && !(away && was_away)))
        sink->since_us = now_us;
    sink->state = state;
}

bool insp_sink_error(struct insp_sink *sink, const char *text, int64_t now_us) {
    bool fresh = strncmp(sink->error, text, sizeof sink->error - 1) != 0 || now_us - sink->told_us >= REPEAT_US ||
                 now_us < sink->told_us;
    sink->errors++;
    sink->error_us = now_us;
    snprintf(sink->error, sizeof sink->error, "%s", text);
    if (fresh)
        sink->told_us = now_us;
    return fresh;
}
