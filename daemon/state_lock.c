#include "daemon/state_lock.h"

#include "core/base/cleanup.h"
#include "core/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 10, PAUSE_NS = 20 * 1000000 };

static struct flock whole_file(void) {
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

static pid_t holder_of(int fd) {
    struct flock asked = whole_file();
    if (fcntl(fd, F_GETLK, &asked) < 0)
        return -1;
    if (asked.l_type == F_UNLCK)
        return 0;
    return asked.l_pid > 0 ? asked.l_pid : -1;
}

static int open_file(const char *state_dir, int flags) {
    char path[INSP_PATH_BYTES];
    return insp_path(path, NULL, "%s/lock", state_dir) < 0
               ? -1
               : open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
}

static int conflict(const char *state_dir, struct insp_error *reterr) {
    _cleanup_close_ int fd = open_file(state_dir, 0);
    pid_t holder = fd < 0 ? -1 : holder_of(fd);
    if (holder > 0)
        return insp_fail(
            reterr, INSP_E_CONFLICT,
            "the state folder %s is in use by the inspectd with pid %d; stop that one, or choose another "
            "folder with -o storage.state_dir=DIR",
            state_dir, (int)holder);
    return insp_fail(
        reterr, INSP_E_CONFLICT,
        "the state folder %s is in use by another inspectd (in another container, or its lock file was removed); "
        "stop that one, or choose another folder with -o storage.state_dir=DIR",
        state_dir);
}

/* Locks the folder; *ret is -1 if the file system cannot lock folders. daemon_state_holder holds the lock for an
 * instant, so a few retries distinguish it from a daemon. */
static int lock_folder(const char *state_dir, int *ret, struct insp_error *reterr) {
    _cleanup_close_ int fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return insp_fail_errno(reterr, errno, "cannot open the state folder %s", state_dir);
    for (int i = 0; i < TRIES; i++) {
        int r = insp_lock(fd, INSP_LOCK_TRY);
        if (r == 0) {
            *ret = insp_take_fd(fd);
            return 0;
        }
        if (r != -EWOULDBLOCK) {
            *ret = -1;
            return 0;
        }
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    return conflict(state_dir, reterr);
}

static bool is_still_there(const char *state_dir, int fd) {
    struct stat ours, there;
    char path[INSP_PATH_BYTES];
    return insp_path(path, NULL, "%s/lock", state_dir) == 0 && fstat(fd, &ours) == 0 && lstat(path, &there) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

static int lock_file(const char *state_dir, int *ret, struct insp_error *reterr) {
    for (int i = 0; i < TRIES; i++) {
        _cleanup_close_ int fd = open_file(state_dir, O_CREAT);
        if (fd < 0)
            return insp_fail_errno(reterr, errno, "cannot write to the state folder %s", state_dir);
        struct flock lock = whole_file();
        if (fcntl(fd, F_SETLK, &lock) < 0)
            return errno == EACCES || errno == EAGAIN
                       ? conflict(state_dir, reterr)
                       : insp_fail_errno(reterr, errno, "cannot lock the state folder %s", state_dir);
        if (is_still_there(state_dir, fd)) {
            *ret = insp_take_fd(fd);
            return 0;
        }
    }
    return insp_fail(reterr, INSP_E_IO, "cannot lock %s/lock: another program keeps removing it", state_dir);
}

int daemon_state_lock(const char *state_dir, struct daemon_state_lock *ret, struct insp_error *reterr) {
    struct daemon_state_lock lock = {-1, -1};
    int r = insp_mkdir_all(state_dir, 0700, reterr);
    if (r == 0)
        r = lock_folder(state_dir, &lock.folder_fd, reterr);
    if (r == 0)
        r = lock_file(state_dir, &lock.file_fd, reterr);
    if (r < 0)
        daemon_state_unlock(&lock);
    else
        *ret = lock;
    return r;
}

void daemon_state_unlock(struct daemon_state_lock *lock) {
    if (lock->file_fd >= 0)
        close(insp_take_fd(lock->file_fd));
    if (lock->folder_fd >= 0)
        close(insp_take_fd(lock->folder_fd));
}

pid_t daemon_state_holder(const char *state_dir) {
    _cleanup_close_ int fd = open_file(state_dir, 0);
    if (fd < 0 && errno != ENOENT)
        return -1;
    pid_t holder = fd < 0 ? 0 : holder_of(fd);
    if (holder)
        return holder;
    _cleanup_close_ int folder = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return errno == ENOENT ? 0 : -1;
    return insp_lock(folder, INSP_LOCK_TRY_SHARED) == -EWOULDBLOCK ? -1 : 0;
}
