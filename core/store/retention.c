#include "core/store/retention.h"

#include "core/base/fs.h"
#include "core/store/internal.h"
#include "core/store/thumbnail_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { GROUP = 500 };
/* enum insp_retention_class in SQL; the text of the index inspection_kept */
#define CLASS "anomaly * (2 - (label <> 0))"
static const int64_t ORPHAN_AGE_US = 3600 * 1000000LL;
static const int64_t STATISTICS_AGE_US = 400 * 86400 * 1000000LL;

static int64_t age_limit(const struct insp_retention *policy, enum insp_retention_class class) {
    return class == INSP_KEEP_GOOD ? policy->good_age_us : policy->anomaly_age_us;
}

struct place {
    const struct insp_retention_row *row;
    size_t index;
};

static int by_order(const void *left, const void *right) {
    const struct insp_retention_row *a = ((const struct place *)left)->row,
                                    *b = ((const struct place *)right)->row;
    if (a->class != b->class)
        return a->class < b->class ? -1 : 1;
    if (a->received_us != b->received_us)
        return a->received_us < b->received_us ? -1 : 1;
    return strcmp(a->id, b->id);
}

int insp_retention_plan(const struct insp_retention *policy, const struct insp_retention_row *rows, size_t count,
                        int64_t now_us, uint64_t bytes_to_free, bool *ret_remove, size_t *ret_count,
                        struct insp_error *reterr) {
    _cleanup_free_ struct place *places = calloc(count ? count : 1, sizeof *places);
    if (!places)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to plan the removal of %zu rows", count);
    size_t removed = 0;
    uint64_t freed = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t limit = age_limit(policy, rows[i].class);
        ret_remove[i] = limit && now_us - rows[i].received_us > limit;
        removed += ret_remove[i];
        freed += ret_remove[i] ? rows[i].bytes : 0;
        places[i] = (struct place){.row = &rows[i], .index = i};
    }
    qsort(places, count, sizeof *places, by_order);
    for (size_t i = 0; i < count && freed < bytes_to_free; i++) {
        if (ret_remove[places[i].index] || !places[i].row->bytes)
            continue;
        ret_remove[places[i].index] = true;
        removed++;
        freed += places[i].row->bytes;
    }
    *ret_count = removed;
    return 0;
}

struct batch {
    struct insp_store *store;
    const struct insp_retention *policy;
    int64_t now_us;
    uint64_t bytes_to_free;
    bool by_age;
    size_t count;
    struct insp_retention_row row[GROUP];
    char extension[GROUP][8];
    bool kept[GROUP], remove[GROUP];
};

static int read_batch(struct sqlite3 *db, struct batch *batch, const char *where, enum insp_retention_class class,
                      struct insp_error *reterr) {
    char sql[512];
    snprintf(
        sql, sizeof sql,
        "SELECT id, received_us, image_bytes, extension, image_kept FROM inspection %s ORDER BY key LIMIT %zu",
        where, (size_t)GROUP - batch->count);
    _cleanup_stmt_ struct sqlite3_stmt *rows = NULL;
    int r = insp_sql_prepare(db, sql, &rows, reterr);
    if (r < 0)
        return r;
    int step;
    while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
        struct insp_retention_row *row = &batch->row[batch->count];
        insp_id_format(sqlite3_column_blob(rows, 0), row->id);
        row->received_us = sqlite3_column_int64(rows, 1);
        row->bytes = sqlite3_column_int(rows, 4) ? (uint64_t)sqlite3_column_int64(rows, 2) : 0;
        row->class = class;
        batch->kept[batch->count] = sqlite3_column_int(rows, 4) != 0;
        snprintf(batch->extension[batch->count], sizeof batch->extension[0], "%s",
                 (const char *)sqlite3_column_text(rows, 3));
        batch->count++;
    }
    return step == SQLITE_DONE ? 0 : insp_sql_fail(db, reterr);
}

