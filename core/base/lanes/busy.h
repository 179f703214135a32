/* core/base/busy.h - a flag in shared memory that says whether the line is busy. The daemon raises it while images
 * wait or are being scored; a job, in a process of its own, blocks until it is lowered. The flag's memory is
 * sealed: no process but the one that made it can shorten or (Linux 5.1 and later) write it. Source: futex(2),
 * memfd_create(2). */
#ifndef INSP_BASE_BUSY_H
#define INSP_BASE_BUSY_H

#include "core/base/cleanup.h"
#include "core/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct insp_busy;

/* Makes a flag, lowered. INSP_E_NOMEM, INSP_E_IO. */
int insp_busy_new(struct insp_busy **ret, struct insp_error *reterr);
/* Maps the flag behind a descriptor for reading; fd stays the caller's. INSP_E_IO. */
int insp_busy_open(int fd, struct insp_busy **ret, struct insp_error *reterr);
void insp_busy_free(struct insp_busy *busy); /* NULL is fine */

/* The descriptor to hand to another process; lives as long as the flag. -1 for a flag that was opened. */
int insp_busy_fd(const struct insp_busy *busy);

/* Raises or lowers a flag of insp_busy_new; lowering wakes who waits. Any thread; no system call unless the flag
 * changes from raised to lowered. */
void insp_busy_set(struct insp_busy *busy, bool raised);

/* Blocks while the flag is raised, at most limit_us. Any thread. */
void insp_busy_wait(const struct insp_busy *busy, int64_t limit_us);

DEFINE_CLEANUP(struct insp_busy, insp_busy_free);
#endif
