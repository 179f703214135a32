#include "core/store/images/thumbnail_file.h"

#include "core/base/fs.h"
#include "core/store/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { JPEG_BYTES_MAX = 32 << 20 };

static int folder_path(const struct insp_store *store, const char *id, char *ret_path, struct insp_error *reterr) {
    return insp_path(ret_path, reterr, "%s/cache/thumbnails%s%s", store->state_dir, *id ? "/" : "", id);
}

static int file_path(const struct insp_store *store, const char *id, uint32_t width, char *ret_path,
                     struct insp_error *reterr) {
    return insp_path(ret_path, reterr, "%s/cache/thumbnails/%s/%u.jpg", store->state_dir, id, width);
}

int insp_thumbnail_get(const struct insp_store *store, const char *id, uint32_t width, unsigned char **ret_data,
                       size_t *ret_bytes, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    _cleanup_free_ char *data = NULL;
    size_t bytes;
    if (file_path(store, id, width, path, reterr) < 0 || access(path, R_OK) < 0 ||
        insp_read_file(path, JPEG_BYTES_MAX, &data, &bytes, reterr) < 0)
        return insp_fail(reterr, INSP_E_NOT_FOUND, "no thumbnail of %s is kept", id);
    /* Thumbnails are renamed without fsync: after a power cut one may be empty or cut, never mixed. */
    if (bytes < 4 || memcmp(data, "\xff\xd8", 2) || memcmp(data + bytes - 2, "\xff\xd9", 2))
        return insp_fail(reterr, INSP_E_NOT_FOUND, "the thumbnail of %s is incomplete", id);
    *ret_data = (unsigned char *)insp_take_ptr(data);
    *ret_bytes = bytes;
    return 0;
}

/* --- the size of the cache --- */

/* Returns the bytes of one image's folder; with `remove` removes its files. Files that have disappeared count
 * nothing. */
static uint64_t folder_bytes(const char *path, bool remove) {
    uint64_t bytes = 0;
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        struct stat st;
        if (entry->d_name[0] == '.' || fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (!remove || unlinkat(dirfd(folder), entry->d_name, 0) == 0)
            bytes += (uint64_t)st.st_size;
    }
    if (folder)
        closedir(folder);
    if (remove)
        rmdir(path);
    return bytes;
}

static uint64_t drop(struct insp_store *store, const char *id) {
    char path[INSP_PATH_BYTES];
    return folder_path(store, id, path, NULL) < 0 ? 0 : folder_bytes(path, true);
}

/* Returns the next id that has a folder; NULL after the last one. */
static const char *next_id(DIR *folder) {
    for (struct dirent *entry; (entry = readdir(folder));)
        if (insp_uuid_valid(entry->d_name))
            return entry->d_name;
    return NULL;
}

/* Opens the cache; *ret is NULL if nothing was ever kept. */
static int open_all(const struct insp_store *store, DIR **ret, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r = folder_path(store, "", path, reterr);
    if (r < 0)
        return r;
    *ret = opendir(path);
    return *ret || errno == ENOENT ? 0 : insp_fail_errno(reterr, errno, "cannot read %s", path);
}

static bool count_all(const struct insp_store *store, uint64_t *ret_bytes) {
    DIR *all;
    char path[INSP_PATH_BYTES];
    *ret_bytes = 0;
    if (open_all(store, &all, NULL) < 0)
        return false;
    for (const char *id; all && (id = next_id(all));)
        if (folder_path(store, id, path, NULL) == 0)
            *ret_bytes += folder_bytes(path, false);
    if (all)
        closedir(all);
    return true;
}

/* Says whether the size is known. Under the lock. The first caller counts the files without the lock: that may
 * take minutes, and waiters would hold threads. Afterwards keep, drop and sweep update the size. */
static bool known(struct insp_store *store) {
    uint64_t bytes;
    if (store->thumbnails_known || store->thumbnails_counting)
        return store->thumbnails_known;
    store->thumbnails_counting = true;
    pthread_mutex_unlock(&store->thumbnail_lock);
    bool counted = count_all(store, &bytes);
    pthread_mutex_lock(&store->thumbnail_lock);
    store->thumbnails_counting = false;
    if (counted && !store->thumbnails_known) { /* a sweep may have finished first */
        store->thumbnail_bytes = bytes;
        store->thumbnails_known = true;
    }
    return store->thumbnails_known;
}

