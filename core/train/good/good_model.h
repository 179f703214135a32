/* core/train/good/good_model.h - fit a good-only model to the good images of a dataset: run the trunk for their
 * taps, keep the samples in the feature cache's folder, calibrate out of fold. One thread, the job's; blocks on
 * the disk. */
#ifndef INSP_TRAIN_GOOD_GOOD_MODEL_H
#define INSP_TRAIN_GOOD_GOOD_MODEL_H

#include "core/dataset/dataset.h"
#include "core/model/good/good_memory.h"
#include "core/model/good_only.h"
#include "core/train/train.h"

struct insp_good_model_config {
    const struct insp_train_context *context;
    const struct insp_dataset *dataset; /* hashed (insp_dataset_hash); images without a hash are left out */
    struct insp_transform input;
    struct insp_tiles tiles; /* one model for all tiles, which are samples of it; the fields have their cells */
    double alpha;            /* above 0, below 1: the share of good parts that the threshold may reject */
    uint64_t seed;           /* of channels and folds: equal seeds give equal models */
    bool skip_unreadable;    /* leave out images that do not decode, instead of failing */
};

struct insp_good_model {
    struct insp_good_gauss *gauss;  /* owned */
    struct insp_good_memory memory; /* owned: sums, and the scores of its images out of fold */
    struct insp_tiles tiles;
    float *map;                       /* [good.images,tiles,28,28], distances out of fold, in that order; owned */
    struct insp_good_only good;       /* for the manifest, without sha256 */
    struct insp_good_promise promise; /* says how many more images would keep the alpha that was requested */
    size_t copies;                    /* good images left out, because they equal another one byte by byte */
    size_t trunk_runs;                /* images whose samples were not in the cache */
    double samples_s, fitting_s;      /* seconds */
};
void insp_good_model_clear(struct insp_good_model *model); /* accepts a zeroed one */

/* Describes a model in a report: {"images", "copies", "max_rejected": the share that was requested, "alpha": the
 * one that is promised, "more_needed", "threshold", "median", "unlike", "trunk_runs", "seconds"}. New reference;
 * NULL without memory. */
json_t *insp_good_model_json(const struct insp_good_model *model, double max_rejected);

/* Fits. progress may be NULL; it receives the stages "features" and "fitting", and is asked for cancellation
 * before each image. Fails with the errors of insp_image_loader_next, insp_feature_store_reserve,
 * insp_trunk_taps and insp_good_calibrate, and with
 *   INSP_E_DATASET    fewer than INSP_GOOD_IMAGES_MIN different good images (the detail says how many are
 *                     missing), or images that show the same picture
 *   INSP_E_PARAMETER  an input other than 224x224, or a bad alpha
 *   INSP_E_CANCELLED  samples computed by then stay in the cache */
int insp_good_model_fit(const struct insp_good_model_config *config, const struct insp_progress *progress,
                        struct insp_good_model *ret, struct insp_error *reterr);

/* Fits one beside a tail, to all good images: it judges each out of fold, so none must be held out. With too few
 * of them the log says so, and *ret stays empty. Fails as above but for INSP_E_DATASET. */
int insp_good_model_beside(const struct insp_train_context *context, const struct insp_train_params *params,
                           const struct insp_dataset *dataset, const struct insp_progress *progress,
                           struct insp_good_model *ret, struct insp_error *reterr);

#endif
