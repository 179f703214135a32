/* core/compute/train_cpu.h - train a tail on the CPU with the packed kernels: three convolutions and the head
 * forward, backward by Winograd too (train_kernel.h), weighted cross-entropy, Adam in one pass over the
 * parameters. Implements the insp_trainer of device.h for packed.c. Takes about 190 MiB, plus 45 MiB for a
 * batch of 10.
 *
 * Equal weights, batches and order give equal parameters, bit for bit, for every number of threads; between
 * kernels (avx512, avx2, neon, generic) they differ by rounding. One thread at a time per trainer; all functions
 * block. */
#ifndef INSP_COMPUTE_TRAIN_CPU_H
#define INSP_COMPUTE_TRAIN_CPU_H

#include "core/base/error.h"
#include "core/compute/device.h"

#ifdef __cplusplus
extern "C" {
#endif

struct insp_cpu_trainer;

/* Makes a trainer of a copy of `initial`. threads 0: all processors. *ret is the caller's. Fails with
 * INSP_E_NOMEM. */
int insp_cpu_trainer_new(const struct insp_tail_weights *initial, const struct insp_trainer_config *config,
                         unsigned threads, struct insp_cpu_trainer **ret, struct insp_error *reterr);
void insp_cpu_trainer_free(struct insp_cpu_trainer *trainer); /* accepts NULL */

/* Trains on one mini-batch: forward, backward, update.
 *   features     float32 NCHW [n,512,14,14], n >= 1; borrowed
 *   labels       [n], 0 or 1; borrowed
 *   ret_loss     weighted mean before the update
 *   ret_correct  number of the n images that were classified right before the update
 * Fails with
 *   INSP_E_USAGE  n of 0, a bad label, or class weights that sum to 0; the parameters are unchanged
 *   INSP_E_MODEL  the loss is not finite; the parameters are unchanged
 *   INSP_E_NOMEM  some parameters may be updated: do not use the trainer any further */
int insp_cpu_trainer_step(struct insp_cpu_trainer *trainer, const float *features, const uint8_t *labels, size_t n,
                          float *ret_loss, size_t *ret_correct, struct insp_error *reterr);

/* Copies the present parameters into the caller's arrays. */
void insp_cpu_trainer_export(const struct insp_cpu_trainer *trainer, const struct insp_tail_buffers *buffers);

#ifdef __cplusplus
}
#endif
#endif
