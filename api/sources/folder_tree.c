#include "api/sources/folder_tree.h"

#include "core/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *api_tree_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Gives a new folder the mode of its parent, whatever the umask: others fetch what is put there. */
static void copy_mode(int parent, int fd) {
    struct stat info;
    if (fstat(parent, &info) == 0)
        (void)!fchmod(fd, info.st_mode & 07777);
}

static int open_folder(int parent, const char *name, bool make) {
    bool made = make && mkdirat(parent, name, 0700) == 0;
    if (make && !made && errno != EEXIST)
        return -errno;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (made)
        copy_mode(parent, fd);
    return fd;
}

int api_tree_parent(int root, const char *path, bool make) {
    char name[NAME_MAX + 1];
    int fd = fcntl(root, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    for (const char *slash; (slash = strchr(path, '/')); path = slash + 1) {
        size_t bytes = (size_t)(slash - path);
        int below = -ENAMETOOLONG;
        if (bytes < sizeof name) {
            snprintf(name, sizeof name, "%.*s", (int)bytes, path);
            below = open_folder(fd, name, make);
        }
        close(fd);
        if (below < 0)
            return below;
        fd = below;
    }
    return fd;
}

static void identify(const struct stat *info, struct insp_file_identity *ret) {
    *ret = (struct insp_file_identity){.device = info->st_dev,
                                       .inode = info->st_ino,
                                       .size = info->st_size,
                                       .mtime_ns =
                                           (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec};
}

int api_tree_stat(int root, const char *path, struct insp_file_identity *ret, mode_t *ret_mode) {
    struct stat info;
    _cleanup_close_ int parent = api_tree_parent(root, path, false);
    if (parent < 0)
        return parent;
    if (fstatat(parent, api_tree_name(path), &info, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!S_ISREG(info.st_mode))
        return -EINVAL;
    identify(&info, ret);
    if (ret_mode)
        *ret_mode = info.st_mode & 0777;
    return 0;
}

/* Reads the bytes of an open file, and checks that it is the same before and after. */
static int read_all(int fd, size_t limit, struct insp_file_identity *ret, uint8_t **ret_data, size_t *ret_bytes) {
    struct stat info;
    struct insp_file_identity after;
    if (fstat(fd, &info) < 0)
        return -errno;
    if (!S_ISREG(info.st_mode))
        return -EINVAL;
    identify(&info, ret);
    if ((uint64_t)info.st_size > limit)
        return -EFBIG;
    _cleanup_free_ uint8_t *data = malloc((size_t)info.st_size + 1);
    if (!data)
        return -ENOMEM;
    int r = insp_read_all(fd, data, (size_t)info.st_size, ret_bytes);
    if (r == 0 && fstat(fd, &info) < 0)
        r = -errno;
    if (r < 0)
        return r;
    identify(&info, &after);
    if (!insp_file_same(ret, &after) || *ret_bytes != (size_t)after.size) {
        *ret = after;
        return -EAGAIN;
    }
    *ret_data = insp_take_ptr(data);
    return 0;
}

int api_tree_read(int root, const char *path, size_t limit, struct insp_file_identity *ret, uint8_t **ret_data,
                  size_t *ret_bytes) {
    _cleanup_close_ int parent = api_tree_parent(root, path, false);
    if (parent < 0)
        return parent;
    /* O_NONBLOCK: a pipe in place of the file must not hold the thread. */
    _cleanup_close_ int fd =
        openat(parent, api_tree_name(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return fd < 0 ? -errno : read_all(fd, limit, ret, ret_data, ret_bytes);
}

static int write_at(int parent, const char *temporary, const char *name, const void *data, size_t bytes,
                    mode_t mode) {
    _cleanup_close_ int fd =
        openat(parent, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int r = insp_write_all(fd, data, bytes);
    if (r == 0 && fchmod(fd, mode) < 0)
        r = -errno;
    if (r == 0 && renameat(parent, temporary, parent, name) < 0)
        r = -errno;
    if (r < 0)
        unlinkat(parent, temporary, 0);
    return r;
}

int api_tree_write(int root, const char *path, const void *data, size_t bytes, mode_t mode) {
    char temporary[NAME_MAX + 1];
    const char *name = api_tree_name(path);
    _cleanup_close_ int parent = api_tree_parent(root, path, true);
    if (parent < 0)
        return parent;
    /* One name for all: this thread is the only one that writes here. */
    snprintf(temporary, sizeof temporary, ".inspectd-result");
    return write_at(parent, temporary, name, data, bytes, mode);
}

/* Renames without replacing. File systems that cannot do so in one step get two. */
static int rename_new(int from, const char *name, int to, const char *to_name) {
    struct stat info;
    if (renameat2(from, name, to, to_name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    if (fstatat(to, to_name, &info, AT_SYMLINK_NOFOLLOW) == 0)
        return -EEXIST;
    return renameat(from, name, to, to_name) < 0 ? -errno : 0;
}

int api_tree_move(int root, const char *from, const char *to) {
    _cleanup_close_ int source = api_tree_parent(root, from, false);
    if (source < 0)
        return source;
    _cleanup_close_ int target = api_tree_parent(root, to, true);
    if (target < 0)
        return target;
    return rename_new(source, api_tree_name(from), target, api_tree_name(to));
}

int api_tree_free_path(int root, const char *to, const char *spare, char *ret_path) {
    struct insp_file_identity there;
    const char *name = api_tree_name(to);
    int r = api_tree_stat(root, to, &there, NULL);
    bool taken = r == 0 || r == -EINVAL;
    int n = snprintf(ret_path, INSP_PATH_BYTES, "%.*s%s%s%s", (int)(name - to), to, taken ? spare : "",
                     taken ? "-" : "", name);
    return n < 0 || n >= INSP_PATH_BYTES ? -ENAMETOOLONG : 0;
}

int api_tree_remove(int root, const char *path) {
    _cleanup_close_ int parent = api_tree_parent(root, path, false);
    if (parent < 0)
        return parent;
    return unlinkat(parent, api_tree_name(path), 0) < 0 ? -errno : 0;
}
