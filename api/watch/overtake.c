#include "api/watch/overtake.h"

#include <stdio.h>
#include <string.h>

enum { ID_MS_DIGITS = 12 };
static const int64_t OVERTAKE_MS = 30000; /* longest inspection, unless its deadline_ms is longer */
static const int64_t SLACK_US = 1000000;  /* longest time between the end of a record and its event */

int64_t api_overtake_ended(const struct insp_record *record) {
    return record->received_us + record->total_us;
}

static int keep_end(void *arg, const struct insp_record *record) {
    *(int64_t *)arg = api_overtake_ended(record) - SLACK_US;
    return 0;
}

/* Makes the smallest UUIDv7 of the time OVERTAKE_MS before `id`: the first 48 bits are milliseconds. */
static void id_before(const char *id, char ret[INSP_UUID_BYTES]) {
    char digits[ID_MS_DIGITS + 1];
    snprintf(digits, sizeof digits, "%.8s%.4s", id, id + 9);
    long long ms = strtoll(digits, NULL, 16) - OVERTAKE_MS;
    snprintf(digits, sizeof digits, "%012llx", ms < 0 ? 0 : ms);
    snprintf(ret, INSP_UUID_BYTES, "%.8s-%.4s-7000-8000-000000000000", digits, digits + 8);
}

int api_overtake_since(struct insp_store *store, const char *id, char *ret_from, int64_t *ret_ended_us,
                       struct insp_error *reterr) {
    int64_t ended_us = INT64_MIN;
    int code = insp_store_get(store, id, keep_end, &ended_us, reterr);
    if (code && code != INSP_E_NOT_FOUND)
        return code;
    id_before(id, ret_from);
    *ret_ended_us = ended_us;
    return 0;
}
