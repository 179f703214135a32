/* core/store/lists/aggregate.c - keep statistics that need no inspections: one row per minute and product. */
#include "core/store/internal.h"

#include <endian.h>
#include <math.h>
#include <string.h>

static const int64_t MINUTE_US = 60 * 1000000LL;

/* Eight buckets per octave from 256 us on, so a value within one is known to 4.5 %; the last begins at 15.4 s. */
enum { FIRST_US = 256, PER_OCTAVE = 8 };

static double bucket_start(unsigned bucket) {
    return bucket ? FIRST_US * exp2((double)bucket / PER_OCTAVE) : 0;
}

unsigned insp_latency_bucket(int64_t us) {
    if (us < FIRST_US)
        return 0;
    double at = log2((double)us / FIRST_US) * PER_OCTAVE;
    return at >= INSP_LATENCY_BUCKETS - 1 ? INSP_LATENCY_BUCKETS - 1 : (unsigned)at;
}

int64_t insp_latency_at(unsigned bucket, double place) {
    double low = bucket_start(bucket), high = bucket_start(bucket + 1);
    return (int64_t)(low + (high - low) * place);
}

static int64_t floor_minute(int64_t us) {
    return us / MINUTE_US - (us % MINUTE_US < 0);
}

int insp_minute_count(struct insp_store *store, const struct insp_record *record, struct insp_error *reterr) {
    struct sqlite3_stmt *put = store->minute_put;
    sqlite3_bind_int64(put, 1, floor_minute(record->received_us));
    insp_sql_bind_text(put, 2, record->product);
    sqlite3_bind_int(put, 3, record->verdict == INSP_VERDICT_GOOD);
    sqlite3_bind_int(put, 4, record->verdict == INSP_VERDICT_ANOMALY);
    sqlite3_bind_int(put, 5, record->verdict == INSP_VERDICT_REVIEW);
    sqlite3_bind_int(put, 6, insp_record_late(record));
    return insp_sql_run(put, reterr);
}

static bool same_minute(const struct insp_late *a, const struct insp_late *b) {
    return a->minute == b->minute && !strcmp(a->product, b->product);
}

static bool had_its_turn(const struct insp_store *store, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (same_minute(&store->late[i], &store->late[at]))
            return true;
    return false;
}

/* Adds all latencies that belong to the minute and product of late[at]. */
static int add_minute(struct insp_store *store, size_t at, struct insp_error *reterr) {
    const struct insp_late *first = &store->late[at];
    uint32_t latency[INSP_LATENCY_BUCKETS] = {0};
    struct sqlite3_stmt *get = store->minute_get, *put = store->minute_late;
    int64_t max_us = 0;
    sqlite3_bind_int64(get, 1, first->minute);
    insp_sql_bind_text(get, 2, first->product);
    int step = sqlite3_step(get);
    if (step == SQLITE_ROW) /* the table's CHECK gives its length */
        memcpy(latency, sqlite3_column_blob(get, 0), sizeof latency);
    int r = step == SQLITE_ROW || step == SQLITE_DONE ? 0 : insp_sql_fail(store->writer, reterr);
    sqlite3_reset(get);
    if (r < 0)
        return r;
    for (size_t i = at; i < store->late_count; i++) {
        const struct insp_late *late = &store->late[i];
        if (!same_minute(first, late))
            continue;
        unsigned bucket = insp_latency_bucket(late->total_us);
        latency[bucket] = htole32(le32toh(latency[bucket]) + 1);
        max_us = late->total_us > max_us ? late->total_us : max_us;
    }
    sqlite3_bind_int64(put, 1, first->minute);
    insp_sql_bind_text(put, 2, first->product);
    sqlite3_bind_int64(put, 3, max_us);
    sqlite3_bind_blob(put, 4, latency, sizeof latency, SQLITE_STATIC);
    return insp_sql_run(put, reterr);
}

int insp_minute_add_late(struct insp_store *store, struct insp_error *reterr) {
    int r = 0;
    for (size_t i = 0; i < store->late_count && r == 0; i++)
        if (!had_its_turn(store, i))
            r = add_minute(store, i, reterr);
    return r;
}

int insp_minute_make_room(struct insp_store *store, size_t count, struct insp_error *reterr) {
    if (count <= store->late_room)
        return 0;
    struct insp_late *grown = realloc(store->late, count * sizeof *grown);
    if (!grown)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the latencies of %zu records", count);
    store->late = grown;
    store->late_room = count;
    return 0;
}

