#include "core/store/outbox.h"

#include "core/store/internal.h"

#include <stdio.h>
#include <string.h>

enum { PRUNED_AT_ONCE = 2000 }; /* rows; a put waits for at most one such transaction */

#define NEWEST_SQL "coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0)"

struct sinks {
    struct insp_store *store;
    const char *const *names;
    size_t count;
};

/* Forgets the cursors of sinks that are not in the settings any more. */
static int forget(struct sqlite3 *db, const struct sinks *sinks, struct insp_error *reterr) {
    _cleanup_stmt_ struct sqlite3_stmt *known = NULL, *drop = NULL;
    int r = insp_sql_prepare(db, "SELECT name FROM sink", &known, reterr);
    if (r == 0)
        r = insp_sql_prepare(db, "DELETE FROM sink WHERE name = ?1", &drop, reterr);
    int step = SQLITE_DONE;
    while (r == 0 && (step = sqlite3_step(known)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(known, 0);
        bool kept = false;
        for (size_t i = 0; i < sinks->count; i++)
            kept |= !strcmp(sinks->names[i], name);
        if (kept)
            continue;
        insp_sql_bind_text(drop, 1, name);
        r = insp_sql_run(drop, reterr);
    }
    return r < 0 || step == SQLITE_DONE ? r : insp_sql_fail(db, reterr);
}

static int open_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct sinks *sinks = arg;
    _cleanup_stmt_ struct sqlite3_stmt *add = NULL;
    int r = forget(db, sinks, reterr);
    if (r == 0)
        r = insp_sql_prepare(
            db, "INSERT INTO sink (name, place) VALUES (?1, " NEWEST_SQL ") ON CONFLICT DO NOTHING", &add, reterr);
    for (size_t i = 0; i < sinks->count && r == 0; i++) {
        insp_sql_bind_text(add, 1, sinks->names[i]);
        r = insp_sql_run(add, reterr);
    }
    if (r == 0 && !sinks->count)
        r = insp_sql_exec(db, "DELETE FROM outbox", reterr);
    return r;
}

static void opened(void *arg) {
    const struct sinks *sinks = arg;
    sinks->store->outbox = sinks->count > 0;
}

int insp_outbox_open(struct insp_store *store, const char *const *names, size_t count, struct insp_error *reterr) {
    struct sinks sinks = {store, names, count};
    return insp_store_write_then(store, false, open_work, opened, &sinks, reterr);
}

int insp_outbox_add(struct insp_store *store, int64_t key, struct insp_error *reterr) {
    if (!store->outbox)
        return 0;
    sqlite3_bind_int64(store->put_place, 1, key);
    return insp_sql_run(store->put_place, reterr);
}

struct state {
    const char *name;
    struct insp_outbox_state *ret;
};

static int state_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct state *state = arg;
    _cleanup_stmt_ struct sqlite3_stmt *row = NULL;
    int r = insp_sql_prepare(db,
                             "SELECT place, delivered, lost, " NEWEST_SQL ","
                             " coalesce((SELECT received_us FROM outbox JOIN inspection USING (key)"
                             "  WHERE outbox.place > sink.place ORDER BY outbox.place LIMIT 1), 0)"
                             " FROM sink WHERE name = ?1",
                             &row, reterr);
    if (r < 0)
        return r;
    insp_sql_bind_text(row, 1, state->name);
    int step = sqlite3_step(row);
    if (step == SQLITE_DONE)
        return insp_fail(reterr, INSP_E_NOT_FOUND, "the database knows no sink '%.*s'", INSP_SINK_NAME_BYTES,
                         state->name);
    if (step != SQLITE_ROW)
        return insp_sql_fail(db, reterr);
    *state->ret = (struct insp_outbox_state){.place = sqlite3_column_int64(row, 0),
                                             .delivered = (uint64_t)sqlite3_column_int64(row, 1),
                                             .lost = (uint64_t)sqlite3_column_int64(row, 2),
                                             .newest = sqlite3_column_int64(row, 3),
                                             .oldest_us = sqlite3_column_int64(row, 4)};
    return 0;
}

