/* core/judge/candidates.h - choose how a version decides: by its tail, by the tail with averaged weights, by a
 * logistic regression on the trunk's pools, or by tail and regression together. Pure functions; any thread. */
#ifndef INSP_JUDGE_CANDIDATES_H
#define INSP_JUDGE_CANDIDATES_H

#include "core/judge/threshold.h"
#include "core/model/logistic/logistic.h"

/* In the order of preference: of equal ones the first is taken. */
enum insp_candidate {
    INSP_CANDIDATE_TAIL,          /* with its weights after the last step */
    INSP_CANDIDATE_TAIL_AVERAGED, /* with the mean of its weights after the last epochs */
    INSP_CANDIDATE_BOTH,          /* mean of the logits of tail and logistic regression */
    INSP_CANDIDATE_BOTH_AVERAGED, /* the same with averaged weights */
    INSP_CANDIDATE_LOGISTIC,      /* the logistic regression; the tail gives the map */
    INSP_CANDIDATES,
};
/* "tail" | "tail_averaged" | "tail_and_logistic" | "tail_averaged_and_logistic" | "logistic" */
const char *insp_candidate_name(enum insp_candidate candidate);
/* Says whether a candidate has this name and uses a logistic regression so; name may be NULL. */
bool insp_candidate_named(const char *name, enum insp_logistic_use use);
bool insp_candidate_averages(enum insp_candidate candidate); /* uses the averaged weights */
enum insp_logistic_use insp_candidate_use(enum insp_candidate candidate);

/* Holds scores of the same images by all candidates. */
struct insp_candidate_scores {
    float *probability[INSP_CANDIDATES]; /* [count] each; NULL: there is no such candidate */
};

struct insp_candidates {
    bool known[INSP_CANDIDATES];
    double auc[INSP_CANDIDATES]; /* area under the ROC curve */
    struct insp_threshold_promise promise[INSP_CANDIDATES];
    enum insp_candidate taken;
    /* The area of the same choice made by the scores of the other folds and judged by the images of a fold, mean
     * of all folds; NaN: not known. The area of the one that is taken flatters, because it was chosen by the same
     * images. The scores that choose come from models that were trained on the images that judge, so this one may
     * flatter, too. */
    double nested_auc;
    size_t folds; /* 2: halves; 0: the images have none */
};

/* Compares candidates and takes the one with the largest area under the ROC curve, but another one than the tail
 * only if its area is larger by INSP_CANDIDATE_MARGIN or more.
 *   scores  by models that have not seen the image; the tail's at least
 *   label   [count], 0 good, 1 anomaly
 *   fold    [count], each below folds, for nested_auc; folds 0: it stays NaN, and fold may be NULL
 * Fails as insp_threshold_promise_of does. */
#define INSP_CANDIDATE_MARGIN 0.005
int insp_candidates_compare(const struct insp_candidate_scores *scores, const uint8_t *label, const size_t *fold,
                            size_t folds, size_t count, double max_missed, double max_rejected,
                            struct insp_candidates *ret, struct insp_error *reterr);

/* Takes a candidate as insp_candidates_compare does, but by the images of all folds except `omitted`, so that
 * those of this fold judge the choice too. If the others are of one class, takes the tail. Fails with
 * INSP_E_NOMEM. */
int insp_candidates_without(const struct insp_candidate_scores *scores, const uint8_t *label, const size_t *fold,
                            size_t count, size_t omitted, enum insp_candidate *ret, struct insp_error *reterr);

/* Returns {"from", "taken": name, "reason": a sentence, "nested_auc": number or null, "list": [{"name", "auc",
 * "promise": insp_threshold_promise_json}]} as a new reference; NULL without memory. from: "folds" or "held_out",
 * the images that were compared. */
json_t *insp_candidates_json(const struct insp_candidates *candidates, const char *from);

#endif
