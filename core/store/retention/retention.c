#include "core/store/retention/retention.h"

#include "core/base/fs.h"
#include "core/store/images/thumbnail_file.h"
#include "core/store/internal.h"
#include "core/store/retention/orphans.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { GROUP = 500, WALK_FILES = 5000, THUMBNAIL_FOLDERS = 1000 };
static const int64_t STATISTICS_AGE_US = 400 * 86400 * 1000000LL;
static const int64_t RESCAN_US = 86400 * 1000000LL;

const char *insp_retention_alarm_name(unsigned alarm) {
    return alarm == INSP_ALARM_CLOCK        ? "clock"
           : alarm == INSP_ALARM_SPACE      ? "space"
           : alarm == INSP_ALARM_HELD       ? "held"
           : alarm == INSP_ALARM_ORPHANS    ? "orphans"
           : alarm == INSP_ALARM_QUARANTINE ? "quarantine"
                                            : "";
}

struct batch {
    struct insp_store *store;
    const struct insp_retention *policy;
    const struct insp_retention_now *now;
    bool by_age;
    uint64_t rows_max;               /* age */
    struct insp_retention_need need; /* space */
    bool held;
    size_t count;
    struct insp_retention_row row[GROUP];
    char extension[GROUP][8];
    bool kept[GROUP], remove[GROUP];
};

/* --- candidates --- */

static enum insp_retention_class class_of(bool anomaly, int label) {
    return label ? INSP_KEEP_LABELLED : anomaly ? INSP_KEEP_UNLABELLED_ANOMALY : INSP_KEEP_GOOD;
}

static int read_batch(struct sqlite3 *db, struct batch *batch, const char *where, struct insp_error *reterr) {
    char sql[512];
    if (batch->count == GROUP)
        return 0;
    snprintf(sql, sizeof sql,
             "SELECT id, received_us, image_bytes, extension, image_kept, anomaly, label FROM inspection %s"
             " ORDER BY key LIMIT %zu",
             where, (size_t)GROUP - batch->count);
    _cleanup_stmt_ struct sqlite3_stmt *rows = NULL;
    int r = insp_sql_prepare(db, sql, &rows, reterr);
    if (r < 0)
        return r;
    int step;
    while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
        struct insp_retention_row *row = &batch->row[batch->count];
        bool anomaly = sqlite3_column_int(rows, 5) != 0;
        int label = sqlite3_column_int(rows, 6);
        insp_id_format(sqlite3_column_blob(rows, 0), row->id);
        row->received_us = sqlite3_column_int64(rows, 1);
        row->bytes = sqlite3_column_int(rows, 4) ? (uint64_t)sqlite3_column_int64(rows, 2) : 0;
        row->class = class_of(anomaly, label);
        row->anomalous = anomaly || label == INSP_LABEL_ANOMALY;
        batch->kept[batch->count] = sqlite3_column_int(rows, 4) != 0;
        snprintf(batch->extension[batch->count], sizeof batch->extension[0], "%s",
                 (const char *)sqlite3_column_text(rows, 3));
        batch->count++;
    }
    return step == SQLITE_DONE ? 0 : insp_sql_fail(db, reterr);
}

/* Reads old good rows. They have no index, so the scan starts after the oldest key that may still be good; the
 * anomalies that outlive good rows by months are scanned only once a day. */
static int read_old_good(struct sqlite3 *db, struct batch *batch, int64_t before_us, struct insp_error *reterr) {
    struct insp_store *store = batch->store;
    char where[256];
    size_t before = batch->count;
    if (batch->now->mono_us - store->good_scanned_us >= RESCAN_US || !store->good_scanned_us) {
        store->good_from_key = 0;
        store->good_scanned_us = batch->now->mono_us;
    }
    int64_t end = insp_key_of_us(before_us + store->id_ahead_us);
    snprintf(where, sizeof where,
             "NOT INDEXED WHERE anomaly = 0 AND label <> 2 AND received_us < %lld AND key >= %lld AND key < %lld",
             (long long)before_us, (long long)store->good_from_key, (long long)end);
    int r = read_batch(db, batch, where, reterr);
    if (r == 0 && batch->count == before && end > store->good_from_key && !store->id_ahead_us)
        store->good_from_key = end;
    return r;
}

/* Reads the oldest rows by age, one query per index that has them. */
static int old_rows(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    static const char *const anomalous[] = {
        "INDEXED BY inspection_any_anomaly WHERE anomaly = 1",
        "INDEXED BY inspection_label WHERE label <> 0 AND label = 2 AND anomaly"
        " = 0"};
    struct batch *batch = arg;
    const struct insp_retention *policy = batch->policy;
    batch->count = 0;
    int r = policy->good_age_us ? read_old_good(db, batch, batch->now->wall_us - policy->good_age_us, reterr) : 0;
    int64_t before_us = batch->now->wall_us - policy->anomaly_age_us;
    for (size_t i = 0; i < INSP_COUNT(anomalous) && r == 0 && policy->anomaly_age_us; i++) {
        char where[256];
        snprintf(where, sizeof where, "%s AND received_us < %lld AND key < %lld", anomalous[i],
                 (long long)before_us, (long long)insp_key_of_us(before_us + batch->store->id_ahead_us));
        r = read_batch(db, batch, where, reterr);
    }
    return r;
}

