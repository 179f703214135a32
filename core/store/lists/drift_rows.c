#include "core/store/lists/drift_rows.h"

#include "core/base/clock.h"
#include "core/store/internal.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

enum { GAP_DAYS = 31 };

_Static_assert(INSP_DRIFT_BINS * sizeof(uint32_t) == 80, "the length that the table checks");

int64_t insp_drift_day(int64_t wall_us) {
    static const int64_t day_us = INT64_C(86400000000);
    return wall_us / day_us - (wall_us % day_us < 0);
}

static bool counts(const struct insp_record *record) {
    return record->verdict == INSP_VERDICT_GOOD;
}

static bool same_row(const struct insp_record *a, const struct insp_record *b) {
    return insp_drift_day(a->received_us) == insp_drift_day(b->received_us) && !strcmp(a->product, b->product) &&
           !strcmp(a->camera, b->camera) && !strcmp(a->model, b->model);
}

static bool had_its_turn(const struct insp_record *records, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (counts(&records[i]) && same_row(&records[i], &records[at]))
            return true;
    return false;
}

/* Says whether a day may get another row. Its first row also ends the rows that are too old, unless the day before
 * it is long ago: a clock that has jumped must not cost the history, and the next day ends them. */
static int make_room(struct insp_store *store, int64_t day, bool *ret_room, struct insp_error *reterr) {
    char sql[128];
    int64_t rows = 0;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM drift WHERE day = %lld", (long long)day);
    int r = insp_sql_int(store->writer, sql, &rows, reterr);
    if (r < 0)
        return r;
    *ret_room = rows < INSP_DRIFT_ROWS_A_DAY;
    if (rows)
        return 0;
    int64_t before = 0;
    snprintf(sql, sizeof sql, "SELECT coalesce(max(day), 0) FROM drift WHERE day < %lld", (long long)day);
    r = insp_sql_int(store->writer, sql, &before, reterr);
    if (r < 0 || day - before > GAP_DAYS)
        return r;
    snprintf(sql, sizeof sql, "DELETE FROM drift WHERE day < %lld", (long long)day - INSP_DRIFT_DAYS);
    return insp_sql_exec(store->writer, sql, reterr);
}

static void bind_key(struct sqlite3_stmt *s, int64_t day, const struct insp_record *record) {
    sqlite3_bind_int64(s, 1, day);
    insp_sql_bind_text(s, 2, record->product);
    insp_sql_bind_text(s, 3, record->camera);
    insp_sql_bind_text(s, 4, record->model);
}

/* Adds all records from `at` on that belong to its row. */
static int add_row(struct insp_store *store, const struct insp_record *records, size_t count, size_t at,
                   struct insp_error *reterr) {
    const struct insp_record *first = &records[at];
    struct sqlite3_stmt *get = store->drift_get, *put = store->drift_put;
    const int64_t day = insp_drift_day(first->received_us);
    uint32_t bins[INSP_DRIFT_BINS] = {0}, reference = 0;
    int64_t parts = 0;
    bool room = true;
    bind_key(get, day, first);
    int step = sqlite3_step(get);
    if (step == SQLITE_ROW) { /* the table's CHECK gives the length */
        parts = sqlite3_column_int64(get, 0);
        memcpy(bins, sqlite3_column_blob(get, 1), sizeof bins);
        reference = (uint32_t)sqlite3_column_int64(get, 2);
    }
    int r = step == SQLITE_ROW || step == SQLITE_DONE ? 0 : insp_sql_fail(store->writer, reterr);
    sqlite3_reset(get);
    if (r == 0 && step == SQLITE_DONE)
        r = make_room(store, day, &room, reterr);
    if (r < 0 || !room)
        return r;
    for (size_t i = at; i < count; i++) {
        const struct insp_drift_place *place = &records[i].drift;
        if (!counts(&records[i]) || !same_row(first, &records[i]))
            continue;
        if (parts && reference != place->reference) { /* places among other parts of the training */
            parts = 0;
            memset(bins, 0, sizeof bins);
        }
        parts++;
        reference = place->reference;
        if (reference && place->bin < INSP_DRIFT_BINS)
            bins[place->bin] = htole32(le32toh(bins[place->bin]) + 1);
    }
    bind_key(put, day, first);
    sqlite3_bind_int64(put, 5, parts);
    sqlite3_bind_int64(put, 6, reference);
    sqlite3_bind_blob(put, 7, bins, sizeof bins, SQLITE_STATIC);
    return insp_sql_run(put, reterr);
}

int insp_drift_count(struct insp_store *store, const struct insp_record *records, size_t count,
                     struct insp_error *reterr) {
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++)
        if (counts(&records[i]) && !had_its_turn(records, i))
            r = add_row(store, records, count, i, reterr);
    return r;
}

struct walk {
    const char *product;
    int64_t since_day;
    insp_drift_callback *callback;
    void *arg;
};

static int walk_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct walk *walk = arg;
    _cleanup_stmt_ struct sqlite3_stmt *rows = NULL;
    int r = insp_sql_prepare(db,
                             "SELECT day, product, camera, model, parts, reference, bins FROM drift"
                             " WHERE day BETWEEN ?1 AND ?3 AND (?2 IS NULL OR product = ?2)"
                             " ORDER BY product, camera, day DESC, model DESC",
                             &rows, reterr);
    if (r < 0)
        return r;
    sqlite3_bind_int64(rows, 1, walk->since_day);
    sqlite3_bind_int64(rows, 3,
                       insp_drift_day(insp_wall_us())); /* a clock that was wrong may have left later ones */
    if (walk->product)
        insp_sql_bind_text(rows, 2, walk->product);
    int step;
    while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
        struct insp_drift_row row = {.day = sqlite3_column_int64(rows, 0),
                                     .product = insp_sql_text(rows, 1),
                                     .camera = insp_sql_text(rows, 2),
                                     .model = insp_sql_text(rows, 3),
                                     .parts = (uint64_t)sqlite3_column_int64(rows, 4),
                                     .reference = (uint32_t)sqlite3_column_int64(rows, 5)};
        memcpy(row.bin, sqlite3_column_blob(rows, 6), sizeof row.bin);
        for (size_t i = 0; i < INSP_DRIFT_BINS; i++)
            row.bin[i] = le32toh(row.bin[i]);
        if (walk->callback(walk->arg, &row))
            return 0;
    }
    return step == SQLITE_DONE ? 0 : insp_sql_fail(db, reterr);
}

int insp_store_drift(struct insp_store *store, const char *product, int64_t since_day,
                     insp_drift_callback *callback, void *arg, struct insp_error *reterr) {
    struct walk walk = {.product = product, .since_day = since_day, .callback = callback, .arg = arg};
    return insp_store_read(store, walk_work, &walk, reterr);
}
