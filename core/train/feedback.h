/* core/train/feedback.h - labelled inspections held against a new model: which of the mistakes that people found
 * does it get right? */
#ifndef INSP_TRAIN_FEEDBACK_H
#define INSP_TRAIN_FEEDBACK_H

#include "core/base/uuid.h"
#include "core/model/verdict.h"
#include "core/train/train_data.h"

struct insp_feedback_item {
    char id[INSP_UUID_BYTES]; /* the inspection's */
    char sha256[INSP_SHA256_HEX_BYTES];
    char *path;                  /* owned; the posted bytes */
    struct insp_media_type type; /* of them */
    uint8_t label;               /* the person's word: INSP_CLASS_GOOD or INSP_CLASS_ANOMALY */
    char defect[INSP_NAME_BYTES], model[INSP_NAME_BYTES]; /* "" where none was named; which version had answered */
    enum insp_verdict verdict;                            /* its answer */
    float probability;
    int64_t labelled_us;
};

struct insp_feedback {
    size_t count;
    struct insp_feedback_item *item; /* owned */
    size_t left_out;                 /* labelled images beyond what one report looks at */
};
void insp_feedback_clear(struct insp_feedback *feedback);

/* True where the answer contradicts the word; the verdict review contradicts none. */
bool insp_feedback_wrong(enum insp_verdict verdict, uint8_t label);

/* Scores members of a view: ret_probability [count]. */
typedef int insp_feedback_scorer(void *arg, const struct insp_train_data *view, const size_t *member, size_t count,
                                 const struct insp_progress *progress, float *ret_probability,
                                 struct insp_error *reterr);

struct insp_feedback_config {
    const struct insp_train_context *context; /* its feedback is not NULL */
    struct insp_train_data *data; /* whose cache is used: its own features cannot be asked for any more */
    insp_feedback_scorer *scorer;
    void *arg;
    float threshold;       /* the model's: an anomaly from here on */
    bool trained_known;    /* false: nobody knows what the model was trained on */
    const size_t *trained; /* [trained_count] members of data */
    size_t trained_count;
};

/* Runs the trunk on what the cache does not hold yet; images that are gone or unreadable by now are passed over.
 * The report, a new reference:
 *   {"labelled" (scored now), "left_out", "unreadable", "missed_before", "false_alarms_before", "now_right",
 *    "still_wrong", "newly_wrong", "trunk_runs",
 *    "unseen": {"labelled" to "newly_wrong"} of the images that the model was not trained on; null: not known,
 *    "items": [{"id", "label", "defect"|null, "model", "verdict_before", "probability_before", "verdict_now",
 *               "probability_now", "in_training"|null}]}
 * items: those that are wrong now or were before, wrong ones first; INSP_FEEDBACK_ITEMS at most. An image counts
 * as trained on by its bytes, or by the name that from-labels gave it.
 * Fails as insp_feature_cache_fill and the scorer do. */
enum { INSP_FEEDBACK_ITEMS = 100 };
int insp_feedback_report(const struct insp_feedback_config *config, const struct insp_progress *progress,
                         json_t **ret, struct insp_error *reterr);

/* The same for the jobs: null where the context has no feedback, and, with a line in the log, where it could not
 * be made: a model is not lost for that. INSP_E_CANCELLED and INSP_E_NOMEM only. */
int insp_feedback_report_or_null(const struct insp_feedback_config *config, const struct insp_progress *progress,
                                 json_t **ret, struct insp_error *reterr);

#endif
