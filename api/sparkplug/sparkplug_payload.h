/* api/sparkplug/sparkplug_payload.h - write payloads of Sparkplug B, and look for a command in one: the fields of
 * its Protocol Buffers message that the daemon needs. Pure; any thread. */
#ifndef INSP_API_SPARKPLUG_SPARKPLUG_PAYLOAD_H
#define INSP_API_SPARKPLUG_SPARKPLUG_PAYLOAD_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers of the specification. */
enum api_sparkplug_type {
    API_SPARKPLUG_INT64 = 4,
    API_SPARKPLUG_FLOAT = 9,
    API_SPARKPLUG_DOUBLE = 10,
    API_SPARKPLUG_BOOLEAN = 11,
    API_SPARKPLUG_STRING = 12,
};

struct api_sparkplug_metric {
    const char *name;
    enum api_sparkplug_type type;
    bool null;       /* has no value (yet) */
    bool historical; /* was not the present value when it was sent */
    int64_t at_us;   /* wall: when it was acquired */
    union {
        int64_t number;   /* INT64 */
        double real;      /* FLOAT, DOUBLE */
        bool flag;        /* BOOLEAN */
        const char *text; /* STRING; UTF-8 */
    };
};

struct api_sparkplug_writer {
    uint8_t *to; /* NULL: only counts */
    size_t room, used;
    bool full;
};

/* Begins a payload in `to` [room], which was made at now_us (wall). */
void api_sparkplug_begin(struct api_sparkplug_writer *ret, void *to, size_t room, int64_t now_us);

/* Adds a metric. */
void api_sparkplug_add(struct api_sparkplug_writer *writer, const struct api_sparkplug_metric *metric);

/* Ends the payload with its sequence number, 0 to 255; -1: without one. Returns its size, or 0 if it had no room.
 */
size_t api_sparkplug_end(struct api_sparkplug_writer *writer, int seq);

/* Looks for the Boolean metric `name` in a payload of any bytes. *ret is its value; false if there is none. Takes
 * time proportional to `bytes` and no memory. Fails with INSP_E_REQUEST for bytes that are no such message. */
int api_sparkplug_flag(const void *data, size_t bytes, const char *name, bool *ret, struct insp_error *reterr);

#endif
