/* core/store/images/image_read.c - read posted bytes back. Follows no link below the state folder, and checks the
 * bytes against their row. */
#include "core/base/fs.h"
#include "core/store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IMAGE_BYTES_MAX = 1 << 30 };

struct place {
    char extension[8], media_type[128], sha256[INSP_SHA256_HEX_BYTES];
    uint64_t bytes;
    bool kept;
};

static int copy_place(void *arg, const struct insp_record *record) {
    struct place *place = arg;
    snprintf(place->extension, sizeof place->extension, "%s", record->extension);
    snprintf(place->media_type, sizeof place->media_type, "%s", record->media_type);
    snprintf(place->sha256, sizeof place->sha256, "%s", record->sha256);
    place->bytes = record->image_bytes;
    place->kept = record->image_kept;
    return 0;
}

static int gone(const char *id, struct insp_error *reterr) {
    return insp_fail(reterr, INSP_E_GONE, "the image of inspection %s is no longer kept", id);
}

static int damaged(const char *id, const char *why, struct insp_error *reterr) {
    return insp_fail(reterr, INSP_E_IMAGE_DAMAGED, "the image file of inspection %s is damaged: %s", id, why);
}

static int forget(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    _cleanup_stmt_ struct sqlite3_stmt *change = NULL;
    int r = insp_sql_prepare(db, "UPDATE inspection SET image_kept = 0 WHERE key = ?1", &change, reterr);
    if (r < 0)
        return r;
    sqlite3_bind_int64(change, 1, *(const int64_t *)arg);
    return insp_sql_run(change, reterr);
}

static int open_below(int at, const char *name, int flags) {
    return openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags);
}

/* Opens an image file; returns -1 and sets errno on failure. *ret_day: the day's folder exists, so only the
 * file is missing. The administrator may put links on the way to the state folder, but none below it. */
static int open_image(const struct insp_store *store, const char *id, int64_t key, const char *extension,
                      bool *ret_day) {
    char day[INSP_PATH_BYTES], name[INSP_UUID_BYTES + 8];
    *ret_day = false;
    if (insp_image_folder(store, key, day, NULL) < 0)
        return -1;
    snprintf(name, sizeof name, "%s.%s", id, extension);
    _cleanup_close_ int state = open(store->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (state < 0)
        return -1;
    _cleanup_close_ int images = open_below(state, "images", O_DIRECTORY);
    if (images < 0)
        return -1;
    _cleanup_close_ int folder = open_below(images, strrchr(day, '/') + 1, O_DIRECTORY);
    if (folder < 0)
        return -1;
    *ret_day = true;
    return open_below(folder, name,
                      O_NONBLOCK | O_NOCTTY); /* opening a pipe would otherwise wait for its writer */
}

static int cannot_open(struct insp_store *store, const char *id, int64_t key, bool day,
                       struct insp_error *reterr) {
    int why = errno;
    if (why == ENOENT) {
        /* A sweep ran between row and file, or somebody removed the file. A whole folder may come back (a disk
         * that is not mounted), so its absence is not recorded. */
        if (day)
            insp_store_write(store, forget, &key, NULL);
        return gone(id, reterr);
    }
    if (why == ELOOP || why == ENOTDIR)
        return damaged(id, "it was replaced by a link", reterr);
    return insp_fail_errno(reterr, why, "cannot open the image file of inspection %s", id);
}

static int verify(const char *id, const struct place *place, int fd, struct insp_error *reterr) {
    struct stat st;
    char sha256[INSP_SHA256_HEX_BYTES];
    if (fstat(fd, &st) < 0)
        return insp_fail_errno(reterr, errno, "cannot examine the image file of inspection %s", id);
    if (!S_ISREG(st.st_mode))
        return damaged(id, "it is not a regular file", reterr);
    if ((uint64_t)st.st_size != place->bytes)
        return damaged(id, "its size differs from the posted one", reterr);
    int r = insp_sha256_fd(fd, "the image file", sha256, reterr);
    if (r < 0)
        return r;
    if (strcmp(sha256, place->sha256) != 0)
        return damaged(id, "its content differs from the posted one", reterr);
    return lseek(fd, 0, SEEK_SET) < 0 ? insp_fail_errno(reterr, errno, "cannot rewind an image file") : 0;
}

int insp_store_image_open(struct insp_store *store, const char *id, struct insp_stored_image *ret,
                          struct insp_error *reterr) {
    struct place place;
    unsigned char blob[INSP_ID_BLOB_BYTES];
    int64_t key = 0;
    bool day;
    int r = insp_store_get(store, id, copy_place, &place, reterr);
    if (r < 0)
        return r;
    if (!place.kept)
        return gone(id, reterr);
    insp_id_parse(id, blob, &key);
    _cleanup_close_ int fd = open_image(store, id, key, place.extension, &day);
    if (fd < 0)
        return cannot_open(store, id, key, day, reterr);
    r = verify(id, &place, fd, reterr);
    if (r < 0)
        return r;
    ret->bytes = place.bytes;
    memcpy(ret->media_type, place.media_type, sizeof ret->media_type);
    ret->fd = insp_take_fd(fd);
    return 0;
}

int insp_store_image(struct insp_store *store, const char *id, void **ret_data, size_t *ret_bytes,
                     char *ret_media_type, struct insp_error *reterr) {
    struct insp_stored_image image;
    int r = insp_store_image_open(store, id, &image, reterr);
    if (r < 0)
        return r;
    _cleanup_close_ int fd = image.fd;
    if (image.bytes > IMAGE_BYTES_MAX)
        return insp_fail(reterr, INSP_E_IO, "the image of inspection %s has more than %d bytes", id,
                         IMAGE_BYTES_MAX);
    _cleanup_free_ char *data = malloc(image.bytes + 1);
    if (!data)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the image of inspection %s", id);
    size_t have;
    if ((r = insp_read_all(fd, data, image.bytes, &have)) < 0)
        return insp_fail_errno(reterr, -r, "cannot read the image of inspection %s", id);
    if (have < image.bytes)
        return damaged(id, "it was cut while it was read", reterr);
    data[image.bytes] = '\0';
    *ret_data = insp_take_ptr(data);
    *ret_bytes = image.bytes;
    memcpy(ret_media_type, image.media_type, sizeof image.media_type);
    return 0;
}
