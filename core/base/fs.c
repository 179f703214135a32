#include "core/base/fs.h"

#include "core/base/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

int insp_path(char *ret_path, struct insp_error *reterr, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(ret_path, INSP_PATH_BYTES, format, args);
    va_end(args);
    if (n < 0 || n >= INSP_PATH_BYTES)
        return insp_fail(reterr, INSP_E_IO, "path longer than %d bytes", INSP_PATH_BYTES - 1);
    return 0;
}

bool insp_find_installed(const char *name, int mode, char ret_path[INSP_PATH_BYTES]) {
    static const char *const places[] = {"/", "/../libexec/inspectd/", "/../lib/inspectd/"};
    char folder[INSP_PATH_BYTES];
    ssize_t bytes = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (bytes <= 0)
        return false;
    folder[bytes] = 0;
    *strrchr(folder, '/') = 0; /* the kernel names it from the root */
    for (size_t i = 0; i < INSP_COUNT(places); i++)
        if (insp_path(ret_path, NULL, "%s%s%s", folder, places[i], name) == 0 && access(ret_path, mode) == 0)
            return true;
    return false;
}

int insp_mkdir_all(const char *path, mode_t mode, struct insp_error *reterr) {
    char part[INSP_PATH_BYTES];
    int r = insp_path(part, reterr, "%s", path);
    if (r < 0)
        return r;
    for (char *p = part + 1;; p++) {
        if (*p && *p != '/')
            continue;
        char kept = *p;
        *p = '\0';
        if (mkdir(part, mode) < 0 && errno != EEXIST)
            return insp_fail_errno(reterr, errno, "cannot create folder %s", part);
        if (!kept)
            break;
        *p = kept;
    }
    struct stat st;
    if (stat(path, &st) < 0)
        return insp_fail_errno(reterr, errno, "cannot examine %s", path);
    if (!S_ISDIR(st.st_mode))
        return insp_fail(reterr, INSP_E_IO, "%s exists but is not a folder", path);
    return 0;
}

int insp_read_all(int fd, void *buffer, size_t bytes, size_t *ret_bytes) {
    size_t have = 0;
    while (have < bytes) {
        ssize_t n = read(fd, (char *)buffer + have, bytes - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    *ret_bytes = have;
    return 0;
}

int insp_read_file(const char *path, size_t limit, char **ret_data, size_t *ret_bytes, struct insp_error *reterr) {
    /* O_NONBLOCK: opening a pipe would otherwise wait for its writer. */
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    if (fd < 0)
        return insp_fail_errno(reterr, errno, "cannot open %s", path);
    if (fstat(fd, &st) < 0)
        return insp_fail_errno(reterr, errno, "cannot examine %s", path);
    if (!S_ISREG(st.st_mode))
        return insp_fail(reterr, INSP_E_IO, "%s is not a regular file", path);
    if ((uint64_t)st.st_size > limit)
        return insp_fail(reterr, INSP_E_IO, "%s has %lld bytes, more than the limit of %zu", path,
                         (long long)st.st_size, limit);
    size_t bytes = (size_t)st.st_size;
    _cleanup_free_ char *data = malloc(bytes + 1);
    if (!data)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the %zu bytes of %s", bytes, path);
    int r = insp_read_all(fd, data, bytes, &bytes);
    if (r < 0)
        return insp_fail_errno(reterr, -r, "cannot read %s", path);
    data[bytes] = '\0';
    *ret_data = insp_take_ptr(data);
    *ret_bytes = bytes;
    return 0;
}

int insp_write_all(int fd, const char *data, size_t bytes) {
    while (bytes) {
        ssize_t n = write(fd, data, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data += n;
        bytes -= (size_t)n;
    }
    return 0;
}

int insp_lock(int fd, enum insp_lock how) {
    static const int operation[] = {[INSP_LOCK_WAIT] = LOCK_EX,
                                    [INSP_LOCK_TRY] = LOCK_EX | LOCK_NB,
                                    [INSP_LOCK_TRY_SHARED] = LOCK_SH | LOCK_NB};
    while (flock(fd, operation[how]) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

int insp_lock_file(const char *path, mode_t mode, int *ret_fd, struct insp_error *reterr) {
    _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return insp_fail_errno(reterr, errno, "cannot open %s", path);
    int r = insp_lock(fd, INSP_LOCK_WAIT);
    if (r < 0)
        return insp_fail_errno(reterr, -r, "cannot lock %s", path);
    *ret_fd = insp_take_fd(fd);
    return 0;
}

static int sync_parent(const char *path, struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES];
    int r = insp_path(folder, reterr, "%s", path);
    if (r < 0)
        return r;
    char *slash = strrchr(folder, '/');
    if (!slash)
        return insp_fsync_path(".", reterr);
    slash[slash == folder] = '\0';
    return insp_fsync_path(folder, reterr);
}

int insp_write_file(const char *path, const void *data, size_t bytes, mode_t mode, bool sync,
                    struct insp_error *reterr) {
    char temporary[INSP_PATH_BYTES];
    int r = insp_path(temporary, reterr, "%s.XXXXXX", path);
    if (r < 0)
        return r;
    _cleanup_close_ int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return insp_fail_errno(reterr, errno, "cannot write %s", path);
    r = insp_write_all(fd, data, bytes);
    if (r == 0 && fchmod(fd, mode) < 0)
        r = -errno;
    if (r == 0 && sync && fsync(fd) < 0)
        r = -errno;
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0) {
        unlink(temporary);
        return insp_fail_errno(reterr, -r, "cannot write %s", path);
    }
    return sync ? sync_parent(path, reterr) : 0;
}

int insp_fsync_path(const char *path, struct insp_error *reterr) {
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return insp_fail_errno(reterr, errno, "cannot sync %s", path);
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where) {
    (void)st;
    (void)kind;
    (void)where;
    return remove(path) < 0 && errno != ENOENT ? errno : 0;
}

int insp_remove_tree(const char *path, struct insp_error *reterr) {
    int r = nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    if (r == 0 || (r < 0 && errno == ENOENT))
        return 0;
    return insp_fail_errno(reterr, r < 0 ? errno : r, "cannot remove %s", path);
}

int insp_disk_free(const char *path, uint64_t *ret_free_bytes, uint64_t *ret_total_bytes,
                   struct insp_error *reterr) {
    struct statvfs vfs;
    if (statvfs(path, &vfs) < 0)
        return insp_fail_errno(reterr, errno, "cannot read the free space of %s", path);
    *ret_free_bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize;
    *ret_total_bytes = (uint64_t)vfs.f_blocks * vfs.f_frsize;
    return 0;
}

bool insp_name_valid(const char *name) {
    size_t n = strnlen(name, 65);
    if (n < 1 || n > 64 || name[0] == '.' || name[0] == '-')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i]))
            return false;
    return true;
}
