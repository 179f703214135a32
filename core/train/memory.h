/* core/train/memory.h - what a job may take, asked before it takes it. Blocks on /proc and /sys only; any thread.
 */
#ifndef INSP_TRAIN_MEMORY_H
#define INSP_TRAIN_MEMORY_H

#include "core/base/error.h"

#include <stdint.h>

/* Bytes that this process may still take without swapping: MemAvailable, or what the cgroup (v2) or the limit of
 * its address space (ulimit -v) leaves where that is less. UINT64_MAX where the system does not say. */
uint64_t insp_memory_available(void);

/* Upper estimate of what training with mini-batches of `batch` takes: parameters, gradients, Adam's moments and
 * packed copies of the tail, and the activations of forward and backward. The feature cache is not in it: its
 * pages belong to a file and can be dropped. */
uint64_t insp_memory_training_estimate(unsigned batch);

/* INSP_E_NOMEM with both figures where `bytes` are not available. */
int insp_memory_check(uint64_t bytes, uint64_t available, const char *what, struct insp_error *reterr);

#endif
