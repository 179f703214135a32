#include "core/train/train_params.h"

#include "harness.h"

static const char *text(const json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

START_TEST(all_parameters_are_kept) {
    struct insp_train_params params = insp_train_params_default();
    params.seed = 7;
    params.tiles = (struct insp_tiles){4, 3};
    params.heatmap_scale = INSP_SCALE_PER_IMAGE;
    params.skip_unreadable = true;
    json_t *json = insp_train_params_json(&params);
    ck_assert_double_eq(json_real_value(json_array_get(json_object_get(json, "class_weights"), 1)), 3);
    ck_assert_double_eq_tol(json_real_value(json_object_get(json, "learning_rate")), 1e-4, 1e-10);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "epochs")), 10);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "batch")), 10);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "folds")), 5);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "seed")), 7);
    ck_assert_str_eq(text(json, "heatmap_scale"), "per_image");
    ck_assert_str_eq(text(json, "activate"), "if_better");
    ck_assert(json_is_true(json_object_get(json, "skip_unreadable")));
    ck_assert_double_eq(json_real_value(json_object_get(json, "max_missed")), 0.05);
    ck_assert_str_eq(text(json, "mode"), "auto");
    ck_assert_double_eq(json_real_value(json_object_get(json, "max_rejected")), 0.05);
    ck_assert(json_is_true(json_object_get(json, "candidates")));
    ck_assert_str_eq(text(json, "tiles"), "4x3");
    ck_assert_uint_eq(json_object_size(json), 20);
    json_decref(json);
}
END_TEST

INSP_TESTS(all_parameters_are_kept);
