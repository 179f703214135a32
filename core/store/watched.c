#include "core/store/watched.h"

#include "core/base/fs.h"
#include "core/store/internal.h"

#include <stdlib.h>
#include <string.h>

enum { PRUNED_AT_ONCE = 1000 }; /* rows; a put waits for at most one such transaction */

#define COLUMNS "row, path, device, inode, size, mtime_ns, id, pending"

static void bind_path(struct sqlite3_stmt *s, int at, const char *path) {
    sqlite3_bind_blob(s, at, path, (int)strlen(path), SQLITE_STATIC);
}

static void bind_identity(struct sqlite3_stmt *s, int at, const struct insp_file_identity *identity) {
    sqlite3_bind_int64(s, at, (int64_t)identity->device);
    sqlite3_bind_int64(s, at + 1, (int64_t)identity->inode);
    sqlite3_bind_int64(s, at + 2, identity->size);
    sqlite3_bind_int64(s, at + 3, identity->mtime_ns);
}

int insp_watched_add(struct insp_store *store, const struct insp_watched *file, const char *id,
                     struct insp_error *reterr) {
    _cleanup_stmt_ struct sqlite3_stmt *put = NULL;
    int r = insp_sql_prepare(store->writer,
                             "INSERT OR REPLACE INTO watched (path, device, inode, size, mtime_ns, id)"
                             " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                             &put, reterr);
    if (r < 0)
        return r;
    bind_path(put, 1, file->path);
    bind_identity(put, 2, &file->identity);
    insp_sql_bind_text(put, 6, id);
    return insp_sql_run(put, reterr);
}

/* Reads a row. path has INSP_PATH_BYTES bytes. */
static void read_row(struct sqlite3_stmt *s, char *path, struct insp_watched_row *ret) {
    const void *blob = sqlite3_column_blob(s, 1);
    snprintf(path, INSP_PATH_BYTES, "%.*s", sqlite3_column_bytes(s, 1), blob ? (const char *)blob : "");
    *ret = (struct insp_watched_row){
        .row = sqlite3_column_int64(s, 0),
        .file = {.path = path,
                 .identity = {.device = (uint64_t)sqlite3_column_int64(s, 2),
                              .inode = (uint64_t)sqlite3_column_int64(s, 3),
                              .size = sqlite3_column_int64(s, 4),
                              .mtime_ns = sqlite3_column_int64(s, 5)}},
        .pending = sqlite3_column_int(s, 7) != 0,
    };
    snprintf(ret->id, sizeof ret->id, "%s", (const char *)sqlite3_column_text(s, 6));
}

struct find {
    const struct insp_watched *files;
    size_t count;
    insp_watched_found *found;
    void *arg;
};

/* Steps a statement once. Returns 1 if it has a row, 0 if not. */
static int first(struct sqlite3 *db, struct sqlite3_stmt *s, struct insp_error *reterr) {
    int step = sqlite3_step(s);
    return step == SQLITE_ROW ? 1 : step == SQLITE_DONE ? 0 : insp_sql_fail(db, reterr);
}

static int find_one(struct sqlite3 *db, struct sqlite3_stmt *by_path, struct sqlite3_stmt *by_content,
                    const struct find *find, size_t index, struct insp_error *reterr) {
    const struct insp_watched *file = &find->files[index];
    char path[INSP_PATH_BYTES];
    struct insp_watched_row row;
    bool same = false;
    bind_path(by_path, 1, file->path);
    int r = first(db, by_path, reterr);
    if (r > 0) {
        read_row(by_path, path, &row);
        same = insp_file_same(&row.file.identity, &file->identity);
    }
    sqlite3_reset(by_path);
    if (r >= 0 && !same) {
        bind_identity(by_content, 1, &file->identity);
        r = first(db, by_content, reterr);
        if (r > 0)
            read_row(by_content, path, &row);
        sqlite3_reset(by_content);
    }
    if (r > 0)
        find->found(find->arg, index, &row);
    return r < 0 ? r : 0;
}

static int find_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct find *find = arg;
    _cleanup_stmt_ struct sqlite3_stmt *by_path = NULL, *by_content = NULL;
    int r = insp_sql_prepare(db, "SELECT " COLUMNS " FROM watched WHERE path = ?1", &by_path, reterr);
    if (r == 0)
        r = insp_sql_prepare(db,
                             "SELECT " COLUMNS " FROM watched INDEXED BY watched_content"
                             " WHERE device = ?1 AND inode = ?2 AND size = ?3 AND mtime_ns = ?4 LIMIT 1",
                             &by_content, reterr);
    for (size_t i = 0; i < find->count && r == 0; i++)
        r = find_one(db, by_path, by_content, find, i, reterr);
    return r;
}

int insp_watched_find(struct insp_store *store, const struct insp_watched *files, size_t count,
                      insp_watched_found *found, void *arg, struct insp_error *reterr) {
    struct find find = {files, count, found, arg};
    return insp_store_read(store, find_work, &find, reterr);
}

static bool is_below(const char *folder, const char *path) {
    size_t bytes = strlen(folder);
    return !strncmp(path, folder, bytes) && path[bytes] == '/';
}

struct walk {
    const char *folder;
    insp_watched_found *found;
    void *arg;
};

