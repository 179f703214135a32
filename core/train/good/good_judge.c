#include "core/train/good/good_judge.h"

#include "core/judge/heat_range.h"

#include <stdlib.h>

struct work {
    const struct insp_train_context *context;
    const struct insp_train_params *params;
    const struct insp_good_model *fitted;
    struct insp_model model; /* the fitted one, as it would serve */
    struct insp_train_data *data;
    const size_t *member; /* [count] */
    size_t count;
    struct insp_good_judged *ret;
};

void insp_good_judged_clear(struct insp_good_judged *judged) {
    free(judged->member);
    free(judged->score);
    free(judged->map);
    *judged = (struct insp_good_judged){0};
}

/* Makes heat of the distances of an image's tiles, [tiles,28,28], and reduces it to [14,14]. */
static void reduce_heat(const struct work *w, const float *distance, float *ret) {
    const struct insp_tiles tiles = w->fitted->tiles;
    float map[INSP_MAP_FLOATS], whole[INSP_TILES_MAP_MAX] = {0};
    for (size_t t = 0; t < insp_tiles_count(tiles); t++) {
        insp_good_heat_map(&w->fitted->good.scale, w->params->heatmap_threshold, distance + t * INSP_TAP_CELLS,
                           map);
        if (insp_tiles_on(tiles))
            insp_tiles_stitch(tiles, t, map, whole);
    }
    insp_map_reduce(insp_tiles_map(tiles), insp_tiles_on(tiles) ? whole : map, ret);
}

/* Takes the score of a good image from the calibration; returns false if the image was not readable then. */
static bool judge_good(const struct work *w, size_t member, float *ret_score, float *ret_map) {
    const struct insp_good_memory *memory = &w->fitted->memory;
    bool found;
    size_t at =
        insp_good_memory_find(memory, w->data->set.dataset->item[w->data->set.item[member]].sha256, &found);
    if (!found)
        return false;
    *ret_score = memory->score[at];
    reduce_heat(w, w->fitted->map + at * insp_tiles_count(w->fitted->tiles) * INSP_TAP_CELLS, ret_map);
    return true;
}

static int judge_defect(struct work *w, size_t member, const struct insp_progress *progress, float *ret_score,
                        float *ret_map, bool *ret_known, struct insp_error *reterr) {
    const struct insp_score_files files = {
        .context = w->context, .trunk = w->context->trunk, .model = &w->model, .set = &w->data->set};
    struct insp_served served = {0};
    float probability;
    bool unreadable = false;
    const struct insp_answers answers = {.probability = &probability,
                                         .map = ret_map,
                                         .served = &served,
                                         .unreadable = w->params->skip_unreadable ? &unreadable : NULL};
    int r = insp_score_files(&files, &member, 1, progress, &answers, reterr);
    *ret_score = served.good_score;
    *ret_known = !unreadable;
    return r;
}

static int judge(struct work *w, const struct insp_progress *progress, struct insp_error *reterr) {
    struct insp_good_judged *ret = w->ret;
    size_t n = w->count;
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        size_t m = w->member[i];
        float *score = ret->score + ret->count, *map = ret->map + ret->count * INSP_MAP_FLOATS;
        const struct insp_progress part =
            insp_progress_part(progress, (double)i / (double)n, (double)(i + 1) / (double)n);
        bool known = true;
        if (insp_progress_cancelled(progress))
            return insp_fail(reterr, INSP_E_CANCELLED, "cancelled while evaluating");
        if (w->data->set.label[m] == INSP_CLASS_GOOD)
            known = judge_good(w, m, score, map);
        else
            r = judge_defect(w, m, &part, score, map, &known, reterr);
        if (known)
            ret->member[ret->count++] = m;
        else
            w->data->set.skipped++;
        insp_progress_step(progress, i + 1, n);
        insp_progress_yield(progress);
    }
    return r;
}

int insp_good_judge(const struct insp_train_context *context, const struct insp_train_params *params,
                    const struct insp_good_model *model, struct insp_manifest *manifest,
                    struct insp_train_data *data, const struct insp_progress *progress,
                    struct insp_good_judged *ret, struct insp_error *reterr) {
    _cleanup_free_ size_t *all = calloc(data->set.count + 1, sizeof *all);
    *ret = (struct insp_good_judged){0};
    if (!all)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to judge %zu images", data->set.count);
    for (size_t m = 0; m < data->set.count; m++)
        all[m] = m;
    return insp_good_judge_members(context, params, model, manifest, data, all, data->set.count, progress, ret,
                                   reterr);
}

int insp_good_judge_members(const struct insp_train_context *context, const struct insp_train_params *params,
                            const struct insp_good_model *model, struct insp_manifest *manifest,
                            struct insp_train_data *data, const size_t *member, size_t count,
                            const struct insp_progress *progress, struct insp_good_judged *ret,
                            struct insp_error *reterr) {
    size_t n = count;
    *ret = (struct insp_good_judged){.member = calloc(n + 1, sizeof *ret->member),
                                     .score = calloc(n + 1, sizeof *ret->score),
                                     .map = calloc(n + 1, INSP_MAP_FLOATS * sizeof *ret->map)};
    struct work w = {.context = context,
                     .params = params,
                     .fitted = model,
                     .model = {.manifest = manifest, .good = model->gauss},
                     .data = data,
                     .member = member,
                     .count = count,
                     .ret = ret};
    int r = ret->member && ret->score && ret->map
                ? judge(&w, progress, reterr)
                : insp_fail(reterr, INSP_E_NOMEM, "no memory to judge %zu images", n);
    if (r < 0)
        insp_good_judged_clear(ret);
    return r;
}
