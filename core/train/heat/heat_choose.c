#include "core/train/heat/heat_choose.h"

#include "core/judge/maps/heat_maps.h"
#include "core/train/good/good_judge.h"

#include <stdlib.h>
#include <string.h>

int insp_heat_choose_check(const struct insp_train_params *params, enum insp_train_mode mode,
                           struct insp_error *reterr) {
    const enum insp_heat_kind kind = params->heat;
    if (params->heat_auto)
        return 0;
    if (mode == INSP_MODE_ADD_GOOD)
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "heat cannot be chosen with mode add_good: the map stays that of the version it extends");
    if (mode == INSP_MODE_GOOD_ONLY && kind != INSP_HEAT_GOOD_ONLY)
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "heat is \"%s\", but a version from good parts alone has the map good_only",
                         insp_heat_kind_name(kind));
    if (mode == INSP_MODE_SUPERVISED && params->mode == INSP_MODE_SUPERVISED && kind != INSP_HEAT_ACTIVATION)
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "heat is \"%s\", which needs a good-only model beside the tail: mode auto makes one",
                         insp_heat_kind_name(kind));
    if (mode == INSP_MODE_SUPERVISED && params->heatmap_scale != INSP_SCALE_FIXED && kind != INSP_HEAT_ACTIVATION)
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "heat is \"%s\", whose scale is absolute: heatmap_scale must be \"fixed\"",
                         insp_heat_kind_name(kind));
    return 0;
}

/* Writes the good-only heat of the held-out images. *ret_whole is false if one of them could not be read again. */
static int good_heat(const struct insp_heat_task *t, const struct insp_progress *progress, float *ret_map,
                     bool *ret_whole, struct insp_error *reterr) {
    struct insp_good_judged judged = {0};
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = insp_manifest_new();
    if (!manifest)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the manifest");
    manifest->input = t->params->input;
    manifest->fields = insp_field_set_ref(t->context->fields);
    manifest->good_only = t->good->good;
    manifest->heatmap.threshold = t->params->heatmap_threshold;
    manifest->heat = insp_heat_choice_old(false, t->params->heatmap_threshold);
    int r = insp_manifest_tile(manifest, t->params->tiles, reterr);
    if (r == 0)
        r = insp_good_judge_members(t->context, t->params, t->good, manifest, t->data, t->member, t->count,
                                    progress, &judged, reterr);
    *ret_whole = judged.count == t->count;
    if (r == 0 && *ret_whole)
        memcpy(ret_map, judged.map, t->count * INSP_MAP_FLOATS * sizeof *ret_map);
    insp_good_judged_clear(&judged);
    return r;
}

static int compare(const struct insp_heat_task *t, const struct insp_progress *progress, float *map, float *good,
                   float *product, struct insp_heat_choice *ret, json_t **ret_report, struct insp_error *reterr) {
    struct insp_progress silent = insp_progress_part(progress, 0.8, 1);
    const float *const maps[INSP_HEAT_KINDS] = {
        [INSP_HEAT_ACTIVATION] = map, [INSP_HEAT_GOOD_ONLY] = good, [INSP_HEAT_PRODUCT] = product};
    const struct insp_judgement judgement = {.set = &t->data->set,
                                             .member = t->member,
                                             .count = t->count,
                                             .probability = t->probability,
                                             .threshold = (double)t->threshold,
                                             .heatmap_scale = t->params->heatmap_scale,
                                             .heatmap_threshold = t->params->heatmap_threshold};
    struct insp_heat_maps found;
    for (size_t i = 0; i < t->count * INSP_MAP_FLOATS; i++)
        product[i] = insp_heat_product(map[i], good[i]);
    silent.event = NULL; /* the report's own comparison tells of masks that cannot be used */
    int r = insp_heat_maps_compare(&judgement, maps, &t->context->limits, &silent, &found, reterr);
    if (r < 0)
        return r;
    if (!t->params->heat_auto) {
        found.taken = t->params->heat;
        found.from = INSP_HEAT_BY_PARAMETER;
    }
    *ret_report = insp_heat_maps_json(&found);
    if (!*ret_report)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the report");
    ret->kind = found.taken;
    if (found.taken != INSP_HEAT_ACTIVATION)
        memcpy(map, maps[found.taken], t->count * INSP_MAP_FLOATS * sizeof *map);
    return 0;
}

int insp_heat_choose(const struct insp_heat_task *task, const struct insp_progress *progress, float *map,
                     struct insp_heat_choice *ret, json_t **ret_report, struct insp_error *reterr) {
    const struct insp_progress judging = insp_progress_part(progress, 0, 0.8);
    const size_t floats = (task->count + 1) * INSP_MAP_FLOATS;
    const bool wants_good = !task->params->heat_auto && task->params->heat != INSP_HEAT_ACTIVATION;
    bool whole = true;
    *ret_report = NULL;
    *ret = (struct insp_heat_choice){INSP_HEAT_ACTIVATION, task->params->heatmap_threshold, task->low, task->high};
    if (!task->good->gauss || task->params->heatmap_scale != INSP_SCALE_FIXED)
        return wants_good ? insp_fail(reterr, INSP_E_DATASET,
                                      "heat is \"%s\", but there is no good-only model beside the tail: the log "
                                      "says why",
                                      insp_heat_kind_name(task->params->heat))
                          : 0;
    _cleanup_free_ float *good = calloc(floats, sizeof *good), *product = calloc(floats, sizeof *product);
    if (!good || !product)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the maps of %zu images", task->count);
    int r = good_heat(task, &judging, good, &whole, reterr);
    if (r == 0 && !whole && wants_good)
        return insp_fail(reterr, INSP_E_DATASET,
                         "a held-out image cannot be read any more: its heat is not known");
    if (r == 0 && !whole)
        insp_progress_log(progress, "class activation is shown: a held-out image cannot be read any more");
    return r < 0 || !whole ? r : compare(task, progress, map, good, product, ret, ret_report, reterr);
}
