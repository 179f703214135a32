/* core/train/features/memory.h - what a job may take, asked before it takes it. Blocks on /proc and /sys only; any
 * thread.
 */
#ifndef INSP_TRAIN_FEATURES_MEMORY_H
#define INSP_TRAIN_FEATURES_MEMORY_H

#include "core/base/error.h"

#include <stdint.h>

/* Bytes that this process may still take without swapping: MemAvailable, or less where the cgroup (v2), the limit
 * of its address space (ulimit -v) or that of its private memory (insp_memory_limit) leaves less. UINT64_MAX where
 * the system does not say. */
uint64_t insp_memory_available(void);

/* Limits this process's private memory (RLIMIT_DATA) to bytes_max, from now on and for good: an allocation beyond
 * it fails. 0: three quarters of insp_memory_available, so that a job leaves the line a quarter of what was free.
 * A lower limit that is in force stays. Under a sanitizer, which maps terabytes, only insp_memory_available knows
 * the limit. Once, before the process has threads that ask. INSP_E_IO. */
int insp_memory_limit(uint64_t bytes_max, struct insp_error *reterr);

/* Upper estimate of what training with mini-batches of `batch` takes: parameters, gradients, Adam's moments and
 * packed copies of the tail, and the activations of forward and backward. The feature cache is not in it: its
 * pages belong to a file and can be dropped. */
uint64_t insp_memory_training_estimate(unsigned batch);

/* INSP_E_NOMEM with both figures where `bytes` are not available. */
int insp_memory_check(uint64_t bytes, uint64_t available, const char *what, struct insp_error *reterr);

#endif
