/* core/compute/pace.h - what a thread does before each layer that it computes on the CPU: nothing, or, where it is
 * a job's thread, let the line go first. A mini-batch takes a fifth of a second and a pass over eight images half
 * of one; a camera cannot wait that long, a layer's tenths of it can be waited for.
 *
 * The hook belongs to the thread that sets it (and not to the OpenMP team that it leads): the inference thread has
 * none, and nothing has to be carried through devices, workspaces and trainers. Source: cooperative scheduling. */
#ifndef INSP_COMPUTE_PACE_H
#define INSP_COMPUTE_PACE_H

#ifdef __cplusplus
extern "C" {
#endif

/* From now on the calling thread calls before_layer(arg) before each layer; NULL: nothing any more. */
void insp_pace_set(void (*before_layer)(void *arg), void *arg);

/* Called by the kernels' drivers, outside parallel regions. */
void insp_pace(void);

#ifdef __cplusplus
}
#endif
#endif
