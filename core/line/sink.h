/* core/line/sink.h - hold the condition of a sink, whatever its protocol: its state, its last error, its counts. A
 * sink is a receiver outside the daemon that gets committed inspections (feed.h) or shows them to a machine.
 * One thread at a time; nothing blocks. */
#ifndef INSP_LINE_SINK_H
#define INSP_LINE_SINK_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum insp_sink_state {
    INSP_SINK_WAITING,    /* its peer is away; the next attempt comes after a pause */
    INSP_SINK_CONNECTING, /* an attempt is being made */
    INSP_SINK_CONNECTED,  /* it takes inspections */
    INSP_SINK_OFF,        /* its peer has asked never to be called again */
    INSP_SINK_STATES
};
const char *insp_sink_state_name(enum insp_sink_state state); /* "waiting"...; static */

struct insp_sink {
    enum insp_sink_state state;
    int64_t since_us; /* wall: of that state; attempts and pauses in turn count as one state */
    uint64_t errors;
    int64_t error_us; /* wall; 0: none */
    int64_t told_us;  /* wall: when insp_sink_error last returned true */
    char error[INSP_ERROR_DETAIL_BYTES];
};

/* Figures of a sink for its metrics. */
struct insp_sink_figures {
    const char *name; /* static */
    bool up;          /* connected to its peer */
    uint64_t waiting; /* inspections that it has yet to get */
    double lag_s;     /* age of the oldest of them */
    uint64_t delivered, lost, errors;
};

/* Enters a state at now_us (wall). */
void insp_sink_enter(struct insp_sink *sink, enum insp_sink_state state, int64_t now_us);

/* Counts an error and keeps it as the last one. Returns whether the log should have it: its text is new, or an
 * hour has passed since it was logged. */
bool insp_sink_error(struct insp_sink *sink, const char *text, int64_t now_us);

#endif
