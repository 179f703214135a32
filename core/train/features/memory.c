#include "core/train/features/memory.h"

#include "core/base/cleanup.h"
#include "core/compute/vgg16.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t mem_available(void) {
    _cleanup_fclose_ FILE *file = fopen("/proc/meminfo", "re");
    char line[128];
    uint64_t kib;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %" SCNu64 " kB", &kib) == 1)
            return kib * 1024;
    return UINT64_MAX;
}

/* Reads a number from a file of the cgroup; UINT64_MAX for "max" or a missing file. */
static uint64_t cgroup_value(const char *group, const char *name) {
    char path[4096];
    uint64_t value = UINT64_MAX;
    int n = snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", group, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return UINT64_MAX;
    _cleanup_fclose_ FILE *file = fopen(path, "re");
    return file && fscanf(file, "%" SCNu64, &value) == 1 ? value : UINT64_MAX;
}

/* Reads the bytes of inactive file pages: they count towards the group, but the kernel can drop them. */
static uint64_t cgroup_inactive_file(const char *group) {
    char path[4096], line[128];
    uint64_t value;
    int n = snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.stat", group);
    if (n < 0 || (size_t)n >= sizeof path)
        return 0;
    _cleanup_fclose_ FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "inactive_file %" SCNu64, &value) == 1)
            return value;
    return 0;
}

static uint64_t cgroup_available(void) {
    _cleanup_fclose_ FILE *file = fopen("/proc/self/cgroup", "re");
    char line[2048], *group = NULL;
    while (file && !group && fgets(line, sizeof line, file))
        if (!strncmp(line, "0::", 3))
            group = line + 3;
    if (!group)
        return UINT64_MAX;
    group[strcspn(group, "\n")] = '\0';
    if (!strcmp(group, "/"))
        group[0] = '\0';
    uint64_t max = cgroup_value(group, "memory.max"), used = cgroup_value(group, "memory.current");
    if (max == UINT64_MAX || used == UINT64_MAX)
        return UINT64_MAX;
    uint64_t dropped = cgroup_inactive_file(group);
    used = used > dropped ? used - dropped : 0;
    return max > used ? max - used : 0;
}

/* Reads a field of /proc/self/statm in bytes; 0 if it cannot be read. field: 0 address space, 5 private memory. */
static uint64_t used_bytes(unsigned field) {
    uint64_t pages[6] = {0};
    _cleanup_fclose_ FILE *file = fopen("/proc/self/statm", "re");
    for (size_t i = 0; file && i < INSP_COUNT(pages); i++)
        if (fscanf(file, "%" SCNu64, &pages[i]) != 1)
            return 0;
    return pages[field] * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t limit_leaves(int resource, unsigned field) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    uint64_t used = used_bytes(field);
    return limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}

static uint64_t sanitized_limit = UINT64_MAX;

uint64_t insp_memory_available(void) {
    const uint64_t left[] = {mem_available(), cgroup_available(), limit_leaves(RLIMIT_AS, 0),
                             limit_leaves(RLIMIT_DATA, 5), sanitized_limit};
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < INSP_COUNT(left); i++)
        least = left[i] < least ? left[i] : least;
    return least;
}

int insp_memory_limit(uint64_t bytes_max, struct insp_error *reterr) {
    struct rlimit limit;
    uint64_t free_bytes = insp_memory_available();
    if (!bytes_max && free_bytes == UINT64_MAX)
        return 0;
    uint64_t bytes = bytes_max ? bytes_max : free_bytes / 4 * 3 + used_bytes(5);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    sanitized_limit = bytes_max ? bytes : UINT64_MAX;
    return 0;
#endif
    if (getrlimit(RLIMIT_DATA, &limit) < 0)
        return insp_fail_errno(reterr, errno, "cannot read the limit of the job's memory");
    if (limit.rlim_cur <= bytes)
        return 0;
    limit.rlim_cur = bytes;
    return setrlimit(RLIMIT_DATA, &limit) < 0
               ? insp_fail_errno(reterr, errno, "cannot limit the job's memory to %" PRIu64 " bytes", bytes)
               : 0;
}

uint64_t insp_memory_training_estimate(unsigned batch) {
    const uint64_t weights = (uint64_t)INSP_TAIL_CONVS * INSP_CHANNELS * INSP_CHANNELS * 9 * sizeof(float);
    const uint64_t map = (uint64_t)INSP_FEATURE_FLOATS * sizeof(float);
    /* Ten copies of the weights in a training: initial, parameters, gradients, two moments, two packed, three of
     * the last epochs. Four that wait while its halves are trained: the tail, its average, and the packed one of
     * two layouts. Per image: the input and three layers, each with its gradient, and scratch for one unfolded
     * input (9 maps). 64 MiB for the rest. */
    return 14 * weights + batch * map * (2 * (1 + INSP_TAIL_CONVS) + 9) + (64u << 20);
}

int insp_memory_check(uint64_t bytes, uint64_t available, const char *what, struct insp_error *reterr) {
    if (bytes > available)
        return insp_fail(reterr, INSP_E_NOMEM, "%s needs about %.0f MB of memory, but only %.0f MB are available",
                         what, (double)bytes / 1e6, (double)available / 1e6);
    return 0;
}
