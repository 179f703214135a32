/* core/train/train.h - runs the three kinds of jobs: train, cross-validate, evaluate. Each blocks for minutes. One
 * at a time per process: the command line, or the child process of a job. */
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
    const char *dataset_root;   /* NULL: none, for INSP_MODE_ADD_GOOD only */
    struct insp_device *device; /* borrowed */
    struct insp_trunk *trunk;   /* borrowed; loaded on `device` */
    const char *trunk_sha256;
    const char *cache_folder; /* NULL: a temporary file, nothing is kept */
    uint64_t cache_bytes_max; /* 0: no limit */
    bool cache_half;
    struct insp_image_limits limits;
    struct insp_field_set *fields; /* of new versions, borrowed; NULL: the whole pictures. A version that exists
                                            is evaluated with its own */
    const struct insp_feedback *feedback; /* labelled inspections (feedback.h), borrowed; NULL: none */
    struct insp_progress progress;
    const char *job_id; /* for the new model's lineage; NULL on the command line */
    /* Activates a new version that has passed its self-test on `device`. INSP_E_SELF_TEST and INSP_E_CONFLICT do
     * not fail the training: the version stays inactive, and the report says why. NULL: insp_registry_set_active
     * is called. */
    int (*activate)(void *arg, const char *product, const char *version, struct insp_error *reterr);
    void *activate_arg;
};

/* Trains a version, or cross-validates. *ret_report is a JSON document as a new reference, smaller than a megabyte
 * for file names of usual length. Every report has "kind", "product", "dataset":
 * {"digest","images","counts","skipped", "ignored","scan"}, "trunk_runs", "seconds" by stage, and the members of
 * the judgement (judgement.h). Metrics have the form of insp_metrics_json.
 *
 * A training judges the held-out images. Its report also has "version", "activated", "reason", "params", "epochs":
 * [{"epoch","loss","accuracy","seconds"}], "held_out", "metrics", "previous": {"version","metrics"} or null,
 * "threshold_advice" (insp_threshold_json), "feedback" (feedback.h) or null, "mode": "supervised" or "good_only",
 * the model that decides, and "good_only": insp_good_model_json or null. params->mode chooses the models
 * (train_mode.h; add_good: good/good_training.h). A good-only training has no "threshold_advice", its "epochs" are
 * empty, and it holds out nothing: it judges good images out of fold, and all defects.
 *
 * With params->threshold_auto the tail's threshold is chosen, and the report has "threshold_promise"
 * (insp_report_promise) with "from": "folds", two halves of the training part, each scored by models of the other;
 * for more than 500 training images "held_out_half", half of the held-out images, the other half of which judges
 * the version (insp_choice_divide); or "held_out", all of them, if they are too few for that, or the training
 * images or epochs too few for halves (folds/out_of_fold.h). "cpu_seconds": {"training","threshold"} says
 * what the choice cost. With params->candidates the same scores choose how the version decides: "candidates"
 * (insp_candidates_json), else null. "tiles": insp_tile_samples_json of the training part, or null. With a
 * good-only model beside the tail "heat_maps" (insp_heat_maps_json) says which map is shown, else it is null.
 *
 * A cross-validation judges all images, each with the model of the fold that holds it out. Its report also has
 * "params", "thin", "folds": [{"fold","held_out","epochs","metrics"}], "mean", "std", "pooled",
 * "threshold_advice", "mode", "trunk", the trunk's hash, and "regions", the digest of the fields. params->mode
 * chooses the models as for a training, but for add_good. "tiles" as above, of all images. With params->candidates
 * each fold is judged by the candidate that the other folds take, its "candidate"; "candidates"
 * (insp_candidates_json) compares them by all images, each with its own "threshold_advice", and "threshold_advice"
 * and "threshold_promise" are those of the one that is taken by all images. Else "candidates" is null. With mode
 * auto and a good-only model beside the tails it has "served" (core/judge/served.h) and "good_only" too. With mode
 * good_only it has both, no "threshold_advice", and empty "epochs": good images are judged out of fold by limits
 * from the other folds, defects by the whole model and such limits.
 *
 * Errors; nothing half-written stays:
 *   INSP_E_DATASET    the folder is no dataset, or has too few images
 *   INSP_E_IMAGE, INSP_E_IMAGE_LIMIT  an image cannot be decoded and params->skip_unreadable is false
 *   INSP_E_PARAMETER  params are out of range
 *   INSP_E_MODEL      the loss or the features are not finite
 *   INSP_E_CANCELLED, INSP_E_CONFLICT (the cache is in use), INSP_E_NOSPACE, INSP_E_NOMEM, INSP_E_DEVICE, errno
 *   codes */
int insp_train(const struct insp_train_context *context, const struct insp_train_params *params,
               json_t **ret_report, struct insp_error *reterr);
int insp_cross_validate(const struct insp_train_context *context, const struct insp_train_params *params,
                        json_t **ret_report, struct insp_error *reterr);
/* Evaluates a stored version on all images of the dataset. The report also has "version", "metrics", and
 * "feedback" or null, "decided_by": "supervised" or "good_only", and "served" (core/judge/served.h), or null for a
 * version without a good-only model.
 *   params   only skip_unreadable is used: the input transform and the thresholds are the model's
 *   version  NULL: the active one
 * Fails with the errors above and with INSP_E_CONFLICT (no active version), INSP_E_NOT_FOUND (no such version),
 * INSP_E_MODEL (the bundle is damaged). */
int insp_evaluate(const struct insp_train_context *context, const struct insp_train_params *params,
                  const char *version, json_t **ret_report, struct insp_error *reterr);

#endif