static bool reserve(struct insp_store *store, size_t bytes, uint64_t bytes_max) {
    pthread_mutex_lock(&store->thumbnail_lock);
    bool fits = known(store) && bytes <= bytes_max && store->thumbnail_bytes <= bytes_max - bytes;
    store->thumbnail_bytes += fits ? bytes : 0;
    store->thumbnail_walk.came += fits ? bytes : 0;
    store->thumbnails_full |= !fits && store->thumbnails_known && bytes <= bytes_max;
    pthread_mutex_unlock(&store->thumbnail_lock);
    return fits;
}

static void give_back(struct insp_store *store, uint64_t bytes) {
    pthread_mutex_lock(&store->thumbnail_lock);
    store->thumbnail_bytes -= bytes < store->thumbnail_bytes ? bytes : store->thumbnail_bytes;
    store->thumbnail_walk.went += bytes;
    pthread_mutex_unlock(&store->thumbnail_lock);
}

/* --- keep, drop, sweep --- */

bool insp_thumbnail_keep(struct insp_store *store, const char *id, uint32_t width, const void *data, size_t bytes,
                         uint64_t bytes_max) {
    char folder[INSP_PATH_BYTES], path[INSP_PATH_BYTES];
    bool kept = false;
    if (!reserve(store, bytes, bytes_max))
        return false;
    if (folder_path(store, id, folder, NULL) < 0 || file_path(store, id, width, path, NULL) < 0 ||
        insp_mkdir_all(folder, 0750, NULL) < 0 || insp_write_file(path, data, bytes, 0640, false, NULL) < 0) {
        rmdir(folder); /* if it is empty */
        give_back(store, bytes);
        return false;
    }
    /* Retention changes the row first and removes files afterwards: either it finds this file, or this check
     * finds no row. */
    if (insp_image_is_kept(store, id, &kept, NULL) < 0 || !kept)
        insp_thumbnail_drop(store, id);
    return kept;
}

void insp_thumbnail_drop(struct insp_store *store, const char *id) {
    give_back(store, drop(store, id));
}

/* Removes files of the folder that have been unfinished for long: a kill came before their rename. */
static void remove_unfinished(const char *path) {
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        struct stat st;
        const char *end = strrchr(entry->d_name, '.');
        if (entry->d_name[0] != '.' && end && strcmp(end, ".jpg") != 0 &&
            fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            time(NULL) - st.st_mtime > 3600)
            unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder)
        closedir(folder);
}

/* Checks one image's thumbnails and returns their bytes; removes them if the image is gone. */
static int check_one(struct insp_store *store, const char *id, uint64_t *ret_bytes, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    bool kept = false;
    int r = insp_image_is_kept(store, id, &kept, reterr);
    if (r == 0)
        r = folder_path(store, id, path, reterr);
    if (r < 0)
        return r;
    *ret_bytes = 0;
    if (!kept) {
        insp_thumbnail_drop(store, id);
        return 0;
    }
    remove_unfinished(path);
    *ret_bytes = folder_bytes(path, false);
    return 0;
}

static void begin_round(struct insp_store *store) {
    pthread_mutex_lock(&store->thumbnail_lock);
    store->thumbnail_walk.seen = store->thumbnail_walk.came = store->thumbnail_walk.went = 0;
    pthread_mutex_unlock(&store->thumbnail_lock);
}

/* Corrects the size at the end of a round. Each present file was either seen or kept during the round, and
 * each seen file is present unless it was dropped. The size that keep and drop maintain is clamped between
 * these bounds, in case another program wrote or removed files. */
static void end_round(struct insp_store *store) {
    const struct insp_thumbnail_walk *walk = &store->thumbnail_walk;
    pthread_mutex_lock(&store->thumbnail_lock);
    uint64_t most = walk->seen + walk->came,
             least = walk->seen - (walk->went < walk->seen ? walk->went : walk->seen);
    if (!store->thumbnails_known || store->thumbnail_bytes > most)
        store->thumbnail_bytes = most;
    if (store->thumbnail_bytes < least)
        store->thumbnail_bytes = least;
    store->thumbnails_known = true;
    pthread_mutex_unlock(&store->thumbnail_lock);
}

