#include "core/train/folds/out_of_fold.h"

#include "core/dataset/split.h"
#include "core/train/fit.h"

#include <stdlib.h>

enum { HALVES = 2 };

struct work {
    const struct insp_train_context *context;
    const struct insp_train_params *params;
    const struct insp_train_data *data;
    const size_t *member; /* [count] */
    size_t count, *fold;  /* [count] */
    size_t *chosen;       /* [count] scratch */
    float *probability;   /* [count] scratch */
};

static size_t choose(struct work *w, size_t fold, bool held_out) {
    size_t n = 0;
    for (size_t i = 0; i < w->count; i++)
        if ((w->fold[i] == fold) == held_out)
            w->chosen[n++] = w->member[i];
    return n;
}

static int score(struct work *w, size_t fold, struct insp_tail *tail, const struct insp_progress *progress,
                 float *ret_probability, struct insp_error *reterr) {
    size_t n = choose(w, fold, true), at = 0;
    int r = insp_train_data_score(w->data, tail, w->chosen, n, progress, w->probability, NULL, reterr);
    for (size_t i = 0; i < w->count && r == 0; i++)
        if (w->fold[i] == fold)
            ret_probability[i] = w->probability[at++];
    return r;
}

static int run_fold(struct work *w, size_t fold, const struct insp_progress *progress, float *ret_probability,
                    struct insp_error *reterr) {
    const struct insp_fit_config config = {.device = w->context->device,
                                           .params = w->params,
                                           .data = w->data,
                                           .member = w->chosen,
                                           .count = choose(w, fold, false),
                                           .stop_early = true,
                                           .fold = fold + 1};
    /* Without events: the curve of the job shows its final tail. */
    struct insp_progress silent = insp_progress_part(progress, 0, 1);
    _cleanup_(insp_trainer_freep) struct insp_trainer *trainer = NULL;
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *buffers = NULL;
    _cleanup_(insp_tail_freep) struct insp_tail *tail = NULL;
    json_t *curve = NULL;
    silent.event = NULL;
    int r = insp_fit(&config, &silent, &trainer, &curve, reterr);
    if (r == 0)
        r = insp_fit_serve(w->context->device, trainer, &buffers, &tail, reterr);
    if (r == 0)
        r = score(w, fold, tail, &silent, ret_probability, reterr);
    json_decref(curve);
    return r;
}

/* Divides the members, and checks that each half can be trained on. */
static int divide(struct work *w, struct insp_error *reterr) {
    const struct insp_members *set = &w->data->set;
    _cleanup_free_ size_t *strata = calloc(w->count + 1, sizeof *strata);
    size_t size[HALVES] = {0};
    bool thin;
    w->fold = calloc(w->count + 1, sizeof *w->fold);
    w->chosen = calloc(w->count + 1, sizeof *w->chosen);
    w->probability = calloc(w->count + 1, sizeof *w->probability);
    if (!strata || !w->fold || !w->chosen || !w->probability)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to divide %zu images", w->count);
    for (size_t i = 0; i < w->count; i++)
        strata[i] = set->strata[w->member[i]];
    int r = insp_split_folds(strata, w->count, set->dataset->stratum_count, HALVES, w->params->seed, w->fold,
                             &thin, reterr);
    for (size_t i = 0; i < w->count && r == 0; i++)
        size[w->fold[i]]++;
    for (size_t f = 0; f < HALVES && r == 0; f++)
        if (size[f] < w->params->batch)
            r = insp_fail(reterr, INSP_E_DATASET, "half of %zu images is less than a mini-batch of %u", w->count,
                          w->params->batch);
    return r;
}

int insp_out_of_fold(const struct insp_train_context *context, const struct insp_train_params *params,
                     const struct insp_train_data *data, const size_t *member, size_t count,
                     const struct insp_progress *progress, float *ret_probability, struct insp_error *reterr) {
    struct work w = {.context = context, .params = params, .data = data, .member = member, .count = count};
    int r = divide(&w, reterr);
    for (size_t f = 0; f < HALVES && r == 0; f++) {
        const struct insp_progress part =
            insp_progress_part(progress, (double)f / HALVES, (double)(f + 1) / HALVES);
        insp_progress_stage(&part, "threshold, half %zu of %d", f + 1, HALVES);
        r = run_fold(&w, f, &part, ret_probability, reterr);
    }
    free(w.fold);
    free(w.chosen);
    free(w.probability);
    return r;
}
