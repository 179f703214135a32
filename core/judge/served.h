/* core/judge/served.h - count the verdicts that the daemon would give to labelled images, for versions with a
 * good-only model: by it alone, or by a trained tail with it beside. Pure; any thread. */
#ifndef INSP_JUDGE_SERVED_H
#define INSP_JUDGE_SERVED_H

#include "core/dataset/members.h"
#include "core/judge/metrics.h"
#include "core/model/verdict.h"

/* Holds the daemon's answer to one image. */
struct insp_served {
    enum insp_verdict verdict;
    uint32_t suspect;                 /* reasons (core/inspect/suspect.h) */
    float good_score, good_threshold; /* of the good-only model; threshold above 0 */
};

/* All pointers are borrowed. */
struct insp_served_set {
    const struct insp_members *set;
    const size_t *member; /* [count], indices of set */
    size_t count;
    const struct insp_served *served; /* [count] */
    bool good_decides;                /* there is no tail */
    const float *probability;         /* [count], of the tail; unused without one */
    double threshold;                 /* of the tail's probability */
};

/* Builds, as a new reference:
 *   {"decided_by": "supervised" or "good_only",
 *    "good_parts": {"good": images with this verdict, "review", "anomaly"}, "anomalies": {the same},
 *    "passed": rate of good parts with the verdict good, "stopped": rate of anomalies with another verdict,
 *    "by_type": {stratum: one of these rates},
 *    "reasons": {reason: {"good_parts": images with it, "anomalies"}}, without reasons that do not occur,
 *    "scores": {"supervised": the metrics of the tail alone (insp_metrics_json) or null, "good_only": the same of
 *               the good-only model}}
 * Fails with INSP_E_MODEL (a score that is not a number), INSP_E_NOMEM. */
int insp_served_json(const struct insp_served_set *served, json_t **ret, struct insp_error *reterr);

#endif