/* Continues where the last sweep stopped; ends at the end of the folder. */
static int walk(struct insp_store *store, size_t folders, struct insp_error *reterr) {
    struct insp_thumbnail_walk *walk = &store->thumbnail_walk;
    int r = 0;
    if (!walk->all) {
        begin_round(store);
        r = open_all(store, &walk->all, reterr);
    }
    for (; r == 0 && folders; folders--) {
        uint64_t bytes = 0;
        const char *id = walk->all ? next_id(walk->all) : NULL;
        if (!id) {
            insp_thumbnail_walk_close(walk);
            end_round(store);
            break;
        }
        r = check_one(store, id, &bytes, reterr);
        walk->seen += bytes;
    }
    if (r < 0) /* a round that missed a folder cannot correct the size */
        insp_thumbnail_walk_close(walk);
    return r;
}

void insp_thumbnail_walk_close(struct insp_thumbnail_walk *walk) {
    if (walk->all)
        closedir(insp_take_ptr(walk->all));
}

/* --- removing the oldest --- */

static int by_name(const void *a, const void *b) {
    return strcmp(a, b);
}

/* Lists at most the `count` oldest ids, oldest first: a UUIDv7 begins with its time. Reads names only. *ret is
 * the caller's (free). */
static int list_oldest(const struct insp_store *store, size_t count, char (**ret)[INSP_UUID_BYTES],
                       size_t *ret_count, struct insp_error *reterr) {
    DIR *all;
    size_t n = 0;
    int r = open_all(store, &all, reterr);
    if (r < 0)
        return r;
    /* Room for twice as many: whenever it is full the newer half is dropped. */
    char(*ids)[INSP_UUID_BYTES] = calloc(2 * count, sizeof *ids);
    for (const char *id; ids && all && (id = next_id(all));) {
        snprintf(ids[n++], sizeof *ids, "%s", id);
        if (n == 2 * count) {
            qsort(ids, n, sizeof *ids, by_name);
            n = count;
        }
    }
    if (all)
        closedir(all);
    if (!ids)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the ids of thumbnails");
    qsort(ids, n, sizeof *ids, by_name);
    *ret = ids;
    *ret_count = n < count ? n : count;
    return 0;
}

static uint64_t known_bytes(struct insp_store *store) {
    pthread_mutex_lock(&store->thumbnail_lock);
    uint64_t bytes = store->thumbnails_known ? store->thumbnail_bytes : 0;
    pthread_mutex_unlock(&store->thumbnail_lock);
    return bytes;
}

/* Removes the oldest down to the goal, within the bound of one sweep; the next one continues. */
static int cut_back(struct insp_store *store, uint64_t bytes_max, size_t folders, struct insp_error *reterr) {
    _cleanup_free_ char(*ids)[INSP_UUID_BYTES] = NULL;
    size_t count = 0;
    /* No call exceeds the bound, so without `full` new thumbnails would never find room. */
    pthread_mutex_lock(&store->thumbnail_lock);
    bool full = store->thumbnails_full && store->thumbnails_known;
    pthread_mutex_unlock(&store->thumbnail_lock);
    uint64_t total = known_bytes(store), goal = full || total > bytes_max ? bytes_max / 4 * 3 : total;
    int r = total > goal ? list_oldest(store, folders, &ids, &count, reterr) : 0;
    for (size_t i = 0; i < count && known_bytes(store) > goal; i++)
        insp_thumbnail_drop(store, ids[i]);
    pthread_mutex_lock(&store->thumbnail_lock);
    store->thumbnails_full &= r < 0 || store->thumbnail_bytes > goal;
    pthread_mutex_unlock(&store->thumbnail_lock);
    return r;
}

int insp_thumbnail_sweep(struct insp_store *store, uint64_t bytes_max, size_t folders, uint64_t *ret_bytes,
                         struct insp_error *reterr) {
    int r = walk(store, folders, reterr);
    if (r == 0)
        r = cut_back(store, bytes_max, folders, reterr);
    if (r == 0 && ret_bytes)
        *ret_bytes = known_bytes(store);
    return r;
}