/* Reads the oldest kept images of each class, in the order of removal. */
static int kept_images(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    struct batch *batch = arg;
    batch->count = 0;
    int r = 0;
    for (int class = INSP_KEEP_GOOD; class <= INSP_KEEP_UNLABELLED_ANOMALY && r == 0; class ++) {
        char where[256];
        snprintf(where, sizeof where,
                 "INDEXED BY inspection_kept WHERE image_kept = 1 AND " INSP_CLASS_SQL " = %d", class);
        r = read_batch(db, batch, where, reterr);
    }
    return r;
}

/* --- removal --- */

static int remove_rows(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct batch *batch = arg;
    _cleanup_stmt_ struct sqlite3_stmt *change = NULL;
    int r = insp_sql_prepare(db,
                             batch->by_age ? "DELETE FROM inspection WHERE key = ?1"
                                           : "UPDATE inspection SET image_kept = 0 WHERE key = ?1",
                             &change, reterr);
    for (size_t i = 0; i < batch->count && r == 0; i++) {
        unsigned char blob[INSP_ID_BLOB_BYTES];
        int64_t key;
        if (!batch->remove[i] || !insp_id_parse(batch->row[i].id, blob, &key))
            continue;
        sqlite3_bind_int64(change, 1, key);
        r = insp_sql_run(change, reterr);
    }
    return r;
}

/* Removes files after the commit; if this process dies in between, the walk finds the files without a row. */
static void remove_files(const struct batch *batch) {
    for (size_t i = 0; i < batch->count; i++) {
        unsigned char blob[INSP_ID_BLOB_BYTES];
        int64_t key;
        char path[INSP_PATH_BYTES];
        if (!batch->remove[i] || !batch->kept[i] || !insp_id_parse(batch->row[i].id, blob, &key) ||
            insp_image_path(batch->store, batch->row[i].id, key, batch->extension[i], path, NULL) < 0)
            continue;
        unlink(path);
        insp_thumbnail_drop(batch->store, batch->row[i].id);
    }
}

static void count_removed(const struct batch *batch, uint64_t *ret_bytes, struct insp_retention_result *result) {
    *ret_bytes = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->remove[i])
            continue;
        result->aged += batch->by_age;
        result->images += batch->kept[i];
        *ret_bytes += batch->row[i].bytes;
    }
    result->bytes += *ret_bytes;
}

/* Removes the rows or images of one transaction. *ret_removed 0: nothing is left to do. */
static int sweep_batch(struct batch *batch, struct insp_retention_result *result, size_t *ret_removed,
                       uint64_t *ret_bytes, struct insp_error *reterr) {
    struct insp_store *store = batch->store;
    int r = insp_store_read(store, batch->by_age ? old_rows : kept_images, batch, reterr);
    if (r < 0)
        return r;
    if (batch->by_age)
        *ret_removed = insp_retention_plan_age(batch->policy, batch->row, batch->count, batch->now->wall_us,
                                               batch->rows_max, batch->remove, &batch->held);
    else
        r = insp_retention_plan_space(&batch->need, batch->row, batch->count, batch->remove, ret_removed,
                                      &batch->held, reterr);
    if (r < 0 || *ret_removed == 0)
        return r;
    r = insp_store_write(store, remove_rows, batch, reterr);
    bool full = r == INSP_E_NOSPACE;
    if (full) { /* not even the journal has room: remove files first, then change the rows */
        remove_files(batch);
        r = insp_store_write(store, remove_rows, batch, reterr);
    }
    if (r < 0)
        return r;
    if (!full)
        remove_files(batch);
    count_removed(batch, ret_bytes, result);
    insp_retention_credit_spend(&store->credit, *ret_bytes, batch->by_age ? *ret_removed : 0);
    return 0;
}

static int sweep_age(struct batch *batch, struct insp_retention_result *result, struct insp_error *reterr) {
    size_t removed = 1;
    uint64_t bytes;
    int r = 0;
    batch->by_age = true;
    while (r == 0 && removed) {
        removed = 0;
        r = sweep_batch(batch, result, &removed, &bytes, reterr);
        batch->rows_max -= removed < batch->rows_max ? removed : batch->rows_max;
    }
    result->alarms |= batch->held ? (unsigned)INSP_ALARM_HELD : 0U;
    return r;
}

/* Frees space. It reads the free space once: the file system may report freed blocks late, and a loop on its
 * answer would empty the store. */
