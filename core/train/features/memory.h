/* core/train/features/memory.h - estimates, checks and limits the memory of a job. Reads /proc and /sys only; any
 * thread. */
#ifndef INSP_TRAIN_FEATURES_MEMORY_H
#define INSP_TRAIN_FEATURES_MEMORY_H

#include "core/base/error.h"

#include <stdint.h>

/* Returns the bytes that this process may still allocate without swapping: the least of MemAvailable and of the
 * remainders of its cgroup (v2, without the groups above it), of the address space limit (ulimit -v) and of
 * insp_memory_limit. Returns UINT64_MAX if the system reports none of them. */
uint64_t insp_memory_available(void);

/* Limits this process's private memory (RLIMIT_DATA); allocations beyond the limit fail. A lower limit in force
 * stays. Under a sanitizer, which maps terabytes, nothing is limited, but insp_memory_available counts with the
 * limit. Call it once, before the process has other threads.
 *   bytes_max  0: the memory in use plus three quarters of insp_memory_available, so that a quarter of the free
 *              memory is left for inspections
 * Errors: an errno code. */
int insp_memory_limit(uint64_t bytes_max, struct insp_error *reterr);

/* Estimates an upper bound, in bytes, of the memory for training with mini-batches of `batch` images: parameters,
 * gradients, Adam's moments and packed copies of the tail, and the activations of both passes. The feature cache
 * is not included, because the kernel can drop its file pages. */
uint64_t insp_memory_training_estimate(unsigned batch);

/* Fails with INSP_E_NOMEM and both figures if bytes > available. `what` is the subject of the detail: "training".
 */
int insp_memory_check(uint64_t bytes, uint64_t available, const char *what, struct insp_error *reterr);

#endif
