#include "core/train/train_mode.h"

#include "core/good_only/good_fit.h"
#include "core/train/good/good_training.h"
#include "core/train/heat/heat_choose.h"
#include "core/train/tiles/tile_labels.h"

int insp_train_tiles_check(const struct insp_train_params *params, struct insp_error *reterr) {
    if (!insp_tiles_on(params->tiles))
        return 0;
    if (params->mode == INSP_MODE_ADD_GOOD)
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "a version that exists keeps the tiles that it was trained with: leave out tiles");
    if (params->mode != INSP_MODE_GOOD_ONLY && params->heatmap_scale != INSP_SCALE_FIXED)
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "heatmap_scale must be \"fixed\" with tiles, whose maps are stitched into one");
    return 0;
}

enum insp_train_mode insp_train_mode_choose(enum insp_train_mode mode, size_t good, size_t defective) {
    if (mode != INSP_MODE_AUTO)
        return mode;
    bool few_good = good < INSP_GOOD_IMAGES_MIN && defective;
    return defective >= INSP_AUTO_DEFECTS || few_good ? INSP_MODE_SUPERVISED : INSP_MODE_GOOD_ONLY;
}

/* Says whether a set whose defective images have no marks at all goes without them: then its tiles have labels for
 * good parts alone. */
static int choose_by_marks(const struct insp_train_context *context, const struct insp_dataset *dataset,
                           enum insp_train_mode *mode, struct insp_error *reterr) {
    char names[INSP_TILE_NAMES_BYTES];
    size_t marked, bare;
    int r = insp_tile_marks(dataset, &marked, &bare, names, reterr);
    if (r == 0 && !marked && bare >= 1) {
        const size_t outside = insp_tile_unmarkable(dataset);
        insp_progress_log(&context->progress,
                          "mode good_only: none of %zu defective images has a mask or boxes, without which tiles "
                          "cannot be told apart",
                          bare);
        if (outside)
            insp_progress_log(&context->progress,
                              "check: %zu defective images are below train, where they cannot have a mask or "
                              "boxes: move them to test/<defect>",
                              outside);
        *mode = INSP_MODE_GOOD_ONLY;
    }
    return r;
}

int insp_train_mode_of(const struct insp_train_context *context, const struct insp_train_params *params,
                       enum insp_train_mode *ret, struct insp_error *reterr) {
    _cleanup_(insp_dataset_freep) struct insp_dataset *dataset = NULL;
    size_t defective = 0;
    int r = insp_train_tiles_check(params, reterr);
    *ret = params->mode;
    if (r < 0 || params->mode != INSP_MODE_AUTO)
        return r;
    r = insp_dataset_list(context->dataset_root, &dataset, reterr);
    if (r < 0)
        return r;
    for (size_t i = 0; i < dataset->count; i++)
        defective += dataset->item[i].label == INSP_CLASS_ANOMALY;
    *ret = insp_train_mode_choose(params->mode, dataset->count - defective, defective);
    return *ret == INSP_MODE_SUPERVISED && insp_tiles_on(params->tiles)
               ? choose_by_marks(context, dataset, ret, reterr)
               : 0;
}

int insp_train(const struct insp_train_context *context, const struct insp_train_params *params,
               json_t **ret_report, struct insp_error *reterr) {
    enum insp_train_mode mode;
    int r = insp_train_mode_of(context, params, &mode, reterr);
    if (r == 0)
        r = insp_heat_choose_check(params, mode, reterr);
    if (r < 0)
        return r;
    if (mode == INSP_MODE_ADD_GOOD)
        return insp_train_add_good(context, params, ret_report, reterr);
    return mode == INSP_MODE_GOOD_ONLY
               ? insp_train_good_only(context, params, ret_report, reterr)
               : insp_train_supervised(context, params, params->mode == INSP_MODE_AUTO, ret_report, reterr);
}
