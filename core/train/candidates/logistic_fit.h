/* core/train/candidates/logistic_fit.h - fit a logistic regression to the statistics of the trunk's pools.
 * Internal to core/train. Pure but for memory; any thread. */
#ifndef INSP_TRAIN_CANDIDATES_LOGISTIC_FIT_H
#define INSP_TRAIN_CANDIDATES_LOGISTIC_FIT_H

#include "core/model/logistic/logistic.h"

#include <stddef.h>
#include <stdint.h>

/* More images than this take minutes and 60 MB. */
enum { INSP_LOGISTIC_IMAGES_MAX = 5000 };

/* Minimises the mean logistic loss, in which both classes weigh the same, plus 0.5 * INSP_LOGISTIC_RIDGE * |w|^2
 * over statistics of mean 0 and deviation 1: by Newton's method, whose steps conjugate gradients solve (Nocedal &
 * Wright 2006, algorithm 7.1). Equal images in equal order give equal weights.
 *   pooled  [count,INSP_POOLED_FLOATS], finite; standardised in place
 *   label   [count], 0 good, 1 anomaly; both must occur
 * Fails with INSP_E_NOMEM, and INSP_E_MODEL if the weights are not finite. */
#define INSP_LOGISTIC_RIDGE 1.0
int insp_logistic_fit(float *pooled, const uint8_t *label, size_t count, struct insp_logistic *ret,
                      struct insp_error *reterr);

#endif
