#include "core/train/promotion.h"

#include "core/judge/report.h"
#include "core/model/registry.h"
#include "core/serving/prove.h"
#include "core/train/score_version.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void insp_promotion_clear(struct insp_promotion *promotion) {
    json_decref(promotion->previous_metrics);
    promotion->previous_metrics = NULL;
}

/* --- comparing --- */

static int measure(const struct insp_train_data *data, const size_t *member, size_t count,
                   const float *probability, float threshold, struct insp_promotion *promotion,
                   struct insp_error *reterr) {
    struct insp_metrics metrics = {0};
    int r = insp_train_data_metrics(data, member, count, probability, (double)threshold, &metrics, reterr);
    if (r == 0) {
        promotion->previous_accuracy = metrics.balanced_accuracy;
        promotion->previous_metrics = insp_report_metrics(&data->set, &metrics);
    }
    insp_metrics_clear(&metrics);
    return r;
}

int insp_promotion_compare(const struct insp_train_context *context, const struct insp_train_params *params,
                           struct insp_train_data *data, const size_t *member, size_t count,
                           const struct insp_progress *progress, struct insp_promotion *ret,
                           struct insp_error *reterr) {
    ret->previous_accuracy = NAN;
    int r = insp_registry_active(context->state_dir, context->product, ret->previous, reterr);
    if (r < 0 || !*ret->previous || !count)
        return r;
    _cleanup_free_ float *probability = calloc(count, sizeof *probability);
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    struct insp_error why;
    if (!probability)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to judge %zu images", count);
    r = insp_score_version(context, data, &params->input, ret->previous, member, count, progress, probability,
                           NULL, &manifest, &why);
    if (r == INSP_E_CANCELLED)
        return insp_fail(reterr, r, "%s", why.detail);
    if (r < 0) {
        insp_progress_log(progress, "the active version %s cannot be evaluated: %s", ret->previous, why.detail);
        ret->previous_unknown = r != INSP_E_MODEL && r != INSP_E_NOT_FOUND;
        return 0;
    }
    return measure(data, member, count, probability, manifest->threshold, ret, reterr);
}

/* --- activating --- */

static int prove(const struct insp_train_context *c, const char *version, struct insp_error *reterr) {
    struct insp_model_files files = {0};
    _cleanup_(insp_model_unrefp) struct insp_model *model = NULL;
    int r = insp_model_read(c->state_dir, c->product, version, &files, reterr);
    if (r == 0)
        r = insp_model_new(c->device, &files, &model, reterr);
    if (r == 0)
        r = insp_prove(c->trunk, insp_device_is_cuda(c->device), model, files.golden, reterr);
    insp_model_files_clear(&files);
    return r;
}

int insp_promotion_activate(const struct insp_train_context *c, const char *version,
                            struct insp_promotion *promotion, struct insp_error *reterr) {
    struct insp_error why;
    int r = prove(c, version, &why);
    if (r == 0)
        r = c->activate ? c->activate(c->activate_arg, c->product, version, &why)
                        : insp_registry_set_active(c->state_dir, c->product, version, &why);
    promotion->activated = r == 0;
    if (r == INSP_E_SELF_TEST || r == INSP_E_CONFLICT) {
        snprintf(promotion->reason, sizeof promotion->reason, "not activated: %s", why.detail);
        insp_progress_log(&c->progress, "%s", promotion->reason);
        return 0;
    }
    return r < 0 ? insp_fail(reterr, r, "%s", why.detail) : 0;
}

static bool wanted(enum insp_activate policy, double accuracy, struct insp_promotion *promotion) {
    bool compared = policy == INSP_ACTIVATE_IF_BETTER && *promotion->previous;
    if (compared && promotion->previous_unknown) {
        snprintf(promotion->reason, sizeof promotion->reason,
                 "not activated: the active model could not be evaluated on these images, see the log");
        return false;
    }
    if (compared && isnan(accuracy)) {
        snprintf(promotion->reason, sizeof promotion->reason,
                 "not activated: without defects there is nothing to compare it with version %.64s by",
                 promotion->previous);
        return false;
    }
    return insp_train_should_activate(policy, *promotion->previous, accuracy, promotion->previous_accuracy,
                                      promotion->reason);
}

int insp_promotion_decide(const struct insp_train_context *context, enum insp_activate policy, const char *version,
                          double accuracy, struct insp_promotion *promotion, struct insp_error *reterr) {
    return wanted(policy, accuracy, promotion) ? insp_promotion_activate(context, version, promotion, reterr) : 0;
}

void insp_promotion_say_source(enum insp_activate policy, const json_t *promise,
                               struct insp_promotion *promotion) {
    const char *from = json_string_value(json_object_get(json_object_get(promise, "threshold_promise"), "from"));
    size_t used = strlen(promotion->reason);
    if (policy == INSP_ACTIVATE_IF_BETTER && *promotion->previous && from && !strcmp(from, "held_out"))
        snprintf(promotion->reason + used, sizeof promotion->reason - used,
                 "; the held-out images also chose the new version's threshold, which flatters it a little");
}

json_t *insp_promotion_previous_json(const struct insp_promotion *promotion) {
    if (!*promotion->previous)
        return json_null();
    return json_pack("{s:s, s:O?}", "version", promotion->previous, "metrics", promotion->previous_metrics);
}
