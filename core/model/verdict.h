/* core/model/verdict.h - derive the verdict of an inspection. Pure; any thread. */
#ifndef INSP_MODEL_VERDICT_H
#define INSP_MODEL_VERDICT_H

struct insp_manifest;

/* The numbers are stored in the database and give the order of lists of names; append only. */
enum insp_verdict {
    INSP_VERDICT_GOOD,
    INSP_VERDICT_ANOMALY,
    INSP_VERDICT_REVIEW, /* inside the review band: a person should decide */
};
enum { INSP_VERDICTS = 3 };

const char *insp_verdict_name(enum insp_verdict verdict); /* "good" | "anomaly" | "review" */

/* Returns the verdict of a probability, 0..1: review inside the manifest's review band [low, high), else
 * anomaly from the threshold on, else good. (The band holds the threshold, so rising probabilities give good,
 * review, anomaly in this order.) */
enum insp_verdict insp_verdict_of(const struct insp_manifest *manifest, float probability);

#endif