static int pending_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct walk *walk = arg;
    _cleanup_stmt_ struct sqlite3_stmt *rows = NULL;
    int step = SQLITE_DONE;
    int r = insp_sql_prepare(
        db, "SELECT " COLUMNS " FROM watched INDEXED BY watched_pending WHERE pending = 1 ORDER BY row", &rows,
        reterr);
    for (size_t index = 0; r == 0 && (step = sqlite3_step(rows)) == SQLITE_ROW;) {
        char path[INSP_PATH_BYTES];
        struct insp_watched_row row;
        read_row(rows, path, &row);
        if (is_below(walk->folder, path))
            walk->found(walk->arg, index++, &row);
    }
    return r < 0 || step == SQLITE_DONE ? r : insp_sql_fail(db, reterr);
}

int insp_watched_pending(struct insp_store *store, const char *folder, insp_watched_found *found, void *arg,
                         struct insp_error *reterr) {
    struct walk walk = {folder, found, arg};
    return insp_store_read(store, pending_work, &walk, reterr);
}

struct finish {
    const struct insp_watched_end *ends;
    size_t count;
};

static int finish_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct finish *finish = arg;
    _cleanup_stmt_ struct sqlite3_stmt *keep = NULL, *drop = NULL;
    int r = insp_sql_prepare(
        db, "UPDATE OR REPLACE watched SET path = ?2, pending = 0, missed = 0 WHERE path = ?1", &keep, reterr);
    if (r == 0)
        r = insp_sql_prepare(db, "DELETE FROM watched WHERE path = ?1", &drop, reterr);
    for (size_t i = 0; i < finish->count && r == 0; i++) {
        const struct insp_watched_end *end = &finish->ends[i];
        struct sqlite3_stmt *s = end->stays ? keep : drop;
        bind_path(s, 1, end->row_path);
        if (end->stays)
            bind_path(s, 2, end->path);
        r = insp_sql_run(s, reterr);
    }
    return r;
}

int insp_watched_finish(struct insp_store *store, const struct insp_watched_end *ends, size_t count,
                        struct insp_error *reterr) {
    struct finish finish = {ends, count};
    return insp_store_write(store, finish_work, &finish, reterr);
}

/* --- pruning: the rows are compared by a reader, so that the writer's lock is held for the changes only --- */

struct prune {
    const char *folder;
    const int64_t *seen;
    size_t seen_count;
    int64_t met[PRUNED_AT_ONCE], missed[PRUNED_AT_ONCE], gone[PRUNED_AT_ONCE];
    size_t met_count, missed_count, gone_count;
};

static int compare(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void note(int64_t *list, size_t *count, int64_t row) {
    if (*count < PRUNED_AT_ONCE)
        list[(*count)++] = row;
}

static int compare_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    struct prune *prune = arg;
    _cleanup_stmt_ struct sqlite3_stmt *rows = NULL;
    int step = SQLITE_DONE;
    int r = insp_sql_prepare(db, "SELECT row, missed, path FROM watched WHERE pending = 0", &rows, reterr);
    while (r == 0 && (step = sqlite3_step(rows)) == SQLITE_ROW) {
        char path[INSP_PATH_BYTES];
        int64_t row = sqlite3_column_int64(rows, 0);
        bool missed = sqlite3_column_int(rows, 1) != 0;
        const void *blob = sqlite3_column_blob(rows, 2);
        snprintf(path, sizeof path, "%.*s", sqlite3_column_bytes(rows, 2), blob ? (const char *)blob : "");
        if (!is_below(prune->folder, path))
            continue;
        bool seen = prune->seen_count && bsearch(&row, prune->seen, prune->seen_count, sizeof row, compare);
        if (seen && missed)
            note(prune->met, &prune->met_count, row);
        else if (!seen && !missed)
            note(prune->missed, &prune->missed_count, row);
        else if (!seen)
            note(prune->gone, &prune->gone_count, row);
    }
    return r < 0 || step == SQLITE_DONE ? r : insp_sql_fail(db, reterr);
}

static int change(struct sqlite3 *db, const char *sql, const int64_t *rows, size_t count,
                  struct insp_error *reterr) {
    _cleanup_stmt_ struct sqlite3_stmt *s = NULL;
    int r = insp_sql_prepare(db, sql, &s, reterr);
    for (size_t i = 0; i < count && r == 0; i++) {
        sqlite3_bind_int64(s, 1, rows[i]);
        r = insp_sql_run(s, reterr);
    }
    return r;
}

/* Pending rows stay: a file may have come back and been inspected since the rows were compared. */
static int prune_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct prune *prune = arg;
    int r = change(db, "UPDATE watched SET missed = 0 WHERE row = ?1", prune->met, prune->met_count, reterr);
    if (r == 0)
        r = change(db, "UPDATE watched SET missed = 1 WHERE row = ?1 AND pending = 0", prune->missed,
                   prune->missed_count, reterr);
    if (r == 0)
        r = change(db, "DELETE FROM watched WHERE row = ?1 AND pending = 0", prune->gone, prune->gone_count,
                   reterr);
    return r;
}

int insp_watched_prune(struct insp_store *store, const char *folder, const int64_t *seen, size_t count,
                       struct insp_error *reterr) {
    struct prune *prune = calloc(1, sizeof *prune);
    if (!prune)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to compare the rows of files");
    prune->folder = folder;
    prune->seen = seen;
    prune->seen_count = count;
    int r = insp_store_read(store, compare_work, prune, reterr);
    if (r == 0 && (prune->met_count || prune->missed_count || prune->gone_count))
        r = insp_store_write(store, prune_work, prune, reterr);
    free(prune);
    return r;
}