void insp_minute_keep_late(struct insp_store *store, const struct insp_record *records, size_t count) {
    store->late_count = count;
    for (size_t i = 0; i < count; i++) {
        struct insp_late *late = &store->late[i];
        late->minute = floor_minute(records[i].received_us);
        late->total_us = records[i].total_us;
        snprintf(late->product, sizeof late->product, "%s", records[i].product);
    }
}

void insp_store_add_commit(struct insp_store *store, int64_t commit_us) {
    pthread_mutex_lock(&store->write_lock);
    for (size_t i = 0; i < store->late_count; i++)
        store->late[i].total_us += commit_us;
    pthread_mutex_unlock(&store->write_lock);
}

static int flush_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    (void)db;
    return insp_minute_add_late(arg, reterr);
}

static void flushed(void *arg) {
    struct insp_store *store = arg;
    store->late_count = 0;
}

int insp_minute_flush(struct insp_store *store, struct insp_error *reterr) {
    pthread_mutex_lock(&store->write_lock);
    bool nothing = !store->late_count;
    pthread_mutex_unlock(&store->write_lock);
    return nothing ? 0 : insp_store_write_then(store, false, flush_work, flushed, store, reterr);
}

int insp_minute_relabel(struct sqlite3 *db, const char *product, int64_t received_us, enum insp_label before,
                        enum insp_label after, struct insp_error *reterr) {
    _cleanup_stmt_ struct sqlite3_stmt *update = NULL;
    int r = insp_sql_prepare(db,
                             "UPDATE minute SET labelled_good = labelled_good + ?1,"
                             " labelled_anomaly = labelled_anomaly + ?2 WHERE minute = ?3 AND product = ?4",
                             &update, reterr);
    if (r < 0)
        return r;
    sqlite3_bind_int(update, 1, (after == INSP_LABEL_GOOD) - (before == INSP_LABEL_GOOD));
    sqlite3_bind_int(update, 2, (after == INSP_LABEL_ANOMALY) - (before == INSP_LABEL_ANOMALY));
    sqlite3_bind_int64(update, 3, floor_minute(received_us));
    insp_sql_bind_text(update, 4, product);
    return insp_sql_run(update, reterr);
}

struct gather {
    const char *product;
    int64_t since_us, until_us, bucket_us;
    struct insp_statistics *statistics;
    size_t room;
    uint64_t latency[INSP_LATENCY_BUCKETS];      /* of all */
    uint64_t step_latency[INSP_LATENCY_BUCKETS]; /* of the last step */
};

/* max_us: the largest latency, an upper bound of all quantiles. */
static int64_t quantile(const uint64_t *latency, double q, int64_t max_us) {
    uint64_t count = 0, before = 0;
    for (unsigned i = 0; i < INSP_LATENCY_BUCKETS; i++)
        count += latency[i];
    double rank = q * (double)count;
    for (unsigned i = 0; i < INSP_LATENCY_BUCKETS; i++) {
        uint64_t here = latency[i];
        if (here && (double)(before + here) >= rank) {
            int64_t us = insp_latency_at(i, (rank - (double)before) / (double)here);
            return us < max_us ? us : max_us;
        }
        before += here;
    }
    return max_us;
}

/* Ends a step. Rows come in order of time, so only the last step grows and one histogram serves all. */
static void end_step(struct gather *gather) {
    struct insp_statistics *s = gather->statistics;
    if (!s->bucket_count)
        return;
    struct insp_statistics_bucket *bucket = &s->bucket[s->bucket_count - 1];
    bucket->total_p50_us = quantile(gather->step_latency, 0.50, bucket->total_max_us);
    bucket->total_p99_us = quantile(gather->step_latency, 0.99, bucket->total_max_us);
    memset(gather->step_latency, 0, sizeof gather->step_latency);
}

/* Returns the step of a row: the last one, or a new one after it (rows come in order). NULL without memory. */
static struct insp_statistics_bucket *bucket_at(struct gather *gather, int64_t start_us) {
    struct insp_statistics *s = gather->statistics;
    if (!s->bucket_count || s->bucket[s->bucket_count - 1].start_us != start_us) {
        end_step(gather);
        if (s->bucket_count == gather->room) {
            size_t room = gather->room ? 2 * gather->room : 64;
            struct insp_statistics_bucket *grown = realloc(s->bucket, room * sizeof *grown);
            if (!grown)
                return NULL;
            s->bucket = grown;
            gather->room = room;
        }
        s->bucket[s->bucket_count++] = (struct insp_statistics_bucket){.start_us = start_us};
    }
    return &s->bucket[s->bucket_count - 1];
}

