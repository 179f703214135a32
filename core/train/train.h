/* core/train/train.h - the three long jobs: train, cross-validate, evaluate (DESIGN section 2). Each blocks for
 * minutes; command line or the one training job. The defaults are the notebook's. */
#ifndef INSP_TRAIN_TRAIN_H
#define INSP_TRAIN_TRAIN_H

#include "core/base/progress.h"
#include "core/compute/device.h"
#include "core/dataset/dataset.h"
#include "core/train/features/feature_cache.h"
#include "core/train/train_params.h"

struct insp_feedback;

struct insp_train_context {
    const char *state_dir;
    const char *product;
    const char *dataset_root;
    struct insp_device *device; /* borrowed */
    struct insp_trunk *trunk;   /* borrowed; on that device */
    const char *trunk_sha256;
    const char *cache_folder; /* NULL: nothing kept */
    uint64_t cache_bytes_max;
    bool cache_half;
    struct insp_image_limits limits;
    const struct insp_feedback *feedback; /* labelled inspections (feedback.h), borrowed; NULL: none */
    struct insp_progress progress;
    const char *job_id; /* for the new model's lineage; NULL on the command line */
    /* Makes a new version, which has passed its self-test here, the active one. INSP_E_SELF_TEST and
     * INSP_E_CONFLICT: it is not, and the report says why. NULL: a bare insp_registry_set_active. */
    int (*activate)(void *arg, const char *product, const char *version, struct insp_error *reterr);
    void *activate_arg;
};

/* The report of any of the three: a JSON document (new reference, the caller's), below a megabyte for file names
 * of usual length. All have "kind", "product", "dataset": {"digest","images","counts","skipped","ignored",
 * "scan"},
 * "trunk_runs", "seconds" by stage, and the judgement (judgement.h) of the images that they are about.
 *
 * Training, about the held-out images: "version", "activated", "reason", "params", "epochs":
 * [{"epoch","loss","accuracy","seconds"}], "held_out", "metrics", "previous": {"version","metrics"} or null,
 * "threshold_advice" (insp_threshold_json), "feedback" (feedback.h) or null.
 *
 * Cross-validation, about all images, each by the fold that had not seen it: "params", "thin", "folds":
 * [{"fold","held_out","epochs","metrics"}], "mean", "std", "pooled", "threshold_advice", "trunk" (its hash).
 *
 * Evaluation, about all images: "version", "metrics", "feedback" or null. Metrics are as of insp_metrics_json.
 *
 * All three fail with INSP_E_DATASET, INSP_E_IMAGE, INSP_E_CANCELLED, INSP_E_NOSPACE, INSP_E_NOMEM, INSP_E_DEVICE;
 * nothing half-written stays. */
int insp_train(const struct insp_train_context *context, const struct insp_train_params *params,
               json_t **ret_report, struct insp_error *reterr);
int insp_cross_validate(const struct insp_train_context *context, const struct insp_train_params *params,
                        json_t **ret_report, struct insp_error *reterr);
/* version NULL: the active one; INSP_E_CONFLICT where there is none, INSP_E_NOT_FOUND, INSP_E_MODEL. Of params
 * only skip_unreadable counts: input and threshold are the model's. */
int insp_evaluate(const struct insp_train_context *context, const struct insp_train_params *params,
                  const char *version, json_t **ret_report, struct insp_error *reterr);

#endif
