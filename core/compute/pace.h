/* core/compute/pace.h - call a hook before each layer that a thread computes on the CPU. A job sets it to
 * yield to inspections: a mini-batch takes a fifth of a second and a pass over eight images half a second; a
 * camera cannot wait that long, but it can wait for one layer.
 *
 * The hook belongs to the thread that sets it, not to its team (team.h), so it need not be passed through
 * devices, workspaces and trainers. The inference thread sets none. Source: cooperative scheduling. */
#ifndef INSP_COMPUTE_PACE_H
#define INSP_COMPUTE_PACE_H

#ifdef __cplusplus
extern "C" {
#endif

/* Sets the hook of the calling thread; NULL removes it. */
void insp_pace_set(void (*before_layer)(void *arg), void *arg);

/* Calls the calling thread's hook, if any. The convolution layers call it outside parallel regions. */
void insp_pace(void);

#ifdef __cplusplus
}
#endif
#endif
