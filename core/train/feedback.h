/* core/train/feedback.h - scores labelled inspections with a model and compares the verdicts with the labels: how
 * many mistakes of earlier versions does it correct, and how many does it add? One thread, the job's. */
#ifndef INSP_TRAIN_FEEDBACK_H
#define INSP_TRAIN_FEEDBACK_H

#include "core/base/uuid.h"
#include "core/model/verdict.h"
#include "core/train/train_data.h"

struct insp_feedback_item {
    char id[INSP_UUID_BYTES]; /* of the inspection */
    char sha256[INSP_SHA256_HEX_BYTES];
    char *path;                     /* owned; file of the posted bytes */
    struct insp_media_type type;    /* format of the posted bytes */
    uint8_t label;                  /* INSP_CLASS_GOOD or INSP_CLASS_ANOMALY */
    char camera[INSP_CAMERA_BYTES]; /* "" if it was not given */
    char defect[INSP_NAME_BYTES];   /* the label's defect type; "" if none was named */
    char model[INSP_NAME_BYTES];    /* version that made the verdict */
    enum insp_verdict verdict;      /* its verdict and probability */
    float probability;
    int64_t labelled_us; /* wall */
};

struct insp_feedback {
    size_t count;
    struct insp_feedback_item *item; /* [count], owned */
    size_t left_out;                 /* labelled images beyond the limit of one report */
};
void insp_feedback_clear(struct insp_feedback *feedback); /* accepts a zeroed struct */

/* Returns true if the verdict contradicts the label. The verdict review contradicts no label. */
bool insp_feedback_wrong(enum insp_verdict verdict, uint8_t label);

/* Scores members of a view, which has items and a filled cache but no labels and strata. member, ret_probability:
 * [count]. */
typedef int insp_feedback_scorer(void *arg, const struct insp_train_data *view, const size_t *member, size_t count,
                                 const struct insp_progress *progress, float *ret_probability,
                                 struct insp_error *reterr);

struct insp_feedback_config {
    const struct insp_train_context *context; /* its feedback is not NULL */
    struct insp_train_data *data;             /* the report reuses its cache: its features are lost afterwards */
    insp_feedback_scorer *scorer;
    void *arg;
    float threshold;       /* verdict anomaly if probability >= threshold */
    bool trained_known;    /* false: the model's training images are unknown */
    const size_t *trained; /* [trained_count], members of data that the model was trained on */
    size_t trained_count;
};

/* Scores the labelled images and builds the report. Missing and unreadable images, and those
 * with fewer pixels than the tiles need, are counted as unreadable, not scored. The report is a new reference:
 *   {"labelled": images scored, "left_out", "unreadable", "missed_before", "false_alarms_before", "now_right",
 *    "still_wrong", "newly_wrong", "trunk_runs",
 *    "unseen": {"labelled", "missed_before" ... "newly_wrong"} of images that the model was not trained on, null
 *    if
 *              that is unknown,
 *    "items": [{"id", "label", "defect"|null, "model", "verdict_before", "probability_before", "verdict_now",
 *               "probability_now", "in_training"|null}]}
 * items lists at most INSP_FEEDBACK_ITEMS images with a wrong verdict now or before: newly wrong ones first, then
 * still wrong ones, then corrected ones. An image counts as trained on if its bytes, or the name that from-labels
 * gave it, match a training image. Fails with the errors of insp_feature_cache_fill and of the scorer. */
enum { INSP_FEEDBACK_ITEMS = 100 };
int insp_feedback_report(const struct insp_feedback_config *config, const struct insp_progress *progress,
                         json_t **ret, struct insp_error *reterr);

/* Builds the report for a job. *ret is NULL if the context has no feedback. Other errors than INSP_E_CANCELLED and
 * INSP_E_NOMEM are logged and leave *ret NULL, so that they do not cost the model. */
int insp_feedback_report_or_null(const struct insp_feedback_config *config, const struct insp_progress *progress,
                                 json_t **ret, struct insp_error *reterr);

#endif
