/* core/good_only/good_drift.h - tell whether the good parts of a day score otherwise than those of the training.
 *
 * Each part that was judged good is counted by its place among the good parts of the training that the same
 * threshold calls good, in INSP_DRIFT_BINS equal shares of these. Without drift each share gets as many parts as
 * any other. The test looks at the highest and at the lowest tenth of the training: the number of n parts beyond a
 * quantile that was estimated from m others has a beta-binomial distribution whatever the scores are, so a small
 * training part makes the test blunt, not false.
 *
 * Pure functions; any thread. */
#ifndef INSP_GOOD_ONLY_GOOD_DRIFT_H
#define INSP_GOOD_ONLY_GOOD_DRIFT_H

#include <stddef.h>
#include <stdint.h>

enum {
    INSP_DRIFT_BINS = 20,
    INSP_DRIFT_TAIL_BINS = 2,      /* the highest and the lowest tenth */
    INSP_DRIFT_REFERENCE_MIN = 10, /* good parts of the training; fewer say nothing */
    INSP_DRIFT_PARTS_MIN = 50,     /* parts of a day; fewer are not judged */
};

/* Points at the place of a part. */
struct insp_drift_place {
    uint32_t reference; /* good parts of the training below the limit; 0: they are not known, or too few */
    uint8_t bin;        /* 0..INSP_DRIFT_BINS-1; 0 if reference is 0 */
};

/* Finds the place of a score among the good parts of the training whose score is below the limit.
 *   quantile  [n] of the training's scores, ascending, evenly spaced from the smallest to the largest; n >= 2
 *   count     number of these scores
 *   limit     a part with at least this score is not good
 *   score     of a part that is good */
struct insp_drift_place insp_drift_place_of(const float *quantile, size_t n, size_t count, float limit,
                                            float score);

enum insp_drift_state {
    INSP_DRIFT_NONE,
    INSP_DRIFT_HIGHER,  /* more parts than chance allows lie in the highest tenth of the training */
    INSP_DRIFT_LOWER,   /* ... in the lowest tenth */
    INSP_DRIFT_FEW,     /* fewer than INSP_DRIFT_PARTS_MIN parts */
    INSP_DRIFT_UNKNOWN, /* the version keeps no scores of the training's good parts, or too few */
};
enum { INSP_DRIFT_STATES = INSP_DRIFT_UNKNOWN + 1 };
/* Returns "none", "higher", "lower", "few" or "unknown". */
const char *insp_drift_state_name(enum insp_drift_state state);

struct insp_drift {
    enum insp_drift_state state;
    double high, low; /* shares of the parts in the highest and the lowest tenth, 0..1; 0 without a part */
    double expected;  /* either share without drift; 0 if unknown */
    double limit;     /* a share of at least this is drift; 0 if few or unknown */
};

/* Judges the parts of a day. A share is drift if it is at least one and a half times the expected one, and if
 * chance reaches it once in 10,000 days at most.
 *   bin        [INSP_DRIFT_BINS] parts by place
 *   parts      their sum, or more: some may have no place
 *   reference  as in struct insp_drift_place */
struct insp_drift insp_drift_of(const uint32_t bin[INSP_DRIFT_BINS], uint64_t parts, uint32_t reference);

/* Returns the probability that at least k of n parts lie beyond a quantile with r of m scores of the training
 * beyond it, by chance alone: the upper tail of a beta-binomial distribution. r: 0 < r < m + 1, need not be whole.
 */
double insp_drift_chance(uint64_t k, uint64_t n, double r, double m);

#endif
