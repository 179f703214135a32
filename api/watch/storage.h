/* api/watch/storage.h - reports the state of the store: usage, results of retention, and alarms. The chore of
 * housekeeping.c fills it; /readyz and /metrics show it. All functions are pure; any thread. */
#ifndef INSP_API_WATCH_STORAGE_H
#define INSP_API_WATCH_STORAGE_H

#include "core/store/retention/retention.h"

#include <jansson.h>
#include <stdio.h>

struct api_storage {
    struct insp_store_usage usage;
    bool usage_known;
    uint64_t free_limit_bytes;                   /* storage.free_bytes_min on this disk; valid with usage_known */
    bool healthy;                                /* records can be stored; false before the first chore */
    bool low;                                    /* less than five quarters of free_limit_bytes are free */
    unsigned swept_alarms;                       /* of the last sweep; bits of enum insp_retention_alarm */
    uint64_t aged, images, quarantined, expired; /* sums of all sweeps since the start */
    uint64_t orphans, quarantine_bytes;          /* as of the last sweep */
};

/* Returns the bits of all present alarms: those of the last sweep, except that `low` decides INSP_ALARM_SPACE. */
unsigned api_storage_alarms(const struct api_storage *storage);

/* Describes the alarm of one bit for people, without paths. Static string; "" for an unknown bit. */
const char *api_storage_alarm_text(unsigned alarm);

/* Appends "storage: <text>" to the JSON array for each present alarm. */
void api_storage_reasons(const struct api_storage *storage, json_t *list);

/* Writes the metrics inspectd_store_... and inspectd_retention_... Errors are the stream's: ferror(). */
void api_storage_metrics(const struct api_storage *storage, FILE *out);

#endif
