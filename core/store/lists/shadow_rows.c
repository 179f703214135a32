#include "core/store/lists/shadow_rows.h"

#include "core/store/internal.h"

/* --- counting --- */

struct add {
    const struct insp_shadow_run *run;
    const struct insp_shadow_part *part;
    size_t count;
    uint64_t lost;
    struct insp_shadow_counts counts;
};

static void bind_run(struct sqlite3_stmt *s, const struct insp_shadow_run *run) {
    insp_sql_bind_text(s, 1, run->product);
    insp_sql_bind_text(s, 2, run->version);
    sqlite3_bind_int64(s, 3, run->since_us);
}

/* ret_known may be NULL. */
static int read_counts(struct sqlite3 *db, const struct insp_shadow_run *run, struct insp_shadow_counts *ret,
                       bool *ret_known, struct insp_error *reterr) {
    _cleanup_stmt_ struct sqlite3_stmt *row = NULL;
    int r = insp_sql_prepare(db,
                             "SELECT parts, agree, missed, rejected, skipped, outcome, failed, lost FROM shadow"
                             " WHERE product = ?1 AND version = ?2 AND since_us = ?3",
                             &row, reterr);
    if (r < 0)
        return r;
    bind_run(row, run);
    int step = sqlite3_step(row);
    *ret = (struct insp_shadow_counts){0};
    if (step == SQLITE_ROW)
        *ret = (struct insp_shadow_counts){.parts = (uint64_t)sqlite3_column_int64(row, 0),
                                           .agree = (uint64_t)sqlite3_column_int64(row, 1),
                                           .missed = (uint64_t)sqlite3_column_int64(row, 2),
                                           .rejected = (uint64_t)sqlite3_column_int64(row, 3),
                                           .skipped = (uint64_t)sqlite3_column_int64(row, 4),
                                           .outcome = (enum insp_shadow_outcome)sqlite3_column_int(row, 5),
                                           .failed = (uint64_t)sqlite3_column_int64(row, 6),
                                           .lost = (uint64_t)sqlite3_column_int64(row, 7)};
    if (ret_known)
        *ret_known = step == SQLITE_ROW;
    return step == SQLITE_ROW || step == SQLITE_DONE ? 0 : insp_sql_fail(db, reterr);
}

static int write_counts(struct sqlite3 *db, const struct add *add, struct insp_error *reterr) {
    _cleanup_stmt_ struct sqlite3_stmt *put = NULL;
    int r =
        insp_sql_prepare(db,
                         "INSERT INTO shadow (product, version, since_us, parts, agree, missed, rejected, skipped,"
                         " failed, lost) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
                         " ON CONFLICT (product, version, since_us) DO UPDATE SET parts = excluded.parts,"
                         " agree = excluded.agree, missed = excluded.missed, rejected = excluded.rejected,"
                         " skipped = excluded.skipped, failed = excluded.failed, lost = excluded.lost",
                         &put, reterr);
    if (r < 0)
        return r;
    bind_run(put, add->run);
    sqlite3_bind_int64(put, 4, (sqlite3_int64)add->counts.parts);
    sqlite3_bind_int64(put, 5, (sqlite3_int64)add->counts.agree);
    sqlite3_bind_int64(put, 6, (sqlite3_int64)add->counts.missed);
    sqlite3_bind_int64(put, 7, (sqlite3_int64)add->counts.rejected);
    sqlite3_bind_int64(put, 8, (sqlite3_int64)add->counts.skipped);
    sqlite3_bind_int64(put, 9, (sqlite3_int64)add->counts.failed);
    sqlite3_bind_int64(put, 10, (sqlite3_int64)add->counts.lost);
    return insp_sql_run(put, reterr);
}

