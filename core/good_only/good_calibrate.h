/* core/good_only/good_calibrate.h - fit a good-only model and find out how it judges good images that it has not
 * seen: threshold with its promise, scales, quantiles. */
#ifndef INSP_GOOD_ONLY_GOOD_CALIBRATE_H
#define INSP_GOOD_ONLY_GOOD_CALIBRATE_H

#include "core/good_only/good_fit.h"
#include "core/good_only/good_threshold.h"

#include <stdbool.h>

enum { INSP_GOOD_FOLDS = 5 };

/* Gives samples one at a time, so that the caller decides where they lie. */
struct insp_good_source {
    size_t count; /* different images; copies of one would make the scores out of fold too small */
    size_t parts; /* samples of an image, its tiles; 0 means 1. Sample s is part s % parts of image s / parts */
    /* Writes sample s, the same at each call. A negative code ends the calibration. */
    int (*read)(void *arg, size_t s, struct insp_good_sample *ret, struct insp_error *reterr);
    /* Returns the cells of sample s that count (insp_good_score), valid until the next call; NULL: all count. The
     * operation may be NULL. */
    const uint8_t *(*keep)(void *arg, size_t s);
    /* Says that no cell of sample s counts: it is left out. The operation may be NULL. */
    bool (*absent)(void *arg, size_t s);
    void *arg;
};

struct insp_good_calibration {
    struct insp_good_promise promise;
    struct insp_good_scale scale;
    float quantile[INSP_GOOD_QUANTILES]; /* of the scores out of fold */
    float unlike;                        /* insp_good_unlike of them */
};

/* Fits a model to all samples, and scores each image by its worst part, by a model of the other four fifths of the
 * images. A fifth's sums are taken out of the whole, so each sample is added twice. Needs 100 MB and, per sample,
 * some 10 ms and 3 KB. Any thread.
 *   channel    the channels of the samples
 *   alpha      above 0, below 1: the share of good parts that may reach the threshold
 *   seed       decides about the folds; equal seeds give equal results
 *   ret_score  [count], out of fold, in the order of the images; caller's memory
 *   ret_map    [count,parts,28,28], distances out of fold; caller's memory, or NULL
 *   ret_gauss  fitted to all samples; the caller's
 *   ret_sums   of all samples; the caller's
 * Fails as insp_good_fit, insp_good_promise_of and source->read do. */
int insp_good_calibrate(const struct insp_good_source *source, const uint16_t channel[INSP_GOOD_DIMS],
                        double alpha, uint64_t seed, float *ret_score, float *ret_map,
                        struct insp_good_gauss **ret_gauss, struct insp_good_sums **ret_sums,
                        struct insp_good_calibration *ret, struct insp_error *reterr);

#endif
