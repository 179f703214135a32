/* core/train/promotion.h - compare a trained version with the active one on the same images, and activate it if
 * the policy says so. Internal to core/train. The job's thread; blocks on the disk and the device. */
#ifndef INSP_TRAIN_PROMOTION_H
#define INSP_TRAIN_PROMOTION_H

#include "core/judge/promote.h"
#include "core/train/train.h"
#include "core/train/train_data.h"

/* A zeroed struct is empty. */
struct insp_promotion {
    char previous[INSP_NAME_BYTES]; /* the active version; "": none */
    json_t *previous_metrics;       /* owned; NULL: it was not evaluated */
    double previous_accuracy;       /* balanced, on the same images; NaN: unknown */
    bool previous_unknown;          /* it could not be evaluated, although it may be sound */
    bool activated;
    char reason[INSP_REASON_BYTES]; /* why it was activated or was not, as a sentence */
};
void insp_promotion_clear(struct insp_promotion *promotion);

/* Evaluates the active version on members of `data`. Some of them may have been in its training part, which
 * favours it; that is the safer side. A broken version loses against the new one. After other failures (disk,
 * memory) the comparison stays open, because the active version may be the better one: they are logged, and
 * previous_unknown is set. Fails with INSP_E_CANCELLED, INSP_E_NOMEM and the errors of insp_registry_active.
 *   member  [count]; count 0: only the name of the active version is read */
int insp_promotion_compare(const struct insp_train_context *context, const struct insp_train_params *params,
                           struct insp_train_data *data, const size_t *member, size_t count,
                           const struct insp_progress *progress, struct insp_promotion *ret,
                           struct insp_error *reterr);

/* Activates the written version if the policy says so after insp_promotion_compare.
 *   accuracy  balanced, of the new version on the same images; NaN: they hold no defects */
int insp_promotion_decide(const struct insp_train_context *context, enum insp_activate policy, const char *version,
                          double accuracy, struct insp_promotion *promotion, struct insp_error *reterr);

/* Adds to the reason of a comparison that the images of the comparison also chose the threshold. promise: the
 * report's part with "threshold_promise"; NULL: no threshold was chosen. */
void insp_promotion_say_source(enum insp_activate policy, const json_t *promise, struct insp_promotion *promotion);

/* Reads the bundle back from the disk, proves it on the device that trained it, and activates it by
 * context->activate, whatever the policy. A version that must not serve (INSP_E_SELF_TEST, INSP_E_CONFLICT) is no
 * failure: the old one keeps serving, and the reason is logged. Fails with the other errors of insp_model_read,
 * insp_model_new and insp_registry_set_active. */
int insp_promotion_activate(const struct insp_train_context *context, const char *version,
                            struct insp_promotion *promotion, struct insp_error *reterr);

/* Returns {"version", "metrics"|null} of the active version, or null if there was none; a new reference, NULL on a
 * lack of memory. */
json_t *insp_promotion_previous_json(const struct insp_promotion *promotion);

#endif