static int add_row(struct gather *gather, struct sqlite3_stmt *row, struct insp_error *reterr) {
    struct insp_statistics *s = gather->statistics;
    uint32_t latency[INSP_LATENCY_BUCKETS];
    int64_t start_us = sqlite3_column_int64(row, 0) * MINUTE_US, step_us = gather->bucket_us;
    struct insp_statistics_bucket *bucket = bucket_at(gather, start_us / step_us * step_us);
    if (!bucket)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the steps of the statistics");
    uint64_t good = (uint64_t)sqlite3_column_int64(row, 1), anomaly = (uint64_t)sqlite3_column_int64(row, 2),
             review = (uint64_t)sqlite3_column_int64(row, 7), late = (uint64_t)sqlite3_column_int64(row, 8);
    bucket->good += good;
    bucket->anomaly += anomaly;
    bucket->review += review;
    bucket->late += late;
    s->good += good;
    s->anomaly += anomaly;
    s->review += review;
    s->late += late;
    s->labelled_good += (uint64_t)sqlite3_column_int64(row, 3);
    s->labelled_anomaly += (uint64_t)sqlite3_column_int64(row, 4);
    int64_t max_us = sqlite3_column_int64(row, 5);
    if (max_us > s->total_max_us)
        s->total_max_us = max_us;
    if (max_us > bucket->total_max_us)
        bucket->total_max_us = max_us;
    memcpy(latency, sqlite3_column_blob(row, 6), sizeof latency);
    for (size_t i = 0; i < INSP_LATENCY_BUCKETS; i++) {
        gather->latency[i] += le32toh(latency[i]);
        gather->step_latency[i] += le32toh(latency[i]);
    }
    return 0;
}

static int gather_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    struct gather *gather = arg;
    _cleanup_stmt_ struct sqlite3_stmt *rows = NULL;
    int r =
        insp_sql_prepare(db,
                         "SELECT minute, good, anomaly, labelled_good, labelled_anomaly, total_max_us, latency,"
                         " review, late"
                         " FROM minute WHERE minute >= ?1 AND minute < ?2 AND (?3 IS NULL OR product = ?3)"
                         " ORDER BY minute",
                         &rows, reterr);
    if (r < 0)
        return r;
    sqlite3_bind_int64(rows, 1, gather->since_us ? floor_minute(gather->since_us) : INT64_MIN);
    sqlite3_bind_int64(rows, 2, gather->until_us ? floor_minute(gather->until_us + MINUTE_US - 1) : INT64_MAX);
    if (gather->product)
        insp_sql_bind_text(rows, 3, gather->product);
    int step;
    while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
        r = add_row(gather, rows, reterr);
        if (r < 0)
            return r;
    }
    return step == SQLITE_DONE ? 0 : insp_sql_fail(db, reterr);
}

int insp_store_statistics(struct insp_store *store, const char *product, int64_t since_us, int64_t until_us,
                          int64_t bucket_us, struct insp_statistics *ret, struct insp_error *reterr) {
    struct insp_statistics statistics = {0};
    struct gather gather = {.product = product,
                            .since_us = since_us,
                            .until_us = until_us,
                            .bucket_us = bucket_us < MINUTE_US ? MINUTE_US : bucket_us,
                            .statistics = &statistics};
    int r = insp_minute_flush(store, reterr);
    if (r == 0)
        r = insp_store_read(store, gather_work, &gather, reterr);
    if (r < 0) {
        insp_statistics_clear(&statistics);
        return r;
    }
    end_step(&gather);
    statistics.total_p50_us = quantile(gather.latency, 0.50, statistics.total_max_us);
    statistics.total_p90_us = quantile(gather.latency, 0.90, statistics.total_max_us);
    statistics.total_p99_us = quantile(gather.latency, 0.99, statistics.total_max_us);
    *ret = statistics;
    return 0;
}

void insp_statistics_clear(struct insp_statistics *statistics) {
    free(statistics->bucket);
    *statistics = (struct insp_statistics){0};
}
