/* api/watch/process.h - the process as Prometheus' client libraries describe it, from /proc and getrlimit. Any
 * thread; reads no disk. */
#ifndef INSP_API_WATCH_PROCESS_H
#define INSP_API_WATCH_PROCESS_H

#include "core/base/error.h"

#include <stdint.h>

struct api_process {
    double cpu_s; /* user and system, all threads */
    uint64_t resident_bytes, virtual_bytes;
    uint64_t open_fds, max_fds; /* max_fds: the soft limit */
};

/* INSP_E_IO where /proc is not mounted. */
int api_process_read(struct api_process *ret, struct insp_error *reterr);

#endif
