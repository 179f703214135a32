#include "api/watch/process.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static int count_fds(uint64_t *ret, struct insp_error *reterr) {
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return insp_fail_errno(reterr, errno, "/proc/self/fd");
    uint64_t count = 0;
    for (const struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    *ret = count - 1; /* without the descriptor of opendir */
    return 0;
}

/* Parses /proc/self/stat from the last bracket on: the name in field 2 may hold blanks and brackets (proc(5)). */
static int parse_stat(const char *text, struct api_process *ret) {
    unsigned long long user, system, virtual_bytes;
    long long pages;
    const char *rest = strrchr(text, ')');
    if (!rest ||
        sscanf(rest + 1,
               " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu %*s %*s %*s %*s %*s %*s %*s %llu %lld",
               &user, &system, &virtual_bytes, &pages) != 4)
        return -1;
    ret->cpu_s = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    ret->virtual_bytes = virtual_bytes;
    ret->resident_bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return 0;
}

int api_process_read(struct api_process *ret, struct insp_error *reterr) {
    char text[1024];
    struct api_process process = {0};
    struct rlimit limit;
    FILE *file = fopen("/proc/self/stat", "re");
    if (!file)
        return insp_fail_errno(reterr, errno, "/proc/self/stat");
    size_t got = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[got] = 0;
    if (parse_stat(text, &process))
        return insp_fail(reterr, INSP_E_IO, "/proc/self/stat is not as proc(5) describes it");
    int code = count_fds(&process.open_fds, reterr);
    if (code)
        return code;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return insp_fail_errno(reterr, errno, "getrlimit");
    process.max_fds = limit.rlim_cur;
    *ret = process;
    return 0;
}
