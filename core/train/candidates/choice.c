#include "core/train/candidates/choice.h"

#include "core/dataset/split.h"
#include "core/good_only/good_threshold.h"
#include "core/judge/report.h"
#include "core/train/folds/out_of_fold.h"

#include <stdlib.h>
#include <string.h>

void insp_choice_clear(struct insp_choice *choice) {
    json_decref(choice->candidates);
    json_decref(choice->promise);
    *choice = (struct insp_choice){0};
}

bool insp_choice_compares(const struct insp_train_params *params) {
    return params->candidates && params->threshold_auto;
}

/* --- who chooses --- */

/* Says whether each half has enough images of both classes for the promises. */
static bool enough(const struct insp_train_params *params, const struct insp_members *set, const size_t *member,
                   size_t count, const size_t *half) {
    size_t images[2][INSP_CLASSES] = {{0}};
    for (size_t i = 0; i < count; i++)
        images[half[i]][set->label[member[i]]]++;
    for (size_t h = 0; h < 2; h++)
        if (images[h][INSP_CLASS_GOOD] < insp_good_images_needed(params->max_rejected) ||
            images[h][INSP_CLASS_ANOMALY] < insp_good_images_needed(params->max_missed))
            return false;
    return true;
}

int insp_choice_divide(const struct insp_train_params *params, const struct insp_members *set, size_t trained,
                       size_t *member, size_t count, size_t *ret_choosing, struct insp_error *reterr) {
    _cleanup_free_ size_t *half = calloc(count + 1, sizeof *half), *judging = calloc(count + 1, sizeof *judging),
                          *strata = calloc(count + 1, sizeof *strata);
    size_t choose = 0, judge = 0;
    bool thin;
    struct insp_error why;
    *ret_choosing = 0;
    if (!params->threshold_auto || trained <= INSP_CHOICE_FOLDS_MAX)
        return 0;
    if (!half || !judging || !strata)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to divide %zu held-out images", count);
    for (size_t i = 0; i < count; i++)
        strata[i] = set->strata[member[i]];
    int r = insp_split_folds(strata, count, set->dataset->stratum_count, 2, params->seed, half, &thin, &why);
    if (r < 0)
        return r == INSP_E_DATASET ? 0 : insp_fail(reterr, r, "%s", why.detail);
    if (!enough(params, set, member, count, half))
        return 0;
    for (size_t i = 0; i < count; i++)
        if (half[i])
            judging[judge++] = member[i];
        else
            member[choose++] = member[i];
    memcpy(member + choose, judging, judge * sizeof *judging);
    *ret_choosing = choose;
    return 0;
}

/* --- the choice --- */

/* Takes a candidate and its threshold.
 *   half  [count]; NULL: the images have no halves
 *   from  says where the scores come from */
static int choose(const struct insp_choice_task *task, const size_t *member, size_t count,
                  const struct insp_candidate_scores *scores, const size_t *half, const char *from,
                  struct insp_candidate_models *models, struct insp_choice *choice, struct insp_error *reterr) {
    const struct insp_train_params *params = task->params;
    struct insp_candidates candidates;
    _cleanup_free_ uint8_t *label = calloc(count + 1, sizeof *label);
    choice->promise = json_object();
    if (!label || !choice->promise)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to choose a threshold by %zu images", count);
    for (size_t i = 0; i < count; i++)
        label[i] = task->data->set.label[member[i]];
    int r = insp_candidates_compare(scores, label, half, half ? 2 : 0, count, params->max_missed,
                                    params->max_rejected, &candidates, reterr);
    if (r == 0)
        r = insp_candidate_models_keep(models, task->context->device, candidates.taken, reterr);
    const struct insp_threshold_promise *promise = &candidates.promise[candidates.taken];
    if (r == 0)
        r = insp_report_promise(&task->data->set, member, count, scores->probability[candidates.taken], promise,
                                choice->promise, reterr);
    if (r < 0)
        return r;
    choice->threshold = promise->threshold;
    choice->taken = candidates.taken;
    choice->candidates = insp_choice_compares(params) ? insp_candidates_json(&candidates, from) : NULL;
    return json_object_set_new(json_object_get(choice->promise, "threshold_promise"), "from", json_string(from)) ==
                       0 &&
                   (choice->candidates || !insp_choice_compares(params))
               ? 0
               : insp_fail(reterr, INSP_E_NOMEM, "no memory for the report");
}

int insp_choice_by_folds(const struct insp_choice_task *task, const struct insp_progress *progress,
                         struct insp_candidate_models *models, struct insp_choice *choice,
                         struct insp_error *reterr) {
    struct insp_error why = {0};
    struct insp_candidate_scores scores = {0};
    choice->threshold = task->params->threshold;
    if (!task->params->threshold_auto)
        return 0;
    _cleanup_free_ size_t *half = calloc(task->trained_count + 1, sizeof *half);
    if (!half)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the scores of %zu images", task->trained_count);
    int r =
        task->trained_count > INSP_CHOICE_FOLDS_MAX
            ? insp_fail(&why, INSP_E_DATASET, "%zu images are enough without them", task->trained_count)
            : insp_out_of_fold(task->context, task->params, task->data, task->trained, task->trained_count,
                               task->epochs, insp_choice_compares(task->params), progress, &scores, half, &why);
    if (r == 0)
        r = choose(task, task->trained, task->trained_count, &scores, half, "folds", models, choice, reterr);
    else if (r != INSP_E_DATASET)
        r = insp_fail(reterr, r, "%s", why.detail);
    else {
        insp_progress_log(progress, "the threshold is chosen by %s, not by folds: %s",
                          task->apart ? "half of the held-out images" : "the held-out images", why.detail);
        r = 0;
    }
    insp_candidate_scores_clear(&scores);
    return r;
}

int insp_choice_by_held_out(const struct insp_choice_task *task, const struct insp_progress *progress,
                            struct insp_candidate_models *models, struct insp_choice *choice,
                            struct insp_error *reterr) {
    struct insp_candidate_scores scores = {0};
    const bool all = insp_choice_compares(task->params) && task->trained_count > INSP_CHOICE_FOLDS_MAX;
    if (!task->params->threshold_auto || choice->promise)
        return 0;
    int r = insp_candidate_scores_reserve(all && models->averaged, all && models->logistic, task->held_count,
                                          &scores, reterr);
    if (r == 0)
        r = insp_candidate_models_score(models, task->context->device, task->data, task->held, NULL,
                                        task->held_count, progress, &scores, reterr);
    if (r == 0)
        r = choose(task, task->held, task->held_count, &scores, NULL, task->apart ? "held_out_half" : "held_out",
                   models, choice, reterr);
    insp_candidate_scores_clear(&scores);
    return r;
}
