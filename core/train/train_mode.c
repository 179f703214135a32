#include "core/train/train_mode.h"

#include "core/good_only/good_fit.h"
#include "core/train/good/good_training.h"
#include "core/train/heat/heat_choose.h"

/* The label of a defective image does not say which of its tiles show the defect: masks would have to. */
int insp_train_tiles_check(const struct insp_train_params *params, struct insp_error *reterr) {
    if (!insp_tiles_on(params->tiles))
        return 0;
    if (params->mode == INSP_MODE_ADD_GOOD)
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "a version that exists keeps the tiles that it was trained with: leave out tiles");
    if (params->mode == INSP_MODE_SUPERVISED)
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "tiles need mode good_only, for which no image must be defective: a supervised training "
                         "cannot tell which tiles of a defective image show its defect");
    return 0;
}

enum insp_train_mode insp_train_mode_choose(enum insp_train_mode mode, size_t good, size_t defective) {
    if (mode != INSP_MODE_AUTO)
        return mode;
    bool few_good = good < INSP_GOOD_IMAGES_MIN && defective;
    return defective >= INSP_AUTO_DEFECTS || few_good ? INSP_MODE_SUPERVISED : INSP_MODE_GOOD_ONLY;
}

int insp_train_mode_of(const struct insp_train_context *context, const struct insp_train_params *params,
                       enum insp_train_mode *ret, struct insp_error *reterr) {
    _cleanup_(insp_dataset_freep) struct insp_dataset *dataset = NULL;
    size_t defective = 0;
    int r = insp_train_tiles_check(params, reterr);
    *ret = params->mode;
    if (r < 0 || params->mode != INSP_MODE_AUTO)
        return r;
    *ret = INSP_MODE_GOOD_ONLY;
    if (insp_tiles_on(params->tiles))
        return 0;
    r = insp_dataset_list(context->dataset_root, &dataset, reterr);
    if (r < 0)
        return r;
    for (size_t i = 0; i < dataset->count; i++)
        defective += dataset->item[i].label == INSP_CLASS_ANOMALY;
    *ret = insp_train_mode_choose(params->mode, dataset->count - defective, defective);
    return 0;
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
