#include "core/judge/served.h"

#include "core/base/cleanup.h"
#include "core/inspect/suspect.h"
#include "core/model/manifest.h"

#include <stdlib.h>

/* The counts of one class of images. */
struct tally {
    uint64_t images, verdict[INSP_VERDICTS], reason[INSP_SUSPECT_COUNT];
};

static uint8_t label_of(const struct insp_served_set *s, size_t i) {
    return s->set->label[s->member[i]];
}

/* Says whether the verdict is right; a review stops a part as an anomaly does. */
static bool right(const struct insp_served_set *s, size_t i) {
    return (s->served[i].verdict != INSP_VERDICT_GOOD) == (label_of(s, i) == INSP_CLASS_ANOMALY);
}

static void count(const struct insp_served_set *s, struct tally tally[INSP_CLASSES]) {
    for (size_t i = 0; i < s->count; i++) {
        struct tally *t = &tally[label_of(s, i)];
        t->images++;
        t->verdict[s->served[i].verdict]++;
        for (unsigned reason = 0; reason < INSP_SUSPECT_COUNT; reason++)
            t->reason[reason] += s->served[i].suspect >> reason & 1;
    }
}

static json_t *verdicts_json(const struct tally *t) {
    return json_pack("{s:I, s:I, s:I}", "good", (json_int_t)t->verdict[INSP_VERDICT_GOOD], "review",
                     (json_int_t)t->verdict[INSP_VERDICT_REVIEW], "anomaly",
                     (json_int_t)t->verdict[INSP_VERDICT_ANOMALY]);
}

static json_t *reasons_json(const struct tally tally[INSP_CLASSES]) {
    json_t *json = json_object();
    for (unsigned i = 0; json && i < INSP_SUSPECT_COUNT; i++) {
        uint64_t good = tally[INSP_CLASS_GOOD].reason[i], anomalies = tally[INSP_CLASS_ANOMALY].reason[i];
        json_t *counts = good || anomalies ? json_pack("{s:I, s:I}", "good_parts", (json_int_t)good, "anomalies",
                                                       (json_int_t)anomalies)
                                           : NULL;
        if ((good || anomalies) && json_object_set_new(json, insp_suspect_name(i), counts) < 0) {
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

static json_t *types_json(const struct insp_served_set *s) {
    const struct insp_dataset *dataset = s->set->dataset;
    json_t *json = json_object();
    for (size_t stratum = 0; json && stratum < dataset->stratum_count; stratum++) {
        uint64_t hits = 0, of = 0;
        for (size_t i = 0; i < s->count; i++)
            if (s->set->strata[s->member[i]] == stratum) {
                of++;
                hits += right(s, i);
            }
        const struct insp_rate rate = insp_rate(hits, of);
        if (of && json_object_set_new(json, dataset->stratum[stratum], insp_rate_json(&rate)) < 0) {
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

/* Measures one of the scores by itself. */
static int metrics_json(const struct insp_served_set *s, const float *score, double threshold, json_t **ret,
                        struct insp_error *reterr) {
    struct insp_metrics metrics = {0};
    _cleanup_free_ uint8_t *label = calloc(s->count + 1, sizeof *label);
    _cleanup_free_ size_t *strata = calloc(s->count + 1, sizeof *strata);
    if (!label || !strata)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to evaluate %zu images", s->count);
    for (size_t i = 0; i < s->count; i++) {
        label[i] = label_of(s, i);
        strata[i] = s->set->strata[s->member[i]];
    }
    int r = insp_metrics_compute(score, label, strata, s->count, s->set->dataset->stratum_count, threshold,
                                 &metrics, reterr);
    if (r == 0)
        *ret = insp_metrics_json(&metrics, (const char(*)[INSP_NAME_BYTES])s->set->dataset->stratum);
    insp_metrics_clear(&metrics);
    return r;
}

static int scores_json(const struct insp_served_set *s, json_t **ret, struct insp_error *reterr) {
    _cleanup_free_ float *ratio = calloc(s->count + 1, sizeof *ratio); /* thresholds may differ between folds */
    json_t *tail = NULL, *good = NULL;
    if (!ratio)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to evaluate %zu images", s->count);
    for (size_t i = 0; i < s->count; i++)
        ratio[i] = s->served[i].good_score / s->served[i].good_threshold;
    int r = metrics_json(s, ratio, 1, &good, reterr);
    if (r == 0 && !s->good_decides)
        r = metrics_json(s, s->probability, s->threshold, &tail, reterr);
    if (r < 0) {
        json_decref(good);
        return r;
    }
    *ret = json_pack("{s:o, s:o}", "good_only", good, "supervised", s->good_decides ? json_null() : tail);
    return 0;
}

int insp_served_json(const struct insp_served_set *s, json_t **ret, struct insp_error *reterr) {
    struct tally tally[INSP_CLASSES] = {0};
    const struct tally *good = &tally[INSP_CLASS_GOOD], *anomaly = &tally[INSP_CLASS_ANOMALY];
    json_t *scores = NULL;
    count(s, tally);
    int r = scores_json(s, &scores, reterr);
    if (r < 0)
        return r;
    const struct insp_rate passed = insp_rate(good->verdict[INSP_VERDICT_GOOD], good->images);
    const struct insp_rate stopped =
        insp_rate(anomaly->images - anomaly->verdict[INSP_VERDICT_GOOD], anomaly->images);
    *ret =
        json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "decided_by",
                  s->good_decides ? "good_only" : "supervised", "good_parts", verdicts_json(good), "anomalies",
                  verdicts_json(anomaly), "passed", insp_rate_json(&passed), "stopped", insp_rate_json(&stopped),
                  "by_type", types_json(s), "reasons", reasons_json(tally), "scores", scores);
    return *ret ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for the report");
}
