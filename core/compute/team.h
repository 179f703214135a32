/* core/compute/team.h - share the steps of a pass on the CPU among threads.
 *
 * Each thread that computes leads a separate team, whose members start at its first pass and end with it. They
 * inherit its priority. In place of OpenMP, for two reasons that count on a machine with other work: a pass ends
 * when its steps are done, and does not wait for a member that the system has not scheduled meanwhile; and a
 * thread that waits spins for 0.1 ms, as long as the next layer may take to come, and then sleeps, while libgomp's
 * burns its core for milliseconds. Any thread; a step must not begin another pass. */
#ifndef INSP_COMPUTE_TEAM_H
#define INSP_COMPUTE_TEAM_H

#include <stddef.h>

enum { INSP_TEAM_MAX = 1024 }; /* most threads of a pass */

/* Does step `index`. thread: below the pass's number of threads, different for steps that run at the same time. */
typedef void insp_team_step(void *arg, size_t index, unsigned thread);

/* Calls step(arg, index, thread) once for each index below `count`, on at most `threads` threads with the caller,
 * and returns after the last one has ended. Threads take `chunk` steps at a time. All steps run with denormal
 * numbers treated as zero (x86; other processors keep their mode): each costs a hundred cycles and carries no
 * information. Fewer threads take part if the system refuses to start them. */
void insp_team_run(unsigned threads, size_t count, size_t chunk, insp_team_step *step, void *arg);

/* Returns the number of processors that the calling thread may use, at least 1. */
unsigned insp_team_processors(void);

#endif
