/* core/model/verdict.h - what an inspection says about a part. Pure; any thread. */
#ifndef INSP_MODEL_VERDICT_H
#define INSP_MODEL_VERDICT_H

struct insp_manifest;

/* The numbers are the store's and the order of lists of names; append only. */
enum insp_verdict {
    INSP_VERDICT_GOOD,
    INSP_VERDICT_ANOMALY,
    INSP_VERDICT_REVIEW, /* too close to call: a person should look */
};
enum { INSP_VERDICTS = 3 };

const char *insp_verdict_name(enum insp_verdict verdict); /* "good" | "anomaly" | "review" */

/* probability 0..1. Inside the manifest's review band [low, high): review; else anomaly from the threshold on.
 * (The band holds the threshold, so that rising probabilities answer good, review, anomaly in this order.) */
enum insp_verdict insp_verdict_of(const struct insp_manifest *manifest, float probability);

#endif