/* The oldest rows of each class, in the order in which they may go; each read walks an index from its old end. */
static int candidates(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    struct batch *batch = arg;
    batch->count = 0;
    int r = 0;
    for (int class = INSP_KEEP_GOOD; class <= INSP_KEEP_UNLABELLED_ANOMALY && r == 0; class ++) {
        char where[256];
        int64_t limit = age_limit(batch->policy, (enum insp_retention_class) class);
        if (batch->by_age && !limit)
            continue;
        if (batch->by_age)
            snprintf(where, sizeof where, "%s WHERE anomaly = %d AND " CLASS " = %d AND received_us < %lld",
                     class == INSP_KEEP_GOOD ? "NOT INDEXED" : "INDEXED BY inspection_any_anomaly",
                     class != INSP_KEEP_GOOD, class, (long long)(batch->now_us - limit));
        else
            snprintf(where, sizeof where, "INDEXED BY inspection_kept WHERE image_kept = 1 AND " CLASS " = %d",
                     class);
        if (batch->by_age)
            snprintf(where + strlen(where), sizeof where - strlen(where), " AND key < %lld",
                     (long long)insp_key_of_us(batch->now_us - limit));
        r = read_batch(db, batch, where, (enum insp_retention_class) class, reterr);
    }
    return r;
}

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

/* After the commit: a file whose row is gone is swept later should this process die in between. */
static void remove_files(const struct batch *batch, struct insp_retention_result *result) {
    for (size_t i = 0; i < batch->count; i++) {
        unsigned char blob[INSP_ID_BLOB_BYTES];
        int64_t key;
        char path[INSP_PATH_BYTES];
        if (!batch->remove[i])
            continue;
        result->rows += batch->by_age;
        if (!batch->kept[i] || !insp_id_parse(batch->row[i].id, blob, &key) ||
            insp_image_path(batch->store, batch->row[i].id, key, batch->extension[i], path, NULL) < 0)
            continue;
        unlink(path);
        insp_thumbnail_drop(batch->store, batch->row[i].id);
        result->images++;
        result->bytes += batch->row[i].bytes;
    }
}

/* One transaction's worth. *ret_removed 0: nothing more to do. */
static int sweep_batch(struct batch *batch, struct insp_retention_result *result, size_t *ret_removed,
                       struct insp_error *reterr) {
    static const struct insp_retention no_age = {0};
    int r = insp_store_read(batch->store, candidates, batch, reterr);
    if (r == 0)
        r = insp_retention_plan(batch->by_age ? batch->policy : &no_age, batch->row, batch->count, batch->now_us,
                                batch->by_age ? 0 : batch->bytes_to_free, batch->remove, ret_removed, reterr);
    if (r || *ret_removed == 0)
        return r;
    r = insp_store_write(batch->store, remove_rows, batch, reterr);
    if (r == 0)
        remove_files(batch, result);
    return r;
}

static int bytes_to_free(struct insp_store *store, const struct insp_retention *policy, uint64_t *ret,
                         struct insp_error *reterr) {
    struct insp_store_usage usage;
    int r = insp_store_usage(store, &usage, reterr);
    if (r < 0)
        return r;
    uint64_t by_disk = policy->free_bytes_min > usage.free_bytes ? policy->free_bytes_min - usage.free_bytes : 0;
    uint64_t by_total = policy->image_bytes_max && usage.image_bytes > policy->image_bytes_max
                            ? usage.image_bytes - policy->image_bytes_max
                            : 0;
    *ret = by_disk > by_total ? by_disk : by_total;
    return 0;
}

/* How much must go is asked once: the file system may report freed blocks late, and a loop on its answer would
 * empty the store. */
static int sweep_space(struct batch *batch, struct insp_retention_result *result, struct insp_error *reterr) {
    int r = bytes_to_free(batch->store, batch->policy, &batch->bytes_to_free, reterr);
    batch->by_age = false;
    while (r == 0 && batch->bytes_to_free) {
        size_t removed;
        uint64_t before = result->bytes;
        r = sweep_batch(batch, result, &removed, reterr);
        if (r || removed == 0)
            break;
        uint64_t freed = result->bytes - before;
        batch->bytes_to_free -= freed < batch->bytes_to_free ? freed : batch->bytes_to_free;
    }
    return r;
}

