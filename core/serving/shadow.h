/* core/serving/shadow.h - keep which version of a product runs as its shadow, beside the active one, and the rule
 * by which it may become active: <state>/models/<product>/shadow.json
 *
 *   {"version": "...", "since": RFC 3339, "by": token, "cli" or "local",
 *    "rule": {"parts": 1..1e9, "max_disagreements": 0..1e9, "max_missed": 0..1e9} or null}
 *
 * The file is replaced atomically under the lock of model_change.h. Reading: any thread; all functions but the
 * pure ones block on the disk. */
#ifndef INSP_SERVING_SHADOW_H
#define INSP_SERVING_SHADOW_H

#include "core/model/manifest.h"
#include "core/store/lists/shadow_rows.h"

/* Promotes the shadow once, at its parts-th compared part, if it keeps both limits; otherwise it stays the shadow
 * and the rule is over. */
struct insp_shadow_rule {
    bool on;
    uint64_t parts, max_disagreements, max_missed;
};

struct insp_shadow_choice {
    char version[INSP_NAME_BYTES]; /* "": the product has no shadow */
    int64_t since_us;              /* wall, whole milliseconds */
    char by[INSP_NAME_BYTES];
    struct insp_shadow_rule rule;
};

/* Parses a rule as in the file; null gives none. Fails with `code`, whose detail names the field. Pure. */
int insp_shadow_rule_parse(const json_t *object, int code, struct insp_shadow_rule *ret,
                           struct insp_error *reterr);
/* Returns the rule, or null for none; a new reference, NULL without memory. Pure. */
json_t *insp_shadow_rule_json(const struct insp_shadow_rule *rule);

enum insp_shadow_decision { INSP_SHADOW_WAIT, INSP_SHADOW_PROMOTE, INSP_SHADOW_STAY };
/* Decides by the counts of a run. A rule decides once, as soon as there are enough parts: its outcome is kept. A
 * part for which the shadow failed, or whose answer was lost, counts as one that it would have missed. Pure. */
enum insp_shadow_decision insp_shadow_decide(const struct insp_shadow_rule *rule,
                                             const struct insp_shadow_counts *counts);

/* Reads the shadow of a product; a missing file gives none. Fails with INSP_E_MODEL for a damaged file, and the
 * codes of insp_fail_errno. */
int insp_shadow_read(const char *state_dir, const char *product, struct insp_shadow_choice *ret,
                     struct insp_error *reterr);

/* Writes the shadow of a product; one without a version removes the file. The caller holds the lock of
 * model_change.h. Fails with INSP_E_NOMEM and the codes of insp_fail_errno. */
int insp_shadow_write(const char *state_dir, const char *product, const struct insp_shadow_choice *choice,
                      struct insp_error *reterr);

/* Returns the run that the store counts under; borrows from its arguments. */
static inline struct insp_shadow_run insp_shadow_run_of(const char *product,
                                                        const struct insp_shadow_choice *choice) {
    return (struct insp_shadow_run){.product = product, .version = choice->version, .since_us = choice->since_us};
}

#endif
