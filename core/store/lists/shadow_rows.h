/* core/store/lists/shadow_rows.h - count how a shadow, a version that runs beside the active one, agrees with it,
 * and keep the inspections about which they disagree. One row of counts for the last run of each product's shadow;
 * the newest INSP_SHADOW_KEPT disagreements of it. All functions block on SQLite; any thread. */
#ifndef INSP_STORE_LISTS_SHADOW_ROWS_H
#define INSP_STORE_LISTS_SHADOW_ROWS_H

#include "core/store/store.h"

enum { INSP_SHADOW_KEPT = 500 };

/* Names one run: a version that became the shadow of a product at a time. Borrowed texts. */
struct insp_shadow_run {
    const char *product, *version;
    int64_t since_us; /* wall */
    bool over;        /* another one may have begun; for insp_store_shadow_add */
};

/* The numbers are stored; append only. */
enum insp_shadow_outcome {
    INSP_SHADOW_OPEN,   /* the rule has not decided, or there is none */
    INSP_SHADOW_STAYS,  /* it decided that the shadow does not become active */
    INSP_SHADOW_FAILED, /* it decided that it does, but the version could not be made active */
};

struct insp_shadow_counts {
    enum insp_shadow_outcome outcome; /* of the rule */
    uint64_t parts;                   /* with both answers */
    uint64_t agree;                   /* with equal verdicts */
    uint64_t missed;                  /* not good by the active version, good by the shadow */
    uint64_t rejected;                /* good by the active version, not good by the shadow */
    uint64_t skipped;                 /* without an answer of the shadow: the line had no time for it */
    uint64_t failed;                  /* without one: the shadow failed */
    uint64_t lost;                    /* with or without one: it could not be stored */
};

/* The verdicts of one inspection, whose row is stored. */
struct insp_shadow_part {
    const char *id; /* UUIDv7 */
    enum insp_verdict active, shadow;
    float probability;    /* of the shadow */
    bool skipped, failed; /* the shadow gave none: the line had no time, or it failed */
};

/* Adds parts to the counts of a run, and a number of lost ones, in one transaction. The first of a run removes the
 * other runs of the product, unless it is over. *ret are the counts afterwards. Fails with the codes of
 * insp_store_write. */
int insp_store_shadow_add(struct insp_store *store, const struct insp_shadow_run *run,
                          const struct insp_shadow_part *part, size_t count, uint64_t lost,
                          struct insp_shadow_counts *ret, struct insp_error *reterr);

/* Reads the counts of a run; all 0 if nothing was counted. */
int insp_store_shadow_counts(struct insp_store *store, const struct insp_shadow_run *run,
                             struct insp_shadow_counts *ret, struct insp_error *reterr);

/* Keeps how the rule of a run, which has counts, was decided. Fails with the codes of insp_store_write. */
int insp_store_shadow_decided(struct insp_store *store, const struct insp_shadow_run *run,
                              enum insp_shadow_outcome outcome, struct insp_error *reterr);

/* Receives a disagreement, valid until it returns; returns non-zero to stop. */
typedef int insp_shadow_callback(void *arg, const struct insp_shadow_part *part);

/* Lists at most `limit` disagreements of a run, the newest first. It leaves out inspections that retention
 * has removed. */
int insp_store_shadow_list(struct insp_store *store, const struct insp_shadow_run *run, size_t limit,
                           insp_shadow_callback *callback, void *arg, struct insp_error *reterr);

#endif
