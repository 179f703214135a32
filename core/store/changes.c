#include "core/store/changes.h"

#include "core/base/clock.h"
#include "core/store/sql.h"

#include <stdio.h>

enum { QUOTED_BYTES = 72 }; /* a version's name as JSON text */

struct apply {
    const struct insp_change *changes;
    size_t count;
    const struct insp_change_work *work;
    bool applied;
};

static int add(struct sqlite3 *db, const struct insp_change *change, struct insp_error *reterr) {
    _cleanup_stmt_ struct sqlite3_stmt *insert = NULL;
    char id[INSP_UUID_BYTES];
    int r = insp_sql_prepare(db,
                             "INSERT INTO model_change (id, at_us, who, product, version, field, old, new)"
                             " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                             &insert, reterr);
    if (r < 0)
        return r;
    insp_uuid7(id);
    insp_sql_bind_text(insert, 1, id);
    sqlite3_bind_int64(insert, 2, insp_wall_us());
    insp_sql_bind_text(insert, 3, change->who);
    insp_sql_bind_text(insert, 4, change->product);
    insp_sql_bind_text(insert, 5, change->version);
    insp_sql_bind_text(insert, 6, change->field);
    insp_sql_bind_text(insert, 7, change->from);
    insp_sql_bind_text(insert, 8, change->to);
    return insp_sql_run(insert, reterr);
}

static int apply_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    struct apply *apply = arg;
    int r = 0;
    for (size_t i = 0; i < apply->count && r == 0; i++)
        r = add(db, &apply->changes[i], reterr);
    if (r == 0 && apply->work->apply)
        r = apply->work->apply(apply->work->arg, reterr);
    apply->applied = r == 0;
    return r;
}

int insp_changes_apply(struct insp_store *store, const struct insp_change *changes, size_t count,
                       const struct insp_change_work *work, struct insp_error *reterr) {
    struct apply apply = {.changes = changes, .count = count, .work = work};
    int r = insp_store_write(store, apply_work, &apply, reterr);
    if (r < 0 && apply.applied && work->undo)
        work->undo(work->arg);
    return r;
}

struct list {
    const char *product, *version, *before_id;
    size_t limit;
    insp_change_callback *callback;
    void *arg;
};

static int list_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct list *list = arg;
    char quoted[QUOTED_BYTES];
    _cleanup_stmt_ struct sqlite3_stmt *rows = NULL;
    int r = insp_sql_prepare(db,
                             "SELECT id, at_us, who, product, version, field, old, new FROM model_change"
                             " WHERE product = ?1 AND (version = ?2 OR (field = 'active' AND old = ?3))"
                             " AND id < ?4 ORDER BY id DESC LIMIT ?5",
                             &rows, reterr);
    if (r < 0)
        return r;
    snprintf(quoted, sizeof quoted, "\"%.*s\"", QUOTED_BYTES - 3, list->version);
    insp_sql_bind_text(rows, 1, list->product);
    insp_sql_bind_text(rows, 2, list->version);
    insp_sql_bind_text(rows, 3, quoted);
    insp_sql_bind_text(rows, 4, list->before_id ? list->before_id : "~"); /* sorts after every id */
    sqlite3_bind_int64(rows, 5, (sqlite3_int64)list->limit);
    int step;
    while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
        const struct insp_change change = {.id = insp_sql_text(rows, 0),
                                           .at_us = sqlite3_column_int64(rows, 1),
                                           .who = insp_sql_text(rows, 2),
                                           .product = insp_sql_text(rows, 3),
                                           .version = insp_sql_text(rows, 4),
                                           .field = insp_sql_text(rows, 5),
                                           .from = insp_sql_text(rows, 6),
                                           .to = insp_sql_text(rows, 7)};
        if (list->callback(list->arg, &change))
            return 0;
    }
    return step == SQLITE_DONE ? 0 : insp_sql_fail(db, reterr);
}

int insp_changes_list(struct insp_store *store, const char *product, const char *version, const char *before_id,
                      size_t limit, insp_change_callback *callback, void *arg, struct insp_error *reterr) {
    struct list list = {product, version, before_id, limit, callback, arg};
    return insp_store_read(store, list_work, &list, reterr);
}
