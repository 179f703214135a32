/* api/watch/storage.h - how the store is: what it holds, what retention did, what a person should look at. Filled
 * by the chores (housekeeping.c) and shown by /readyz and /metrics. */
#ifndef INSP_API_WATCH_STORAGE_H
#define INSP_API_WATCH_STORAGE_H

#include "core/store/retention/retention.h"

#include <jansson.h>
#include <stdio.h>

struct api_storage {
    struct insp_store_usage usage;
    bool usage_known;
    uint64_t free_limit_bytes; /* storage.free_bytes_min on this disk; known with usage */
    bool healthy;              /* records can be stored; false before the first chore */
    bool low;                  /* less is free, or nearly */
    unsigned swept_alarms;     /* of the last sweep; bits of enum insp_retention_alarm */
    /* by all sweeps since the start */
    uint64_t aged, images, quarantined, expired;
    uint64_t orphans, quarantine_bytes;
};

/* Those of the last sweep, and INSP_ALARM_SPACE as soon as little is free. */
unsigned api_storage_alarms(const struct api_storage *storage);

/* For people, without paths; of one bit. Static. */
const char *api_storage_alarm_text(unsigned alarm);

/* Adds a text for each alarm that is set. */
void api_storage_reasons(const struct api_storage *storage, json_t *list);

/* The metrics inspectd_store_... and inspectd_retention_... */
void api_storage_metrics(const struct api_storage *storage, FILE *out);

#endif
