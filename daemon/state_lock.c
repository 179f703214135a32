#include "daemon/state_lock.h"

#include "core/base/cleanup.h"
#include "core/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

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

int daemon_state_lock(const char *state_dir, int *ret_fd, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r = insp_mkdir_all(state_dir, 0700, reterr);
    if (r == 0)
        r = insp_path(path, reterr, "%s/lock", state_dir);
    if (r < 0)
        return r;
    _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return insp_fail_errno(reterr, errno, "cannot write in the state folder %s", state_dir);
    struct flock lock = whole_file();
    if (fcntl(fd, F_SETLK, &lock) == 0) {
        *ret_fd = insp_take_fd(fd);
        return 0;
    }
    if (errno != EACCES && errno != EAGAIN)
        return insp_fail_errno(reterr, errno, "cannot lock %s", path);
    pid_t holder = holder_of(fd);
    if (holder > 0)
        return insp_fail(
            reterr, INSP_E_CONFLICT,
            "the state folder %s is served by the inspectd with pid %d; stop that one, or give this one "
            "another folder with -o storage.state_dir=DIR",
            state_dir, (int)holder);
    return insp_fail(
        reterr, INSP_E_CONFLICT,
        "the state folder %s is served by an inspectd in another container; give this one another folder "
        "with -o storage.state_dir=DIR",
        state_dir);
}

pid_t daemon_state_holder(const char *state_dir) {
    char path[INSP_PATH_BYTES];
    if (insp_path(path, NULL, "%s/lock", state_dir) < 0)
        return -1;
    _cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    return holder_of(fd);
}
