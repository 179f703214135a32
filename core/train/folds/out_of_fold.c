#include "core/train/folds/out_of_fold.h"

#include "core/dataset/split.h"
#include "core/train/candidates/candidate_models.h"

#include <stdlib.h>

enum {
    HALVES = 2,
    EPOCHS_LEAST = 2, /* of a half: after fewer its probabilities lie close together */
};

/* The time to score an image, in units of training on it once: measured with the packed kernels. A training runs
 * eight convolutions an image (three forward, two for gradients of inputs, three for those of weights), a score
 * three. */
#define SCORE_COST 0.28

struct work {
    const struct insp_train_context *context;
    const struct insp_train_params *params;
    const struct insp_train_data *data;
    const size_t *member; /* [count] */
    size_t count, *fold;  /* [count]; the caller's */
    unsigned epochs;      /* of the training of one half, at most */
    size_t steps;         /* likewise; 0: no limit */
    bool candidates;
    size_t *chosen, *place; /* [count] scratch: members, and their places among all */
    struct insp_candidate_scores scores;
};

static size_t choose(struct work *w, size_t fold, bool held_out) {
    size_t n = 0;
    for (size_t i = 0; i < w->count; i++)
        if ((w->fold[i] == fold) == held_out) {
            w->chosen[n] = w->member[i];
            w->place[n++] = i;
        }
    return n;
}

static int run_fold(struct work *w, size_t fold, const struct insp_progress *progress, struct insp_error *reterr) {
    const struct insp_fit_config config = {.device = w->context->device,
                                           .params = w->params,
                                           .data = w->data,
                                           .member = w->chosen,
                                           .count = choose(w, fold, false),
                                           .stop_early = true,
                                           .epochs = w->epochs,
                                           .steps = w->steps,
                                           .fold = fold + 1};
    /* Without events: the curve of the job shows its final tail. */
    struct insp_progress silent = insp_progress_part(progress, 0, 1);
    struct insp_candidate_models models = {0};
    json_t *curve = NULL;
    silent.event = NULL;
    int r = insp_candidate_models_fit(&config, w->candidates, &silent, &models, &curve, reterr);
    if (r == 0) {
        size_t n = choose(w, fold, true);
        r = insp_candidate_models_score(&models, w->context->device, w->data, w->chosen, w->place, n, &silent,
                                        &w->scores, reterr);
    }
    insp_candidate_models_clear(&models);
    json_decref(curve);
    return r;
}

/* Divides the members, and checks that each half can be trained on. */
static int divide(struct work *w, struct insp_error *reterr) {
    const struct insp_members *set = &w->data->set;
    _cleanup_free_ size_t *strata = calloc(w->count + 1, sizeof *strata);
    size_t size[HALVES] = {0};
    bool thin;
    w->chosen = calloc(w->count + 1, sizeof *w->chosen);
    w->place = calloc(w->count + 1, sizeof *w->place);
    if (!strata || !w->chosen || !w->place)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to divide %zu images", w->count);
    for (size_t i = 0; i < w->count; i++)
        strata[i] = set->strata[w->member[i]];
    int r = insp_split_folds(strata, w->count, set->dataset->stratum_count, HALVES, w->params->seed, w->fold,
                             &thin, reterr);
    for (size_t i = 0; i < w->count && r == 0; i++)
        size[w->fold[i]]++;
    for (size_t f = 0; f < HALVES && r == 0; f++)
        if (size[f] < w->params->batch && !insp_tiles_on(w->data->tiles)) /* each image has many tiles */
            r = insp_fail(reterr, INSP_E_DATASET, "half of %zu images is less than a mini-batch of %u", w->count,
                          w->params->batch);
    return r;
}

/* Returns the mini-batches for one half, so that both and the scores cost INSP_OUT_OF_FOLD_COST of a training. */
static size_t steps_within(const struct work *w, unsigned epochs, bool averaged) {
    const size_t batch = w->params->batch;
    const double training = (double)epochs * (double)(w->count / batch),
                 scores = SCORE_COST * (averaged ? 2 : 1) * (double)w->count / (double)batch,
                 half = (INSP_OUT_OF_FOLD_COST * training - scores) / HALVES;
    return half > 1 ? (size_t)half : 1;
}

/* Chooses the epochs and mini-batches of the halves, and whether they average their last epochs, for a training
 * that took so many epochs. A half runs two epochs even if the training took fewer. With tiles, whose
 * samples are not the images, the halves run all epochs. */
static int plan(struct work *w, unsigned epochs, bool *ret_averaged, struct insp_error *reterr) {
    const size_t epoch = w->count / HALVES / w->params->batch; /* mini-batches of a half, without tiles */
    if (w->params->epochs < EPOCHS_LEAST)
        return insp_fail(reterr, INSP_E_DATASET, "a half would be trained for %u epoch, fewer than %d",
                         w->params->epochs, EPOCHS_LEAST);
    w->epochs = epochs < EPOCHS_LEAST ? EPOCHS_LEAST : epochs;
    *ret_averaged = w->candidates && w->epochs >= INSP_TAIL_AVERAGE_EPOCHS;
    if (insp_tiles_on(w->data->tiles))
        return 0;
    *ret_averaged &= steps_within(w, epochs, true) > epoch * (INSP_TAIL_AVERAGE_EPOCHS - 1); /* begins the last */
    w->steps = steps_within(w, epochs, *ret_averaged);
    if (w->steps < EPOCHS_LEAST * epoch)
        w->steps = EPOCHS_LEAST * epoch;
    return 0;
}

int insp_out_of_fold(const struct insp_train_context *context, const struct insp_train_params *params,
                     const struct insp_train_data *data, const size_t *member, size_t count, unsigned epochs,
                     bool candidates, const struct insp_progress *progress, struct insp_candidate_scores *ret,
                     size_t *ret_half, struct insp_error *reterr) {
    struct work w = {.context = context,
                     .params = params,
                     .data = data,
                     .member = member,
                     .count = count,
                     .fold = ret_half,
                     .candidates = candidates};
    bool averaged;
    int r = divide(&w, reterr);
    if (r == 0)
        r = plan(&w, epochs && epochs < params->epochs ? epochs : params->epochs, &averaged, reterr);
    if (r == 0)
        r = insp_candidate_scores_reserve(averaged, candidates && insp_candidate_logistic(data, count), count,
                                          &w.scores, reterr);
    for (size_t f = 0; f < HALVES && r == 0; f++) {
        const struct insp_progress part =
            insp_progress_part(progress, (double)f / HALVES, (double)(f + 1) / HALVES);
        insp_progress_stage(&part, "threshold, half %zu of %d", f + 1, HALVES);
        r = run_fold(&w, f, &part, reterr);
    }
    free(w.chosen);
    free(w.place);
    if (r < 0)
        insp_candidate_scores_clear(&w.scores);
    else
        *ret = w.scores;
    return r;
}
