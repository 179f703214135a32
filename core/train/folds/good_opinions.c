#include "core/train/folds/good_opinions.h"

#include "core/dataset/split.h"

#include <stdlib.h>

void insp_good_opinions_clear(struct insp_good_opinions *o) {
    insp_good_model_clear(&o->model);
    insp_manifest_free(o->manifest);
    insp_good_judged_clear(&o->judged);
    free(o->fold);
    free(o->probability);
    free(o->served);
    free(o->unlike);
    *o = (struct insp_good_opinions){0};
}

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

int insp_good_limits_without(const float *score, const size_t *fold, size_t count, size_t omitted, double alpha,
                             const struct insp_good_scale *heat, struct insp_good_limits *ret,
                             struct insp_error *reterr) {
    const float cells[] = {heat->cold, heat->warm};
    _cleanup_free_ float *sorted = malloc((count + 1) * sizeof *sorted);
    struct insp_good_promise promise;
    size_t n = 0;
    if (!sorted)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the scores of %zu images", count);
    for (size_t i = 0; i < count; i++)
        if (fold[i] != omitted)
            sorted[n++] = score[i];
    qsort(sorted, n, sizeof *sorted, ascending);
    int r = insp_good_promise_of(sorted, n, alpha, &promise, reterr);
    if (r == 0)
        r = insp_good_scale_of(sorted, n, cells, INSP_COUNT(cells), promise.threshold, &ret->scale, reterr);
    if (r == 0)
        ret->unlike = insp_good_unlike(sorted, n);
    return r;
}

/* --- the parts --- */

/* Deals the distinct good images out to the folds in a random order. *ret is the caller's. */
static int deal(const struct insp_good_memory *memory, size_t folds, uint64_t seed, size_t **ret,
                struct insp_error *reterr) {
    size_t count = memory->images;
    struct insp_random random;
    _cleanup_free_ size_t *order = calloc(count + 1, sizeof *order), *fold = calloc(count + 1, sizeof *fold);
    if (!order || !fold)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the folds of %zu images", count);
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    insp_random_seed(&random, seed);
    insp_random_shuffle(&random, order, count);
    for (size_t i = 0; i < count; i++)
        fold[order[i]] = i % folds;
    *ret = insp_take_ptr(fold);
    return 0;
}

static void assign(struct insp_good_opinions *o, const struct insp_members *set, const size_t *good_fold,
                   size_t folds) {
    size_t defects = 0;
    for (size_t i = 0; i < o->judged.count; i++) {
        size_t member = o->judged.member[i];
        bool found;
        o->fold[i] = set->label[member] == INSP_CLASS_GOOD
                         ? good_fold[insp_good_memory_find(&o->model.memory,
                                                           set->dataset->item[set->item[member]].sha256, &found)]
                         : defects++ % folds;
    }
}

/* --- the opinions --- */

static int judge(const struct insp_train_params *params, const size_t *good_fold, struct insp_good_opinions *o,
                 struct insp_error *reterr) {
    const struct insp_good_memory *memory = &o->model.memory;
    for (size_t f = 0; f < params->folds; f++) {
        struct insp_good_limits limits;
        int r = insp_good_limits_without(memory->score, good_fold, memory->images, f, params->max_rejected,
                                         &o->model.good.scale, &limits, reterr);
        if (r)
            return r;
        for (size_t i = 0; i < o->judged.count; i++) {
            if (o->fold[i] != f)
                continue;
            float score = o->judged.score[i];
            o->probability[i] = insp_good_probability(&limits.scale, score);
            o->unlike[i] = score > limits.unlike;
            o->served[i] = (struct insp_served){
                .verdict = o->probability[i] >= params->threshold ? INSP_VERDICT_ANOMALY : INSP_VERDICT_GOOD,
                .good_score = score,
                .good_threshold = limits.scale.threshold};
        }
    }
    return 0;
}

static int describe(const struct insp_train_context *context, const struct insp_train_params *params,
                    struct insp_good_opinions *o, struct insp_error *reterr) {
    o->manifest = insp_manifest_new();
    if (!o->manifest)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the manifest");
    o->manifest->input = params->input;
    o->manifest->fields = insp_field_set_ref(context->fields);
    o->manifest->good_only = o->model.good;
    o->manifest->heatmap = (struct insp_heat_params){
        .scale = INSP_SCALE_FIXED, .threshold = params->heatmap_threshold, .low = 0, .high = 1};
    o->manifest->heat = insp_heat_choice_old(false, params->heatmap_threshold);
    return insp_manifest_tile(o->manifest, params->tiles, reterr);
}

static int reserve(struct insp_good_opinions *o, struct insp_error *reterr) {
    size_t n = o->judged.count + 1;
    o->fold = calloc(n, sizeof *o->fold);
    o->probability = calloc(n, sizeof *o->probability);
    o->served = calloc(n, sizeof *o->served);
    o->unlike = calloc(n, sizeof *o->unlike);
    return o->fold && o->probability && o->served && o->unlike
               ? 0
               : insp_fail(reterr, INSP_E_NOMEM, "no memory to judge %zu images", o->judged.count);
}

static int make(const struct insp_train_context *context, const struct insp_train_params *params,
                struct insp_train_data *data, const struct insp_progress *progress, struct insp_good_opinions *o,
                struct insp_error *reterr) {
    const struct insp_progress fitting = insp_progress_part(progress, 0, 0.8),
                               judging = insp_progress_part(progress, 0.8, 1);
    const struct insp_good_model_config config = {.context = context,
                                                  .dataset = data->set.dataset,
                                                  .input = params->input,
                                                  .tiles = params->tiles,
                                                  .alpha = params->max_rejected,
                                                  .seed = params->seed,
                                                  .skip_unreadable = params->skip_unreadable};
    _cleanup_free_ size_t *good_fold = NULL;
    int r = insp_good_model_fit(&config, &fitting, &o->model, reterr);
    if (r == 0)
        r = describe(context, params, o, reterr);
    insp_progress_stage(&judging, "evaluating");
    if (r == 0)
        r = insp_good_judge(context, params, &o->model, o->manifest, data, &judging, &o->judged, reterr);
    if (r == 0)
        r = reserve(o, reterr);
    if (r == 0)
        r = deal(&o->model.memory, params->folds, params->seed, &good_fold, reterr);
    if (r)
        return r;
    assign(o, &data->set, good_fold, params->folds);
    return judge(params, good_fold, o, reterr);
}

int insp_good_opinions_make(const struct insp_train_context *context, const struct insp_train_params *params,
                            struct insp_train_data *data, const struct insp_progress *progress,
                            struct insp_good_opinions *ret, struct insp_error *reterr) {
    *ret = (struct insp_good_opinions){0};
    int r = make(context, params, data, progress, ret, reterr);
    if (r < 0)
        insp_good_opinions_clear(ret);
    return r;
}
