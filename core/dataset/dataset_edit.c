#include "core/dataset/dataset_edit.h"

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/uuid.h"
#include "core/dataset/dataset_name.h"
#include "core/store/retention/retention_policy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

/* One lock for all datasets: edits are rare, and people make them. It is held for as long as an edit lists the
 * folder, hashes images of the same size, renames files and syncs folders: milliseconds for one image, seconds for
 * a change of many on a slow disk. It is taken on lanes, never on the loop. `count` numbers the edits, so that a
 * view notices edits made without it. */
static struct {
    pthread_mutex_t lock;
    uint64_t count;
} edits = {.lock = PTHREAD_MUTEX_INITIALIZER};

void insp_dataset_edit_lock(void) {
    pthread_mutex_lock(&edits.lock);
}

void insp_dataset_edit_unlock(void) {
    pthread_mutex_unlock(&edits.lock);
}

/* --- the view --- */

void insp_dataset_view_clear(struct insp_dataset_view *view) {
    insp_dataset_free(view->dataset);
    view->dataset = NULL;
}

const char *insp_dataset_item_place(const struct insp_dataset *dataset, size_t item) {
    return dataset->item[item].path + strlen(dataset->root) + 1;
}

int insp_dataset_find(struct insp_dataset *dataset, size_t from, uint64_t bytes, const char *sha256, size_t *ret,
                      struct insp_error *reterr) {
    size_t i = from;
    for (; i < dataset->count; i++) {
        struct insp_dataset_item *item = &dataset->item[i];
        if (item->bytes != bytes)
            continue;
        int r = *item->sha256 ? 0 : insp_sha256_file(item->path, item->sha256, reterr);
        if (r < 0 && access(item->path, F_OK) == 0)
            return r;
        if (r == 0 && !strcmp(item->sha256, sha256))
            break;
    }
    *ret = i;
    return 0;
}

int insp_dataset_edit(struct insp_dataset_view *view, insp_dataset_work *work, void *arg,
                      struct insp_error *reterr) {
    pthread_mutex_lock(&edits.lock);
    int r = 0;
    if (!view->dataset || view->edit != edits.count) {
        insp_dataset_view_clear(view);
        r = insp_dataset_list(view->set, &view->dataset, reterr);
    }
    if (r == 0)
        r = work(view, arg, reterr);
    if (r != 0) /* changed, or failed half-way: other views are out of date */
        edits.count++;
    view->edit = edits.count;
    if (r < 0)
        insp_dataset_view_clear(view);
    pthread_mutex_unlock(&edits.lock);
    return r < 0 ? r : 0;
}

static int note_image(struct insp_dataset *dataset, const char *place, uint64_t bytes, const char *sha256,
                      struct insp_error *reterr) {
    size_t at = 0;
    while (at < dataset->count && strcmp(insp_dataset_item_place(dataset, at), place) != 0)
        at++;
    if (at == dataset->count) {
        struct insp_dataset_item *grown = reallocarray(dataset->item, at + 1, sizeof *grown);
        if (grown)
            dataset->item = grown;
        char path[INSP_PATH_BYTES];
        int r = insp_path(path, reterr, "%s/%s", dataset->root, place);
        if (r < 0)
            return r;
        char *copy = grown ? strdup(path) : NULL;
        if (!copy)
            return insp_fail(reterr, INSP_E_NOMEM, "no memory to list one more image");
        dataset->item[dataset->count++] = (struct insp_dataset_item){.path = copy};
    }
    dataset->item[at].bytes = bytes;
    memcpy(dataset->item[at].sha256, sha256, INSP_SHA256_HEX_BYTES);
    return 0;
}

/* --- staged files --- */

static const char incoming[] = ".incoming"; /* hidden, so no training reads it */
enum { STALE_S = 3600 };

struct staged {
    int folder; /* owned */
    char name[INSP_UUID_BYTES];
};

static void staged_clear(struct staged *staged) {
    if (staged->folder < 0)
        return;
    if (*staged->name)
        unlinkat(staged->folder, staged->name, 0);
    close(staged->folder);
}

/* Removes staged files that a kill or a power cut has left behind. */
static void sweep(int folder) {
    int copy = dup(folder);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    if (!dir) {
        if (copy >= 0)
            close(copy);
        return; /* the next put tries again */
    }
    int64_t now_s = insp_wall_us() / 1000000;
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct stat st;
        if (!fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) && !S_ISDIR(st.st_mode) &&
            now_s - st.st_mtime > STALE_S)
            unlinkat(folder, entry->d_name, 0);
    }
    closedir(dir);
}