int insp_outbox_state(struct insp_store *store, const char *name, struct insp_outbox_state *ret,
                      struct insp_error *reterr) {
    struct state state = {name, ret};
    return insp_store_read(store, state_work, &state, reterr);
}

struct page {
    int64_t after, newest, through;
    size_t limit;
    insp_outbox_callback *callback;
    void *arg;
};

static int walk(struct sqlite3 *db, struct page *page, struct insp_error *reterr) {
    char sql[1024];
    size_t count = 0;
    int step;
    _cleanup_stmt_ struct sqlite3_stmt *rows = NULL;
    snprintf(
        sql, sizeof sql,
        "SELECT %s, place FROM outbox CROSS JOIN inspection USING (key) WHERE place > ?1 ORDER BY place LIMIT ?2",
        insp_record_columns);
    int r = insp_sql_prepare(db, sql, &rows, reterr);
    if (r < 0)
        return r;
    sqlite3_bind_int64(rows, 1, page->after);
    sqlite3_bind_int64(rows, 2, (sqlite3_int64)page->limit);
    page->through = page->after;
    while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
        struct insp_record_room room;
        struct insp_record record;
        int64_t place = sqlite3_column_int64(rows, sqlite3_column_count(rows) - 1);
        insp_record_read(rows, &room, &record);
        page->through = place;
        if (page->callback(page->arg, place, &record))
            return 0;
        count++;
    }
    if (step != SQLITE_DONE)
        return insp_sql_fail(db, reterr);
    if (count < page->limit)
        page->through = page->newest;
    return 0;
}

/* Reads in one transaction: the newest place and the rows must be of the same moment. */
static int page_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    struct page *page = arg;
    int r = insp_sql_exec(db, "BEGIN", reterr);
    if (r < 0)
        return r;
    r = insp_sql_int(db, "SELECT " NEWEST_SQL, &page->newest, reterr);
    if (r == 0)
        r = walk(db, page, reterr);
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL); /* nothing to keep */
    return r;
}

int insp_outbox_page(struct insp_store *store, int64_t after, size_t limit, insp_outbox_callback *callback,
                     void *arg, int64_t *ret_newest, int64_t *ret_through, struct insp_error *reterr) {
    struct page page = {.after = after, .limit = limit, .callback = callback, .arg = arg};
    int r = insp_store_read(store, page_work, &page, reterr);
    if (r < 0)
        return r;
    *ret_newest = page.newest;
    *ret_through = page.through;
    return 0;
}

struct step {
    const char *name;
    int64_t place;
    uint64_t delivered, lost;
};

static int prune(struct sqlite3 *db, struct insp_error *reterr) {
    char sql[256];
    snprintf(sql, sizeof sql,
             "DELETE FROM outbox WHERE place <= (SELECT min(place) FROM sink)"
             " AND place < (SELECT min(place) FROM outbox) + %d",
             PRUNED_AT_ONCE);
    return insp_sql_exec(db, sql, reterr);
}

static int advance_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct step *step = arg;
    _cleanup_stmt_ struct sqlite3_stmt *update = NULL;
    int r = insp_sql_prepare(db,
                             "UPDATE sink SET place = ?2, delivered = delivered + ?3, lost = lost + ?4"
                             " WHERE name = ?1",
                             &update, reterr);
    if (r < 0)
        return r;
    insp_sql_bind_text(update, 1, step->name);
    sqlite3_bind_int64(update, 2, step->place);
    sqlite3_bind_int64(update, 3, (sqlite3_int64)step->delivered);
    sqlite3_bind_int64(update, 4, (sqlite3_int64)step->lost);
    r = insp_sql_run(update, reterr);
    return r < 0 ? r : prune(db, reterr);
}

int insp_outbox_advance(struct insp_store *store, const char *name, int64_t place, uint64_t delivered,
                        uint64_t lost, struct insp_error *reterr) {
    struct step step = {name, place, delivered, lost};
    return insp_store_write(store, advance_work, &step, reterr);
}