static int sweep_file(struct insp_store *store, int folder, const char *name, int64_t now_us,
                      struct insp_retention_result *result, struct insp_error *reterr) {
    char id[INSP_UUID_BYTES];
    bool kept = false;
    struct stat st;
    snprintf(id, sizeof id, "%.36s", name);
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
        now_us - (int64_t)st.st_mtime * 1000000 < ORPHAN_AGE_US)
        return 0;
    int r = insp_image_is_kept(store, id, &kept, reterr);
    if (r < 0 || kept)
        return r;
    if (unlinkat(folder, name, 0) == 0) {
        result->images++;
        result->bytes += (uint64_t)st.st_size;
    }
    return 0;
}

static int sweep_day(struct insp_store *store, const char *path, int64_t now_us,
                     struct insp_retention_result *result, struct insp_error *reterr) {
    DIR *day = opendir(path);
    if (!day)
        return errno == ENOENT || errno == ENOTDIR ? 0 : insp_fail_errno(reterr, errno, "cannot read %s", path);
    int r = 0;
    for (struct dirent *entry; r == 0 && (entry = readdir(day));)
        r = sweep_file(store, dirfd(day), entry->d_name, now_us, result, reterr);
    closedir(day);
    /* Only an empty folder goes. Today's stays: a put may be about to write into it. */
    struct stat st;
    if (r == 0 && stat(path, &st) == 0 && now_us - (int64_t)st.st_mtime * 1000000 > 24 * ORPHAN_AGE_US)
        rmdir(path);
    return r;
}

static int sweep_orphans(struct insp_store *store, int64_t now_us, struct insp_retention_result *result,
                         struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r = insp_path(path, reterr, "%s/images", store->state_dir);
    if (r < 0)
        return r;
    DIR *days = opendir(path);
    if (!days)
        return errno == ENOENT ? 0 : insp_fail_errno(reterr, errno, "cannot read %s", path);
    for (struct dirent *entry; r == 0 && (entry = readdir(days));) {
        if (entry->d_name[0] == '.')
            continue;
        r = insp_path(path, reterr, "%s/images/%s", store->state_dir, entry->d_name);
        if (r == 0)
            r = sweep_day(store, path, now_us, result, reterr);
    }
    closedir(days);
    return r;
}

/* The statistics' rows outlive the inspections, but not for ever. */
static int sweep_minutes(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct batch *batch = arg;
    char sql[96];
    snprintf(sql, sizeof sql, "DELETE FROM minute WHERE minute < %lld",
             (long long)((batch->now_us - STATISTICS_AGE_US) / 60000000));
    return insp_sql_exec(db, sql, reterr);
}

int insp_retention_sweep(struct insp_store *store, const struct insp_retention *policy, int64_t now_us,
                         struct insp_retention_result *ret, struct insp_error *reterr) {
    struct insp_retention_result result = {0};
    _cleanup_free_ struct batch *batch = calloc(1, sizeof *batch);
    if (!batch)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a retention sweep");
    *batch = (struct batch){.store = store, .policy = policy, .now_us = now_us, .by_age = true};
    size_t removed = 1;
    int r = 0;
    while (r == 0 && removed && (policy->good_age_us || policy->anomaly_age_us))
        r = sweep_batch(batch, &result, &removed, reterr);
    /* Trouble with the cache is told, but does not keep images from going: the disk would fill up. */
    int cache = r == 0 ? insp_thumbnail_sweep(store, policy->thumbnail_bytes_max, NULL, reterr) : 0;
    if (r == 0)
        r = sweep_space(batch, &result, reterr);
    if (r == 0)
        r = insp_store_write(store, sweep_minutes, batch, reterr);
    if (r == 0)
        r = sweep_orphans(store, now_us, &result, reterr);
    if (r == 0)
        *ret = result;
    return r < 0 ? r : cache;
}
