#include "core/dataset/dataset_place.h"

#include "core/base/below.h"
#include "core/base/cleanup.h"
#include "core/base/fs.h"
#include "core/dataset/class_name.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { FILE_NAME_BYTES_MAX = INSP_FILE_NAME_BYTES - 1 };

const char *insp_dataset_split(const char *folder) {
    return !strcasecmp(folder, "train") ? "train" : !strcasecmp(folder, "test") ? "test" : NULL;
}

/* The details do not repeat the client's names, which may be any bytes. */
static int check_folders(const struct insp_dataset_place *place, struct insp_error *reterr) {
    if (!insp_dataset_split(place->split))
        return insp_fail(reterr, INSP_E_PARAMETER, "the split must be \"train\" or \"test\"");
    if (!insp_class_name_valid(place->class))
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "the class must be \"good\" or the name of a defect: " INSP_CLASS_NAME_RULE);
    return 0;
}

int insp_dataset_place_check(const struct insp_dataset_place *place, struct insp_error *reterr) {
    int r = check_folders(place, reterr);
    if (r == 0 && (!*place->name || place->name[0] == '.' || strchr(place->name, '/') ||
                   strlen(place->name) > FILE_NAME_BYTES_MAX))
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "the name must be a file name: 1 to %d bytes without '/', not starting with a dot",
                         FILE_NAME_BYTES_MAX);
    return r;
}

static bool ends_in(const char *name, const char *extension) {
    size_t have = strlen(name), want = strlen(extension);
    return have > want && !strcasecmp(name + have - want, extension);
}

int insp_dataset_place_check_new(const struct insp_dataset_place *place, enum insp_media media,
                                 struct insp_error *reterr) {
    int r = check_folders(place, reterr);
    if (r < 0)
        return r;
    if (strcmp(place->split, insp_dataset_split(place->split)) != 0)
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "the split of a new image must be \"train\" or \"test\", in lower case");
    if (!insp_name_valid(place->name))
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "the name must have 1 to 64 characters of A-Z a-z 0-9 . _ - and not start with . or -");
    bool png = ends_in(place->name, ".png"), jpeg = ends_in(place->name, ".jpg") || ends_in(place->name, ".jpeg");
    if (media == INSP_MEDIA_PNG ? !png : !jpeg)
        return insp_fail(reterr, INSP_E_PARAMETER, "the name of this image must end in %s",
                         media == INSP_MEDIA_PNG ? ".png" : ".jpg or .jpeg");
    return 0;
}

/* --- reading --- */

static int resolve(const char *set, const struct insp_dataset_place *place, char *ret_path,
                   struct insp_error *reterr) {
    char path[INSP_PATH_BYTES], root[INSP_PATH_BYTES];
    int r = insp_path(path, reterr, "%s/%s/%s/%s", set, place->split, place->class, place->name);
    if (r < 0)
        return r;
    int found = insp_resolve(set, root);
    if (found == 0)
        found = insp_resolve_below(root, path, ret_path);
    if (found == -ENOENT || found == -ENOTDIR)
        return insp_fail(reterr, INSP_E_NOT_FOUND, "the dataset has no such image");
    if (found < 0)
        return insp_fail_errno(reterr, -found, "cannot follow the path of this image of %s", set);
    if (found != INSP_BELOW)
        return insp_fail(reterr, INSP_E_FORBIDDEN, "this image of %s is a link out of the dataset", set);
    return 0;
}

int insp_dataset_place_read(const char *set, const struct insp_dataset_place *place, size_t limit, char **ret_data,
                            size_t *ret_bytes, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    struct stat st;
    int r = resolve(set, place, path, reterr);
    if (r < 0)
        return r;
    /* O_NONBLOCK, because the entry may be a pipe. */
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0)
        return insp_fail_errno(reterr, errno, "cannot open an image of the dataset");
    if (!S_ISREG(st.st_mode))
        return insp_fail(reterr, INSP_E_NOT_FOUND,
                         "the dataset has no such image: the entry of that name is not a file");
    if ((uint64_t)st.st_size > limit)
        return insp_fail(reterr, INSP_E_IMAGE_LIMIT, "the image has %lld bytes, more than the limit of %zu",
                         (long long)st.st_size, limit);
    _cleanup_free_ char *data = malloc((size_t)st.st_size + 1);
    if (!data)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for an image of %lld bytes", (long long)st.st_size);
    if ((r = insp_read_all(fd, data, (size_t)st.st_size, ret_bytes)) < 0)
        return insp_fail_errno(reterr, -r, "cannot read an image of the dataset");
    *ret_data = insp_take_ptr(data);
    return 0;
}

/* --- folders --- */

int insp_dataset_folder_at(int at, const char *name, bool make, int *ret_fd, struct insp_error *reterr) {
    if (make && mkdirat(at, name, 0750) == 0) {
        if (fsync(at) < 0)
            return insp_fail_errno(reterr, errno, "cannot sync the folder above \"%s\"", name);
    } else if (make && errno != EEXIST) {
        return insp_fail_errno(reterr, errno, "cannot make the folder \"%s\" of the dataset", name);
    }
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return insp_fail(reterr, INSP_E_NOT_FOUND, "the dataset has no folder \"%s\"", name);
    if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
        return insp_fail(reterr, INSP_E_FORBIDDEN,
                         "\"%s\" in the dataset is a link or a file; images are stored in real folders only",
                         name);
    if (fd < 0)
        return insp_fail_errno(reterr, errno, "cannot open the folder \"%s\" of the dataset", name);
    *ret_fd = fd;
    return 0;
}

int insp_dataset_place_folder(const char *set, const struct insp_dataset_place *place, bool make, int *ret_fd,
                              struct insp_error *reterr) {
    _cleanup_close_ int root = open(set, O_RDONLY | O_DIRECTORY | O_CLOEXEC), split = -1;
    if (root < 0)
        return insp_fail_errno(reterr, errno, "cannot open the dataset %s", set);
    int r = insp_dataset_folder_at(root, place->split, make, &split, reterr);
    return r < 0 ? r : insp_dataset_folder_at(split, place->class, make, ret_fd, reterr);
}

void insp_dataset_place_drop_empty(const char *set, const struct insp_dataset_place *place) {
    _cleanup_close_ int root = open(set, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int split =
        root < 0 ? -1 : openat(root, place->split, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (split >= 0)
        unlinkat(split, place->class, AT_REMOVEDIR); /* fails if it is not empty */
}

struct insp_dataset_place insp_dataset_place_of(const char *class, const char *name) {
    bool good = insp_class_name_good(class);
    return (struct insp_dataset_place){good ? "train" : "test", good ? "good" : class, name};
}
