#include "core/train/train_params.h"

#include "core/model/float_json.h"

struct insp_train_params insp_train_params_default(void) {
    return (struct insp_train_params){
        .class_weights = {1, 3},
        .learning_rate = 1e-4f,
        .epochs = 10,
        .batch = 10,
        .target_accuracy = 0.98f,
        .test_share = 0.2f,
        .folds = 5,
        .seed = 42,
        .threshold = 0.5f,
        .threshold_auto = true,
        .candidates = true,
        .heatmap_threshold = 0.7f,
        .heat_auto = true,
        .heatmap_scale = INSP_SCALE_FIXED,
        .activate = INSP_ACTIVATE_IF_BETTER,
        .max_missed = 0.05,
        .mode = INSP_MODE_AUTO,
        .max_rejected = 0.05,
        .input = insp_transform_default(),
    };
}

const char *insp_train_mode_name(enum insp_train_mode mode) {
    static const char *const name[] = {[INSP_MODE_AUTO] = "auto",
                                       [INSP_MODE_SUPERVISED] = "supervised",
                                       [INSP_MODE_GOOD_ONLY] = "good_only",
                                       [INSP_MODE_ADD_GOOD] = "add_good"};
    return name[mode];
}

json_t *insp_train_params_json(const struct insp_train_params *p) {
    char tiles[INSP_TILES_TEXT_BYTES];
    return json_pack(
        "{s:[o,o], s:o, s:I, s:I, s:o, s:o, s:I, s:I, s:o, s:o, s:s, s:s, s:b, s:f, s:s, s:s, s:f, s:b, s:s, s:s}",
        "class_weights", insp_float_json(p->class_weights[0]), insp_float_json(p->class_weights[1]),
        "learning_rate", insp_float_json(p->learning_rate), "epochs", (json_int_t)p->epochs, "batch",
        (json_int_t)p->batch, "target_accuracy", insp_float_json(p->target_accuracy), "test_share",
        insp_float_json(p->test_share), "folds", (json_int_t)p->folds, "seed", (json_int_t)p->seed, "threshold",
        p->threshold_auto ? json_string("auto") : insp_float_json(p->threshold), "heatmap_threshold",
        insp_float_json(p->heatmap_threshold), "heatmap_scale",
        p->heatmap_scale == INSP_SCALE_FIXED ? "fixed" : "per_image", "activate", insp_activate_name(p->activate),
        "skip_unreadable", (int)p->skip_unreadable, "max_missed", p->max_missed, "input",
        insp_transform_name(&p->input), "mode", insp_train_mode_name(p->mode), "max_rejected", p->max_rejected,
        "candidates", (int)p->candidates, "heat", p->heat_auto ? "auto" : insp_heat_kind_name(p->heat), "tiles",
        insp_tiles_text(p->tiles, tiles));
}
