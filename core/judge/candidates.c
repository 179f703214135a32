#include "core/judge/candidates.h"

#include "core/base/cleanup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

bool insp_candidate_named(const char *name, enum insp_logistic_use use) {
    for (enum insp_candidate c = 0; c < INSP_CANDIDATES; c++)
        if (name && !strcmp(about[c].name, name))
            return about[c].use == use;
    return false;
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

/* Computes the areas over the images of one fold, or over all others, with scratch memory for count images; NaN if
 * they are of one class. */
static int areas_of(const struct insp_candidate_scores *scores, const uint8_t *label, const size_t *fold,
                    size_t count, size_t which, bool others, double ret[INSP_CANDIDATES],
                    struct insp_error *reterr) {
    _cleanup_free_ float *probability = calloc(count + 1, sizeof *probability);
    _cleanup_free_ uint8_t *of = calloc(count + 1, sizeof *of);
    int r = probability && of ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory to compare %zu images", count);
    for (enum insp_candidate c = 0; c < INSP_CANDIDATES && r == 0; c++) {
        size_t n = 0;
        for (size_t i = 0; scores->probability[c] && i < count; i++)
            if ((fold[i] == which) != others) {
                probability[n] = scores->probability[c][i];
                of[n++] = label[i];
            }
        r = insp_metrics_auc(probability, of, n, &ret[c], reterr);
    }
    return r;
}

static void note_known(const struct insp_candidate_scores *scores, bool known[INSP_CANDIDATES]) {
    for (enum insp_candidate c = 0; c < INSP_CANDIDATES; c++)
        known[c] = scores->probability[c] != NULL;
}

int insp_candidates_without(const struct insp_candidate_scores *scores, const uint8_t *label, const size_t *fold,
                            size_t count, size_t omitted, enum insp_candidate *ret, struct insp_error *reterr) {
    double auc[INSP_CANDIDATES];
    bool known[INSP_CANDIDATES];
    int r = areas_of(scores, label, fold, count, omitted, true, auc, reterr);
    note_known(scores, known);
    if (r == 0)
        *ret = best(known, auc);
    return r;
}

/* Computes the mean area of the choice without a fold, judged by that fold. A fold of one class judges nothing,
 * nor does one without which the other images are of one class. */
static int nest(const struct insp_candidate_scores *scores, const uint8_t *label, const size_t *fold, size_t folds,
                size_t count, struct insp_candidates *candidates, struct insp_error *reterr) {
    double chosen[INSP_CANDIDATES], judged[INSP_CANDIDATES], sum = 0;
    size_t counted = 0;
    for (size_t f = 0; f < folds; f++) {
        int r = areas_of(scores, label, fold, count, f, true, chosen, reterr);
        if (r == 0)
            r = areas_of(scores, label, fold, count, f, false, judged, reterr);
        if (r < 0)
            return r;
        double area = judged[best(candidates->known, chosen)];
        if (isnan(area) || isnan(chosen[INSP_CANDIDATE_TAIL]))
            continue;
        sum += area;
        counted++;
    }
    candidates->nested_auc = counted ? sum / (double)counted : (double)NAN;
    return 0;
}

int insp_candidates_compare(const struct insp_candidate_scores *scores, const uint8_t *label, const size_t *fold,
                            size_t folds, size_t count, double max_missed, double max_rejected,
                            struct insp_candidates *ret, struct insp_error *reterr) {
    struct insp_candidates candidates = {.nested_auc = NAN, .folds = folds};
    note_known(scores, candidates.known);
    for (enum insp_candidate c = 0; c < INSP_CANDIDATES; c++) {
        const float *probability = scores->probability[c];
        int r = probability ? insp_threshold_promise_of(probability, label, count, max_missed, max_rejected,
                                                        &candidates.promise[c], reterr)
                            : 0;
        if (r == 0 && probability)
            r = insp_metrics_auc(probability, label, count, &candidates.auc[c], reterr);
        if (r < 0)
            return r;
    }
    candidates.taken = best(candidates.known, candidates.auc);
    int r = nest(scores, label, fold, folds, count, &candidates, reterr);
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
        snprintf(nested, sizeof nested, ": chosen by %s, the area is %.3f",
                 candidates->folds > 2 ? "all folds but one and judged by that one"
                                       : "one half and judged by the other",
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
