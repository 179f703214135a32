#include "core/train/score_version.h"

#include "core/model/bundle.h"

#include <string.h>

/* Scores members with features of the model's own trunk. The features of these members alone are computed, on a
 * view of the dataset that borrows its items. beside: data's own cache holds the lock of the usual file. */
static int score_with_own_trunk(const struct insp_train_context *context, const struct insp_train_data *data,
                                bool beside, const struct insp_manifest *manifest,
                                const struct insp_scorer *scorer, const size_t *member, size_t count,
                                const struct insp_progress *progress, float *ret_probability, float *ret_map,
                                struct insp_error *reterr) {
    _cleanup_(insp_trunk_freep) struct insp_trunk *trunk = NULL;
    _cleanup_(insp_feature_cache_closep) struct insp_feature_cache *cache = NULL;
    _cleanup_free_ struct insp_dataset_item *item = calloc(count + 1, sizeof *item);
    _cleanup_free_ size_t *all = calloc(count + 1, sizeof *all);
    if (!item || !all)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to score %zu images", count);
    for (size_t i = 0; i < count; i++) {
        item[i] = data->set.dataset->item[data->set.item[member[i]]];
        all[i] = i;
    }
    struct insp_dataset asked = {.root = data->set.dataset->root, .count = count, .item = item};
    struct insp_feature_cache_config config = {.folder = context->cache_folder,
                                               .beside = beside,
                                               .bytes_max = context->cache_bytes_max,
                                               .half = context->cache_half,
                                               .trunk_sha256 = manifest->trunk_sha256,
                                               .arithmetic = insp_device_arithmetic(context->device),
                                               .input = manifest->input,
                                               .tiles = manifest->tiles,
                                               .fields = manifest->fields,
                                               .limits = context->limits};
    size_t runs;
    int r = insp_field_set_tile(manifest->fields, manifest->tiles, reterr);
    if (r < 0 ||
        (r = insp_trunk_open_on(context->device, context->state_dir, manifest->trunk_sha256, &trunk, reterr)) <
            0 ||
        (r = insp_feature_cache_open(&config, &cache, reterr)) < 0 ||
        (r = insp_feature_cache_fill(cache, trunk, &asked, progress, NULL, false, &runs, reterr)) < 0)
        return r;
    struct insp_train_data own = {.set = {.dataset = &asked, .count = count, .item = all},
                                  .cache = cache,
                                  .tiles = manifest->tiles,
                                  .fields = manifest->fields};
    return insp_train_data_score(&own, scorer, all, count, progress, ret_probability, ret_map, reterr);
}

int insp_serve_version(const struct insp_train_context *context, const struct insp_train_data *data,
                       const char *version, const size_t *member, size_t count,
                       const struct insp_progress *progress, const struct insp_answers *ret,
                       struct insp_error *reterr) {
    _cleanup_(insp_model_unrefp) struct insp_model *model = NULL;
    _cleanup_(insp_trunk_freep) struct insp_trunk *trunk = NULL;
    int r = insp_model_load(context->device, context->state_dir, context->product, version, &model, reterr);
    bool at_hand = r == 0 && !strcmp(model->manifest->trunk_sha256, context->trunk_sha256);
    if (r == 0 && !at_hand)
        r = insp_trunk_open_on(context->device, context->state_dir, model->manifest->trunk_sha256, &trunk, reterr);
    if (r < 0)
        return r;
    const struct insp_score_files files = {
        .context = context, .trunk = at_hand ? context->trunk : trunk, .model = model, .set = &data->set};
    return insp_score_files(&files, member, count, progress, ret, reterr);
}

int insp_score_version(const struct insp_train_context *context, const struct insp_train_data *data,
                       const struct insp_transform *input, const char *version, const size_t *member, size_t count,
                       const struct insp_progress *progress, float *ret_probability, float *ret_map,
                       struct insp_manifest **ret_manifest, struct insp_error *reterr) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    _cleanup_(insp_model_unrefp) struct insp_model *model = NULL;
    int r = insp_bundle_read_manifest(context->state_dir, context->product, version, &manifest, reterr);
    if (r < 0)
        return r;
    if (insp_manifest_good_decides(manifest)) {
        const struct insp_answers answers = {.probability = ret_probability, .map = ret_map};
        r = insp_serve_version(context, data, version, member, count, progress, &answers, reterr);
        if (r == 0)
            *ret_manifest = insp_take_ptr(manifest);
        return r;
    }
    r = insp_model_load(context->device, context->state_dir, context->product, version, &model, reterr);
    if (r)
        return r;
    const struct insp_scorer scorer = {
        .tail = model->tail, .logistic = model->logistic, .use = model->manifest->logistic.use};
    bool same_file = data->cache && !strcmp(manifest->trunk_sha256, context->trunk_sha256) &&
                     insp_transform_equal(&manifest->input, input) &&
                     insp_tiles_equal(manifest->tiles, data->tiles);
    bool at_hand = same_file && insp_field_set_equal(manifest->fields, data->fields);
    r = at_hand ? insp_train_data_score(data, &scorer, member, count, progress, ret_probability, ret_map, reterr)
                : score_with_own_trunk(context, data, same_file, manifest, &scorer, member, count, progress,
                                       ret_probability, ret_map, reterr);
    if (r == 0)
        *ret_manifest = insp_take_ptr(manifest);
    return r;
}
