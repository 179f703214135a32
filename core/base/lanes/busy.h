/* core/base/lanes/busy.h - share one flag, "the line is busy", between processes. The daemon raises it while
 * images wait or are being scored; a job, which runs in a separate process, blocks until the daemon lowers it. The
 * memory is sealed: no other process can shorten it, nor (from Linux 5.1 on) write to it. Sources: futex(2),
 * memfd_create(2). */
#ifndef INSP_BASE_LANES_BUSY_H
#define INSP_BASE_LANES_BUSY_H

#include "core/base/cleanup.h"
#include "core/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct insp_busy;

/* Makes a lowered flag. *ret is the caller's. Fails with INSP_E_NOMEM, INSP_E_IO or another code of
 * insp_fail_errno. */
int insp_busy_new(struct insp_busy **ret, struct insp_error *reterr);
/* Maps the flag behind a descriptor for reading. fd stays the caller's and may be closed afterwards. Fails
 * with INSP_E_IO, INSP_E_NOMEM or another code of insp_fail_errno. */
int insp_busy_open(int fd, struct insp_busy **ret, struct insp_error *reterr);
void insp_busy_free(struct insp_busy *busy); /* accepts NULL */

/* Returns the descriptor to hand to another process, or -1 for a flag of insp_busy_open. It stays open as long
 * as the flag exists. */
int insp_busy_fd(const struct insp_busy *busy);

/* Raises or lowers a flag of insp_busy_new; lowering wakes all waiters. Any thread. Makes a system call only
 * when it lowers a raised flag. */
void insp_busy_set(struct insp_busy *busy, bool raised);

/* Blocks while the flag is raised, for at most limit_us microseconds. Any thread. */
void insp_busy_wait(const struct insp_busy *busy, int64_t limit_us);

DEFINE_CLEANUP(struct insp_busy, insp_busy_free);
#endif
