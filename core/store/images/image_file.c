#include "core/base/fs.h"
#include "core/store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

int insp_image_folder(const struct insp_store *store, int64_t key, char *ret_path, struct insp_error *reterr) {
    time_t seconds = (time_t)((key >> INSP_KEY_MS_SHIFT) / 1000);
    struct tm tm;
    char day[32];
    gmtime_r(&seconds, &tm);
    strftime(day, sizeof day, "%Y-%m-%d", &tm);
    return insp_path(ret_path, reterr, "%s/images/%s", store->state_dir, day);
}

int insp_image_path(const struct insp_store *store, const char *id, int64_t key, const char *extension,
                    char *ret_path, struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES];
    int r = insp_image_folder(store, key, folder, reterr);
    return r < 0 ? r : insp_path(ret_path, reterr, "%s/%s.%s", folder, id, extension);
}

/* Opens a new file. The folder of the day nearly always exists, so it is made only after an open has failed. */
static int open_new(const struct insp_store *store, const char *path, int64_t key, struct insp_error *reterr) {
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    int fd = open(path, flags, 0640);
    if (fd < 0 && errno == ENOENT) {
        char folder[INSP_PATH_BYTES], parent[INSP_PATH_BYTES];
        int r = insp_image_folder(store, key, folder, reterr);
        if (r == 0)
            r = insp_mkdir_all(folder, 0750, reterr);
        if (r == 0 && store->durability == INSP_DURABLE_POWER) {
            r = insp_path(parent, reterr, "%s/images", store->state_dir);
            if (r == 0)
                r = insp_fsync_path(parent, reterr);
        }
        if (r < 0)
            return r;
        fd = open(path, flags, 0640);
    }
    return fd >= 0 ? fd : insp_fail_errno(reterr, errno, "cannot create image file %s", path);
}

static int write_one(const struct insp_store *store, const struct insp_record *record, struct insp_error *reterr) {
    unsigned char blob[INSP_ID_BLOB_BYTES];
    int64_t key;
    char path[INSP_PATH_BYTES];
    if (!insp_id_parse(record->id, blob, &key))
        return insp_fail(reterr, INSP_E_INTERNAL, "'%s' is not a version 7 UUID", record->id);
    int r = insp_image_path(store, record->id, key, record->extension, path, reterr);
    if (r < 0)
        return r;
    int fd = open_new(store, path, key, reterr);
    if (fd < 0)
        return fd;
    r = insp_write_all(fd, record->image, record->image_bytes);
    if (r == 0 && store->durability == INSP_DURABLE_POWER && fsync(fd) < 0)
        r = -errno;
    if (close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0)
        return 0;
    unlink(path);
    return insp_fail_errno(reterr, -r, "cannot write image file %s", path);
}

/* Syncs the directory entries of the group: one fsync per day in it. */
static int sync_folders(const struct insp_store *store, const struct insp_record *records, size_t count,
                        struct insp_error *reterr) {
    char last[INSP_PATH_BYTES] = "", folder[INSP_PATH_BYTES];
    for (size_t i = 0; i < count; i++) {
        unsigned char blob[INSP_ID_BLOB_BYTES];
        int64_t key = 0;
        insp_id_parse(records[i].id, blob, &key);
        int r = insp_image_folder(store, key, folder, reterr);
        if (r == 0 && strcmp(folder, last) != 0)
            r = insp_fsync_path(folder, reterr);
        if (r < 0)
            return r;
        memcpy(last, folder, sizeof last);
    }
    return 0;
}

int insp_image_write(const struct insp_store *store, const struct insp_record *records, size_t count,
                     struct insp_error *reterr) {
    for (size_t i = 0; i < count; i++) {
        int r = write_one(store, &records[i], reterr);
        if (r < 0) {
            insp_image_discard(store, records, i);
            return r;
        }
    }
    if (store->durability != INSP_DURABLE_POWER)
        return 0;
    int r = sync_folders(store, records, count, reterr);
    if (r < 0)
        insp_image_discard(store, records, count);
    return r;
}

void insp_image_discard(const struct insp_store *store, const struct insp_record *records, size_t count) {
    for (size_t i = 0; i < count; i++) {
        unsigned char blob[INSP_ID_BLOB_BYTES];
        int64_t key;
        char path[INSP_PATH_BYTES];
        if (insp_id_parse(records[i].id, blob, &key) &&
            insp_image_path(store, records[i].id, key, records[i].extension, path, NULL) == 0)
            unlink(path);
    }
}

struct lookup {
    const char *id;
    bool kept;
};

static int find_row(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    struct lookup *lookup = arg;
    unsigned char blob[INSP_ID_BLOB_BYTES];
    int64_t key;
    if (!insp_id_parse(lookup->id, blob, &key))
        return 0;
    _cleanup_stmt_ struct sqlite3_stmt *row = NULL;
    int r = insp_sql_prepare(db, "SELECT 1 FROM inspection WHERE key = ?1 AND id = ?2 AND image_kept = 1", &row,
                             reterr);
    if (r < 0)
        return r;
    sqlite3_bind_int64(row, 1, key);
    sqlite3_bind_blob(row, 2, blob, sizeof blob, SQLITE_STATIC);
    int step = sqlite3_step(row);
    lookup->kept = step == SQLITE_ROW;
    return step == SQLITE_ROW || step == SQLITE_DONE ? 0 : insp_sql_fail(db, reterr);
}

int insp_image_is_kept(struct insp_store *store, const char *id, bool *ret, struct insp_error *reterr) {
    struct lookup lookup = {.id = id};
    int r = insp_store_read(store, find_row, &lookup, reterr);
    if (r == 0)
        *ret = lookup.kept;
    return r;
}