static int check_space(const char *set, size_t bytes, uint64_t free_bytes_min, struct insp_error *reterr) {
    uint64_t free_bytes, total_bytes;
    int r = free_bytes_min ? insp_disk_free(set, &free_bytes, &total_bytes, reterr) : 0;
    if (r == 0 && free_bytes_min)
        free_bytes_min = insp_retention_free_min(free_bytes_min, total_bytes);
    if (r == 0 && free_bytes_min && free_bytes < free_bytes_min + bytes)
        return insp_fail(reterr, INSP_E_NOSPACE,
                         "the disk of %s has %llu bytes left, and storage.free_bytes_min reserves %llu", set,
                         (unsigned long long)free_bytes, (unsigned long long)free_bytes_min);
    return r;
}

static int stage(const char *set, const void *bytes, size_t count, struct staged *ret, struct insp_error *reterr) {
    _cleanup_close_ int root = open(set, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return insp_fail_errno(reterr, errno, "cannot open the dataset %s", set);
    int r = insp_dataset_folder_at(root, incoming, true, &ret->folder, reterr);
    if (r < 0)
        return r;
    sweep(ret->folder);
    char name[INSP_UUID_BYTES];
    insp_uuid7(name);
    _cleanup_close_ int fd = openat(ret->folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0)
        return insp_fail_errno(reterr, errno, "cannot write an image into %s", set);
    memcpy(ret->name, name, sizeof name);
    r = insp_write_all(fd, bytes, count);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    return r < 0 ? insp_fail_errno(reterr, -r, "cannot write an image into %s", set) : 0;
}

/* --- put --- */

static void place_text(const struct insp_dataset_place *place, char ret[INSP_PLACE_BYTES]) {
    snprintf(ret, INSP_PLACE_BYTES, "%s/%s/%s", place->split, place->class, place->name);
}

struct put {
    const struct insp_dataset_place *place;
    bool any_name; /* the name is a wish: nothing is replaced, and a content that is there stays where it is */
    struct insp_dataset_place own;
    char name[INSP_FILE_NAME_BYTES];
    char at[INSP_PLACE_BYTES]; /* where the content is afterwards */
    struct staged staged;
    uint64_t bytes;
    char sha256[INSP_SHA256_HEX_BYTES];
    enum insp_dataset_change change;
};

static int rename_in(struct put *put, int folder, struct insp_error *reterr) {
    const char *name = put->place->name;
    put->change =
        faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? INSP_DATASET_REPLACED : INSP_DATASET_ADDED;
    if (renameat(put->staged.folder, put->staged.name, folder, name) < 0) {
        if (errno == EISDIR || errno == ENOTEMPTY || errno == EEXIST)
            return insp_fail(reterr, INSP_E_CONFLICT, "a folder has this name");
        return insp_fail_errno(reterr, errno, "cannot put an image into the dataset");
    }
    *put->staged.name = 0;
    return fsync(folder) < 0 ? insp_fail_errno(reterr, errno, "cannot sync a folder of the dataset") : 0;
}

/* Looks for the content. *ret_there: `wanted` has it. Fails with INSP_E_CONFLICT if only other places have it; a
 * dataset that was copied into the folder may have it more than once. */
static int find_content(const struct put *put, struct insp_dataset *dataset, const char *wanted, bool *ret_there,
                        struct insp_error *reterr) {
    const char *elsewhere = NULL;
    *ret_there = false;
    for (size_t at = 0;; at++) {
        int r = insp_dataset_find(dataset, at, put->bytes, put->sha256, &at, reterr);
        if (r < 0)
            return r;
        if (at == dataset->count)
            break;
        const char *have = insp_dataset_item_place(dataset, at);
        *ret_there = *ret_there || !strcmp(have, wanted);
        elsewhere = elsewhere ? elsewhere : have;
    }
    return elsewhere && !*ret_there
               ? insp_fail(reterr, INSP_E_CONFLICT, "the dataset already contains this image, as %s", elsewhere)
               : 0;
}

/* Finds the content anywhere in the dataset, or chooses a free name for it. */
static int find_room(struct put *put, struct insp_dataset *dataset, bool *ret_there, struct insp_error *reterr) {
    size_t at;
    int r = insp_dataset_find(dataset, 0, put->bytes, put->sha256, &at, reterr);
    if (r < 0)
        return r;
    *ret_there = at < dataset->count;
    if (*ret_there) {
        snprintf(put->at, sizeof put->at, "%s", insp_dataset_item_place(dataset, at));
        return 0;
    }
    insp_dataset_free_name(dataset, put->place, false, put->name);
    put->own = (struct insp_dataset_place){put->place->split, put->place->class, put->name};
    put->place = &put->own;
    return 0;
}

static int put_work(struct insp_dataset_view *view, void *arg, struct insp_error *reterr) {
    struct put *put = arg;
    bool there = false;
    place_text(put->place, put->at);
    int r = put->any_name ? find_room(put, view->dataset, &there, reterr)
                          : find_content(put, view->dataset, put->at, &there, reterr);
    put->change = INSP_DATASET_UNCHANGED;
    if (r < 0 || there)
        return r;
    _cleanup_close_ int folder = -1;
    place_text(put->place, put->at);
    r = insp_dataset_place_folder(view->set, put->place, true, &folder, reterr);
    if (r == 0)
        r = rename_in(put, folder, reterr);
    if (r == 0)
        r = note_image(view->dataset, put->at, put->bytes, put->sha256, reterr);
    return r < 0 ? r : 1;
}

/* Checks the place and decodes the image exactly as a training does. */
static int check_image(const struct insp_dataset_place *place, const void *bytes, size_t count,
                       const struct insp_image_limits *limits, struct insp_error *reterr) {
    _cleanup_(insp_image_freep) struct insp_image *image = NULL;
    const struct insp_media_type type = {.media = insp_image_sniff(bytes, count)};
    if (type.media != INSP_MEDIA_JPEG && type.media != INSP_MEDIA_PNG)
        return insp_fail(reterr, INSP_E_IMAGE, "the bytes are neither a JPEG nor a PNG");
    int r = insp_dataset_place_check_new(place, type.media, reterr);
    return r < 0 ? r : insp_image_decode(bytes, count, &type, INSP_INPUT_SIDE, limits, &image, reterr);
}

static int put_bytes(struct insp_dataset_view *view, struct put *put, const void *bytes,
                     const struct insp_dataset_limits *limits, struct insp_error *reterr) {
    int r = check_image(put->place, bytes, put->bytes, &limits->image, reterr);
    if (r == 0)
        r = check_space(view->set, put->bytes, limits->free_bytes_min, reterr);
    if (r < 0)
        return r;
    insp_sha256_hex(bytes, put->bytes, put->sha256);
    r = stage(view->set, bytes, put->bytes, &put->staged, reterr);
    if (r == 0)
        r = insp_dataset_edit(view, put_work, put, reterr);
    staged_clear(&put->staged);
    return r;
}

int insp_dataset_put_into(struct insp_dataset_view *view, const struct insp_dataset_place *place,
                          const void *bytes, size_t count, const struct insp_dataset_limits *limits,
                          enum insp_dataset_change *ret_change, char *ret_sha256, struct insp_error *reterr) {
    struct put put = {.place = place, .staged.folder = -1, .bytes = count};
    int r = put_bytes(view, &put, bytes, limits, reterr);
    if (r < 0)
        return r;
    *ret_change = put.change;
    memcpy(ret_sha256, put.sha256, sizeof put.sha256);
    return 0;
}

int insp_dataset_put(const char *set, const struct insp_dataset_place *place, const void *bytes, size_t count,
                     const struct insp_dataset_limits *limits, enum insp_dataset_change *ret_change,
                     char *ret_sha256, struct insp_error *reterr) {
    struct insp_dataset_view view = {.set = set};
    int r = insp_dataset_put_into(&view, place, bytes, count, limits, ret_change, ret_sha256, reterr);
    insp_dataset_view_clear(&view);
    return r;
}

int insp_dataset_add(const char *set, const char *class, const char *like, const void *bytes, size_t count,
                     const struct insp_dataset_limits *limits, struct insp_dataset_added *ret,
                     struct insp_error *reterr) {
    char name[INSP_NAME_BYTES];
    insp_dataset_like_name(like, insp_image_sniff(bytes, count), name);
    const struct insp_dataset_place place = insp_dataset_place_of(class, name);
    struct insp_dataset_view view = {.set = set};
    struct put put = {.place = &place, .any_name = true, .staged.folder = -1, .bytes = count};
    int r = put_bytes(&view, &put, bytes, limits, reterr);
    insp_dataset_view_clear(&view);
    if (r < 0)
        return r;
    ret->added = put.change == INSP_DATASET_ADDED;
    memcpy(ret->at, put.at, sizeof ret->at);
    memcpy(ret->sha256, put.sha256, sizeof ret->sha256);
    return 0;
}

/* --- remove and move --- */

static int remove_file(const char *set, const struct insp_dataset_place *place, struct insp_error *reterr) {
    _cleanup_close_ int folder = -1;
    int r = insp_dataset_place_folder(set, place, false, &folder, reterr);
    if (r < 0)
        return r;
    if (unlinkat(folder, place->name, 0) < 0) {
        if (errno == ENOENT || errno == EISDIR)
            return insp_fail(reterr, INSP_E_NOT_FOUND, "the dataset has no such image");
        return insp_fail_errno(reterr, errno, "cannot remove an image of the dataset");
    }
    if (fsync(folder) < 0)
        return insp_fail_errno(reterr, errno, "cannot sync a folder of the dataset");
    insp_dataset_place_drop_empty(set, place);
    return 0;
}

int insp_dataset_remove(const char *set, const struct insp_dataset_place *place, struct insp_error *reterr) {
    pthread_mutex_lock(&edits.lock);
    int r = remove_file(set, place, reterr);
    edits.count++;
    pthread_mutex_unlock(&edits.lock);
    return r;
}

int insp_dataset_place_split(const char *text, struct insp_dataset_place_text *ret, struct insp_error *reterr) {
    /* cppcheck-suppress ctuuninitvar ; it is written to, not read */
    snprintf(ret->text, sizeof ret->text, "%s", text);
    char *class = strchr(ret->text, '/'), *name = class ? strchr(class + 1, '/') : NULL;
    if (!name || strlen(text) >= sizeof ret->text)
        return insp_fail(reterr, INSP_E_PARAMETER, "the place of an image has the form split/class/name");
    *class ++ = *name++ = 0;
    ret->place = (struct insp_dataset_place){ret->text, class, name};
    return 0;
}

static int rename_item(int from, const char *name, int to, const char *new_name, struct insp_error *reterr) {
    struct stat st;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return insp_fail_errno(reterr, errno, "cannot read the status of an image of the dataset");
    if (!S_ISREG(st.st_mode))
        return insp_fail(reterr, INSP_E_CONFLICT, "the image is a link inside the dataset; move it by hand");
    if (faccessat(to, new_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return insp_fail(reterr, INSP_E_CONFLICT, "another image already has the name %s", new_name);
    if (renameat(from, name, to, new_name) < 0 || fsync(to) < 0 || fsync(from) < 0)
        return insp_fail_errno(reterr, errno, "cannot move an image of the dataset to %s", new_name);
    return 0;
}

int insp_dataset_move_item(struct insp_dataset_view *view, size_t item, const struct insp_dataset_place *to,
                           struct insp_error *reterr) {
    _cleanup_close_ int old_folder = -1, new_folder = -1;
    struct insp_dataset_place_text from;
    char path[INSP_PATH_BYTES];
    int r = insp_dataset_place_split(insp_dataset_item_place(view->dataset, item), &from, reterr);
    if (r == 0)
        r = insp_path(path, reterr, "%s/%s/%s/%s", view->dataset->root, to->split, to->class, to->name);
    if (r == 0)
        r = insp_dataset_place_folder(view->set, &from.place, false, &old_folder, reterr);
    if (r == 0)
        r = insp_dataset_place_folder(view->set, to, true, &new_folder, reterr);
    if (r == 0)
        r = rename_item(old_folder, from.place.name, new_folder, to->name, reterr);
    if (r < 0)
        return r;
    insp_dataset_place_drop_empty(view->set, &from.place);
    char *copy = strdup(path);
    if (!copy)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a path");
    free(view->dataset->item[item].path);
    view->dataset->item[item].path = copy;
    return 0;
}

int insp_dataset_remove_item(struct insp_dataset_view *view, size_t item, struct insp_error *reterr) {
    struct insp_dataset *dataset = view->dataset;
    struct insp_dataset_place_text from;
    int r = insp_dataset_place_split(insp_dataset_item_place(dataset, item), &from, reterr);
    if (r == 0)
        r = remove_file(view->set, &from.place, reterr);
    if (r < 0)
        return r;
    free(dataset->item[item].path);
    memmove(&dataset->item[item], &dataset->item[item + 1], (--dataset->count - item) * sizeof *dataset->item);
    return 0;
}