static int keep(struct sqlite3 *db, const struct add *add, const struct insp_shadow_part *part,
                struct insp_error *reterr) {
    _cleanup_stmt_ struct sqlite3_stmt *put = NULL;
    unsigned char blob[INSP_ID_BLOB_BYTES];
    int64_t key;
    if (!insp_id_parse(part->id, blob, &key))
        return insp_fail(reterr, INSP_E_INTERNAL, "'%s' is not a version 7 UUID", part->id);
    int r =
        insp_sql_prepare(db,
                         "INSERT OR REPLACE INTO shadow_part (product, version, since_us, key, id, active, shadow,"
                         " probability) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                         &put, reterr);
    if (r < 0)
        return r;
    bind_run(put, add->run);
    sqlite3_bind_int64(put, 4, key);
    sqlite3_bind_blob(put, 5, blob, sizeof blob, SQLITE_STATIC);
    sqlite3_bind_int(put, 6, (int)part->active);
    sqlite3_bind_int(put, 7, (int)part->shadow);
    sqlite3_bind_double(put, 8, (double)part->probability);
    return insp_sql_run(put, reterr);
}

/* Removes the oldest disagreements of the run beyond INSP_SHADOW_KEPT. */
static int trim(struct sqlite3 *db, const struct add *add, struct insp_error *reterr) {
    _cleanup_stmt_ struct sqlite3_stmt *remove = NULL;
    int r =
        insp_sql_prepare(db,
                         "DELETE FROM shadow_part WHERE product = ?1 AND version = ?2 AND since_us = ?3 AND key <="
                         " (SELECT key FROM shadow_part WHERE product = ?1 AND version = ?2 AND since_us = ?3"
                         " ORDER BY key DESC LIMIT 1 OFFSET ?4)",
                         &remove, reterr);
    if (r < 0)
        return r;
    bind_run(remove, add->run);
    sqlite3_bind_int(remove, 4, INSP_SHADOW_KEPT);
    return insp_sql_run(remove, reterr);
}

/* Removes the other runs of the product: they have ended, whatever the clock said when they began. */
static int end_others(struct sqlite3 *db, const struct insp_shadow_run *run, struct insp_error *reterr) {
    static const char *const sql[] = {
        "DELETE FROM shadow WHERE product = ?1 AND (version, since_us) <> (?2, ?3)",
        "DELETE FROM shadow_part WHERE product = ?1 AND (version, since_us) <> (?2, ?3)"};
    int r = 0;
    for (size_t i = 0; i < INSP_COUNT(sql) && r == 0; i++) {
        _cleanup_stmt_ struct sqlite3_stmt *remove = NULL;
        r = insp_sql_prepare(db, sql[i], &remove, reterr);
        if (r < 0)
            return r;
        bind_run(remove, run);
        r = insp_sql_run(remove, reterr);
    }
    return r;
}

static int add_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    struct add *add = arg;
    bool disagree = false, known;
    int r = read_counts(db, add->run, &add->counts, &known, reterr);
    if (r == 0 && !known && !add->run->over)
        r = end_others(db, add->run, reterr);
    add->counts.lost += add->lost;
    for (size_t i = 0; i < add->count && r == 0; i++) {
        const struct insp_shadow_part *part = &add->part[i];
        struct insp_shadow_counts *counts = &add->counts;
        counts->skipped += part->skipped;
        counts->failed += part->failed;
        if (part->skipped || part->failed)
            continue;
        counts->parts++;
        counts->agree += part->active == part->shadow;
        counts->missed += part->active != INSP_VERDICT_GOOD && part->shadow == INSP_VERDICT_GOOD;
        counts->rejected += part->active == INSP_VERDICT_GOOD && part->shadow != INSP_VERDICT_GOOD;
        if (part->active == part->shadow)
            continue;
        disagree = true;
        r = keep(db, add, part, reterr);
    }
    if (r == 0)
        r = write_counts(db, add, reterr);
    return r == 0 && disagree ? trim(db, add, reterr) : r;
}

int insp_store_shadow_add(struct insp_store *store, const struct insp_shadow_run *run,
                          const struct insp_shadow_part *part, size_t count, uint64_t lost,
                          struct insp_shadow_counts *ret, struct insp_error *reterr) {
    struct add add = {.run = run, .part = part, .count = count, .lost = lost};
    int r = insp_store_write(store, add_work, &add, reterr);
    if (r == 0)
        *ret = add.counts;
    return r;
}

struct decided {
    const struct insp_shadow_run *run;
    enum insp_shadow_outcome outcome;
};

static int decided_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct decided *decided = arg;
    _cleanup_stmt_ struct sqlite3_stmt *update = NULL;
    int r = insp_sql_prepare(
        db, "UPDATE shadow SET outcome = ?4 WHERE product = ?1 AND version = ?2 AND since_us = ?3", &update,
        reterr);
    if (r < 0)
        return r;
    bind_run(update, decided->run);
    sqlite3_bind_int(update, 4, (int)decided->outcome);
    return insp_sql_run(update, reterr);
}

int insp_store_shadow_decided(struct insp_store *store, const struct insp_shadow_run *run,
                              enum insp_shadow_outcome outcome, struct insp_error *reterr) {
    struct decided decided = {run, outcome};
    return insp_store_write(store, decided_work, &decided, reterr);
}

/* --- reading --- */

struct read {
    const struct insp_shadow_run *run;
    struct insp_shadow_counts counts;
    size_t limit;
    insp_shadow_callback *callback;
    void *arg;
};

static int counts_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    struct read *read = arg;
    return read_counts(db, read->run, &read->counts, NULL, reterr);
}

int insp_store_shadow_counts(struct insp_store *store, const struct insp_shadow_run *run,
                             struct insp_shadow_counts *ret, struct insp_error *reterr) {
    struct read read = {.run = run};
    int r = insp_store_read(store, counts_work, &read, reterr);
    if (r == 0)
        *ret = read.counts;
    return r;
}

static int list_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct read *read = arg;
    _cleanup_stmt_ struct sqlite3_stmt *rows = NULL;
    int r = insp_sql_prepare(db,
                             "SELECT shadow_part.id, active, shadow, shadow_part.probability FROM shadow_part"
                             " JOIN inspection ON inspection.key = shadow_part.key"
                             " WHERE shadow_part.product = ?1 AND version = ?2 AND since_us = ?3"
                             " ORDER BY shadow_part.key DESC LIMIT ?4",
                             &rows, reterr);
    if (r < 0)
        return r;
    bind_run(rows, read->run);
    sqlite3_bind_int64(rows, 4, (sqlite3_int64)read->limit);
    int step;
    while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
        char id[INSP_UUID_BYTES];
        insp_id_format(sqlite3_column_blob(rows, 0), id); /* the table's CHECK: 16 bytes */
        const struct insp_shadow_part part = {.id = id,
                                              .active = (enum insp_verdict)sqlite3_column_int(rows, 1),
                                              .shadow = (enum insp_verdict)sqlite3_column_int(rows, 2),
                                              .probability = (float)sqlite3_column_double(rows, 3)};
        if (read->callback(read->arg, &part))
            return 0;
    }
    return step == SQLITE_DONE ? 0 : insp_sql_fail(db, reterr);
}

int insp_store_shadow_list(struct insp_store *store, const struct insp_shadow_run *run, size_t limit,
                           insp_shadow_callback *callback, void *arg, struct insp_error *reterr) {
    struct read read = {.run = run, .limit = limit, .callback = callback, .arg = arg};
    return insp_store_read(store, list_work, &read, reterr);
}
