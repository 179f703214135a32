/* api/watch/process.h - reads the figures of this process that Prometheus' client libraries export, from /proc and
 * getrlimit. Any thread; reads no disk. */
#ifndef INSP_API_WATCH_PROCESS_H
#define INSP_API_WATCH_PROCESS_H

#include "core/base/error.h"

#include <stdint.h>

struct api_process {
    double cpu_s; /* user and system, all threads */
    uint64_t resident_bytes, virtual_bytes;
    uint64_t open_fds, max_fds; /* max_fds: the soft limit */
};

/* Fails with INSP_E_IO (no /proc, or not as proc(5) describes it) and other codes of insp_fail_errno. */
int api_process_read(struct api_process *ret, struct insp_error *reterr);

#endif
