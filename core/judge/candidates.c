#include "core/judge/candidates.h"

#include "core/base/cleanup.h"

#include <math.h>
#include <stdlib.h>

static const struct {
    const char *name, *words;
    bool averages;
    enum insp_logistic_use use;
} about[INSP_CANDIDATES] = {
    [INSP_CANDIDATE_TAIL] = {"tail", "the tail", false, INSP_LOGISTIC_NONE},
    [INSP_CANDIDATE_TAIL_AVERAGED] = {"tail_averaged", "the tail with averaged weights", true, INSP_LOGISTIC_NONE},
    [INSP_CANDIDATE_BOTH] = {"tail_and_logistic", "the mean of tail and logistic regression", false,
                             INSP_LOGISTIC_AVERAGED},
    [INSP_CANDIDATE_BOTH_AVERAGED] = {"tail_averaged_and_logistic",
                                      "the mean of the tail with averaged weights and the logistic regression",
                                      true, INSP_LOGISTIC_AVERAGED},
    [INSP_CANDIDATE_LOGISTIC] = {"logistic", "the logistic regression", false, INSP_LOGISTIC_ALONE},
};

const char *insp_candidate_name(enum insp_candidate candidate) {
    return about[candidate].name;
}

bool insp_candidate_averages(enum insp_candidate candidate) {
    return about[candidate].averages;
}

enum insp_logistic_use insp_candidate_use(enum insp_candidate candidate) {
    return about[candidate].use;
}

static enum insp_candidate best(const bool *known, const double *auc) {
    enum insp_candidate taken = INSP_CANDIDATE_TAIL;
    for (enum insp_candidate c = INSP_CANDIDATE_TAIL + 1; c < INSP_CANDIDATES; c++)
        if (known[c] && auc[c] > auc[taken] && auc[c] >= auc[INSP_CANDIDATE_TAIL] + INSP_CANDIDATE_MARGIN)
            taken = c;
    return taken;
}

/* Computes the areas within one half, with scratch memory for count images; NaN for a half of one class. */
static int areas_of_half(const struct insp_candidate_scores *scores, const uint8_t *label, const size_t *half,
                         size_t count, size_t which, double ret[INSP_CANDIDATES], struct insp_error *reterr) {
    _cleanup_free_ float *probability = calloc(count + 1, sizeof *probability);
    _cleanup_free_ uint8_t *of = calloc(count + 1, sizeof *of);
    int r = probability && of ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory to compare %zu images", count);
    for (enum insp_candidate c = 0; c < INSP_CANDIDATES && r == 0; c++) {
        size_t n = 0;
        for (size_t i = 0; scores->probability[c] && i < count; i++)
            if (half[i] == which) {
                probability[n] = scores->probability[c][i];
                of[n++] = label[i];
            }
        r = insp_metrics_auc(probability, of, n, &ret[c], reterr);
    }
    return r;
}

static int nest(const struct insp_candidate_scores *scores, const uint8_t *label, const size_t *half, size_t count,
                struct insp_candidates *candidates, struct insp_error *reterr) {
    double auc[2][INSP_CANDIDATES];
    for (size_t which = 0; which < 2; which++) {
        int r = areas_of_half(scores, label, half, count, which, auc[which], reterr);
        if (r < 0)
            return r;
    }
    candidates->nested_auc =
        (auc[1][best(candidates->known, auc[0])] + auc[0][best(candidates->known, auc[1])]) / 2;
    return 0;
}

int insp_candidates_compare(const struct insp_candidate_scores *scores, const uint8_t *label, const size_t *half,
                            size_t count, double max_missed, double max_rejected, struct insp_candidates *ret,
                            struct insp_error *reterr) {
    struct insp_candidates candidates = {.nested_auc = NAN};
    for (enum insp_candidate c = 0; c < INSP_CANDIDATES; c++) {
        const float *probability = scores->probability[c];
        candidates.known[c] = probability != NULL;
        int r = probability ? insp_threshold_promise_of(probability, label, count, max_missed, max_rejected,
                                                        &candidates.promise[c], reterr)
                            : 0;
        if (r == 0 && probability)
            r = insp_metrics_auc(probability, label, count, &candidates.auc[c], reterr);
        if (r < 0)
            return r;
    }
    candidates.taken = best(candidates.known, candidates.auc);
    int r = half ? nest(scores, label, half, count, &candidates, reterr) : 0;
    if (r == 0)
        *ret = candidates;
    return r;
}

static json_t *reason_json(const struct insp_candidates *candidates, const char *from) {
    const char *images = from[0] == 'f' ? "out of fold" : "on the held-out images";
    size_t known = 0;
    char nested[128] = "";
    enum insp_candidate second = INSP_CANDIDATES;
    for (enum insp_candidate c = 0; c < INSP_CANDIDATES; c++) {
        known += candidates->known[c];
        if (c != candidates->taken && candidates->known[c] &&
            (second == INSP_CANDIDATES || candidates->auc[c] > candidates->auc[second]))
            second = c;
    }
    if (second == INSP_CANDIDATES)
        return json_string("there was no other candidate than the tail");
    const enum insp_candidate other = candidates->taken == INSP_CANDIDATE_TAIL ? second : INSP_CANDIDATE_TAIL;
    if (isfinite(candidates->nested_auc))
        snprintf(nested, sizeof nested, ": chosen by one half and judged by the other, the area is %.3f",
                 candidates->nested_auc);
    return json_sprintf(
        "%s was taken: its area under the ROC curve is %.3f %s, that of %s %.3f%s. A choice among %zu "
        "candidates by the same images flatters the one that is taken%s",
        about[candidates->taken].words, candidates->auc[candidates->taken], images, about[other].words,
        candidates->auc[other], candidates->taken == INSP_CANDIDATE_TAIL ? ", not clearly larger" : "", known,
        nested);
}

json_t *insp_candidates_json(const struct insp_candidates *candidates, const char *from) {
    json_t *list = json_array();
    for (enum insp_candidate c = 0; c < INSP_CANDIDATES; c++)
        if (candidates->known[c] &&
            json_array_append_new(list, json_pack("{s:s, s:f, s:o}", "name", about[c].name, "auc",
                                                  candidates->auc[c], "promise",
                                                  insp_threshold_promise_json(&candidates->promise[c]))) < 0) {
            json_decref(list);
            return NULL;
        }
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "from", from, "taken", about[candidates->taken].name, "reason",
                     reason_json(candidates, from), "nested_auc",
                     isfinite(candidates->nested_auc) ? json_real(candidates->nested_auc) : json_null(), "list",
                     list);
}