static int sweep_space(struct batch *batch, struct insp_retention_result *result, struct insp_error *reterr) {
    struct insp_retention_need *need = &batch->need;
    int r = 0;
    batch->by_age = false;
    while (r == 0 && need->bytes) {
        size_t removed = 0;
        uint64_t bytes = 0;
        r = sweep_batch(batch, result, &removed, &bytes, reterr);
        need->bytes -= bytes < need->bytes ? bytes : need->bytes;
        need->bytes_max -= bytes < need->bytes_max ? bytes : need->bytes_max;
        need->image_bytes -= bytes < need->image_bytes ? bytes : need->image_bytes;
        if (batch->held)
            result->alarms |= INSP_ALARM_HELD;
        if (batch->held || removed == 0)
            break;
    }
    return r;
}

/* --- the sweep --- */

/* Saves the state of retention and removes old statistics, which outlive the inspections but not for ever. */
static int save_state(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct batch *batch = arg;
    const struct insp_store *store = batch->store;
    bool believed = store->clock.known && store->clock.mono_us == batch->now->mono_us;
    char sql[320];
    snprintf(sql, sizeof sql,
             "UPDATE retention SET believed_us = max(believed_us, %lld), byte_credit = %.17g, row_credit = %.17g;",
             believed ? (long long)batch->now->wall_us : 0LL, store->credit.bytes, store->credit.rows);
    int r = insp_sql_exec(db, sql, reterr);
    if (r < 0 || !believed)
        return r;
    snprintf(sql, sizeof sql, "DELETE FROM minute WHERE minute < %lld",
             (long long)((batch->now->wall_us - STATISTICS_AGE_US) / 60000000));
    return insp_sql_exec(db, sql, reterr);
}

/* Keeps the first error of a sweep. */
struct outcome {
    int code;
    struct insp_error error;
};

static void note(struct outcome *outcome, int code, const struct insp_error *error) {
    if (code < 0 && !outcome->code)
        *outcome = (struct outcome){code, *error};
}

static void sweep_rules(struct batch *batch, bool believed, struct insp_retention_result *result,
                        struct outcome *outcome) {
    struct insp_store *store = batch->store;
    const struct insp_retention *policy = batch->policy;
    struct insp_store_usage usage;
    struct insp_error error = {0};
    int r = insp_store_usage(store, &usage, &error);
    note(outcome, r, &error);
    if (r < 0)
        return;
    struct insp_retention_stock stock = {.image_bytes = usage.image_bytes, .rows = usage.inspections};
    insp_store_came(store, &stock.came_bytes, &stock.came_rows);
    insp_retention_credit_fill(&store->credit, policy, batch->now->mono_us, &stock);
    batch->rows_max = stock.sweep_rows;
    if (believed)
        note(outcome, sweep_age(batch, result, &error), &error);
    uint64_t spent = result->bytes;
    insp_retention_need_total(policy, usage.image_bytes - (spent < usage.image_bytes ? spent : usage.image_bytes),
                              &batch->need);
    batch->need.bytes_max = stock.sweep_bytes > spent ? stock.sweep_bytes - spent : 0;
    note(outcome, sweep_space(batch, result, &error), &error);
    uint64_t left = batch->need.bytes_max;
    bool low, helpless;
    r = insp_store_usage(store, &usage, &error);
    note(outcome, r, &error);
    if (r < 0)
        return;
    const struct insp_retention_disk disk = {usage.free_bytes, usage.total_bytes, usage.image_bytes};
    insp_retention_need_free(policy, &disk, &batch->need, &low, &helpless);
    batch->need.bytes_max = left;
    result->alarms |= (low ? (unsigned)INSP_ALARM_SPACE : 0U) | (helpless ? (unsigned)INSP_ALARM_HELD : 0U);
    note(outcome, sweep_space(batch, result, &error), &error);
}

int insp_retention_sweep(struct insp_store *store, const struct insp_retention *policy,
                         const struct insp_retention_now *now, struct insp_retention_result *ret,
                         struct insp_error *reterr) {
    *ret = (struct insp_retention_result){0};
    _cleanup_free_ struct batch *batch = calloc(1, sizeof *batch);
    if (!batch)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a retention sweep");
    *batch = (struct batch){.store = store, .policy = policy, .now = now};
    struct outcome outcome = {0};
    struct insp_error error = {0};
    pthread_mutex_lock(&store->sweep_lock);
    bool believed = insp_retention_clock_believed(&store->clock, now->wall_us, now->mono_us, store->evidence_us);
    ret->alarms |= believed ? 0U : (unsigned)INSP_ALARM_CLOCK;
    sweep_rules(batch, believed, ret, &outcome);
    note(&outcome, insp_thumbnail_sweep(store, policy->thumbnail_bytes_max, THUMBNAIL_FOLDERS, NULL, &error),
         &error);
    note(&outcome, insp_store_write(store, save_state, batch, &error), &error);
    note(&outcome, insp_quarantine_sweep(store, policy, now->wall_us, believed, ret, &error), &error);
    if (believed)
        note(&outcome, insp_orphans_walk(store, policy, now->wall_us, WALK_FILES, ret, &error), &error);
    pthread_mutex_unlock(&store->sweep_lock);
    if (outcome.code && reterr)
        *reterr = outcome.error;
    return outcome.code;
}
