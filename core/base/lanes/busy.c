#include "core/base/lanes/busy.h"

#include "core/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

enum { PAGE_BYTES = 4096 };

struct insp_busy {
    _Atomic uint32_t *raised; /* at the start of the page; 1: raised */
    int fd;
};

static int map(struct insp_busy *busy, int fd, int protection, struct insp_error *reterr) {
    void *page = mmap(NULL, PAGE_BYTES, protection, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        return insp_fail_errno(reterr, errno, "cannot map the line's flag");
    busy->raised = page;
    return 0;
}

int insp_busy_new(struct insp_busy **ret, struct insp_error *reterr) {
    _cleanup_(insp_busy_freep) struct insp_busy *busy = calloc(1, sizeof *busy);
    if (!busy)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the line's flag");
    busy->fd = memfd_create("inspectd-line-busy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (busy->fd < 0 || ftruncate(busy->fd, PAGE_BYTES) < 0 ||
        fcntl(busy->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
        return insp_fail_errno(reterr, errno, "cannot create the line's flag");
    int r = map(busy, busy->fd, PROT_READ | PROT_WRITE, reterr);
    if (r < 0)
        return r;
    /* The seal leaves the mapping above writable. Kernels before 5.1 do not know it; there the other process
     * is trusted not to write. */
    if (fcntl(busy->fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) < 0 &&
        fcntl(busy->fd, F_ADD_SEALS, F_SEAL_SEAL) < 0)
        return insp_fail_errno(reterr, errno, "cannot seal the line's flag");
    *ret = insp_take_ptr(busy);
    return 0;
}

int insp_busy_open(int fd, struct insp_busy **ret, struct insp_error *reterr) {
    struct stat st;
    if (fstat(fd, &st) < 0)
        return insp_fail_errno(reterr, errno, "cannot examine the line's flag");
    if (st.st_size != PAGE_BYTES) /* reading a shorter file would end the process with SIGBUS */
        return insp_fail(reterr, INSP_E_IO, "descriptor %d is not a line's flag", fd);
    _cleanup_(insp_busy_freep) struct insp_busy *busy = calloc(1, sizeof *busy);
    if (!busy)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the line's flag");
    busy->fd = -1;
    int r = map(busy, fd, PROT_READ, reterr);
    if (r == 0)
        *ret = insp_take_ptr(busy);
    return r;
}

void insp_busy_free(struct insp_busy *busy) {
    if (!busy)
        return;
    if (busy->raised)
        munmap((void *)(uintptr_t)busy->raised, PAGE_BYTES);
    if (busy->fd >= 0)
        close(busy->fd);
    free(busy);
}

int insp_busy_fd(const struct insp_busy *busy) {
    return busy->fd;
}

void insp_busy_set(struct insp_busy *busy, bool raised) {
    if (raised)
        atomic_store(busy->raised, 1);
    else if (atomic_exchange(busy->raised, 0))
        syscall(SYS_futex, busy->raised, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void insp_busy_wait(const struct insp_busy *busy, int64_t limit_us) {
    int64_t until_us = insp_mono_us() + limit_us, left_us;
    while (atomic_load(busy->raised) && (left_us = until_us - insp_mono_us()) > 0) {
        const struct timespec left = {.tv_sec = left_us / 1000000, .tv_nsec = left_us % 1000000 * 1000};
        if (syscall(SYS_futex, busy->raised, FUTEX_WAIT, 1, &left, NULL, 0) < 0 && errno != EINTR &&
            errno != EAGAIN)
            return;
    }
}
