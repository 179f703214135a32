#include "core/judge/judgement.h"

#include "core/train/train_data.h"
#include "tests/unit/train_fixture.h"

#include <math.h>

static json_int_t good_shown(const struct insp_judgement *judgement, struct insp_image_limits limits) {
    struct insp_error err;
    json_t *json;
    ck_insp_ok(insp_judgement_json(judgement, &limits, NULL, &json, &err), err);
    const json_t *rate = json_object_get(json, "good_shown");
    ck_assert_int_eq(json_integer_value(json_object_get(rate, "of")), 2);
    json_int_t hits = json_integer_value(json_object_get(rate, "hits"));
    json_decref(json);
    return hits;
}

START_TEST(the_part_of_a_report_that_is_about_images) {
    static struct train_fixture f;
    struct insp_train_data *data;
    const struct insp_transform input = insp_transform_default();
    train_fixture_open(&f);
    fixture_set(&f, 2, 1, 0);
    ck_insp_ok(insp_train_data_open(&f.context, &input, false, NULL, &data, &f.err), f.err);
    const size_t member[] = {0, 1, 2};
    const float probability[] = {0.25f, 0.24f, 0.1f};
    static float map[3 * INSP_MAP_FLOATS];
    struct insp_judgement judgement = {.set = &data->set,
                                       .member = member,
                                       .count = 3,
                                       .probability = probability,
                                       .map = map,
                                       .threshold = 0.25,
                                       .heatmap_scale = INSP_SCALE_PER_IMAGE,
                                       .heatmap_threshold = 0.5f};
    ck_assert(insp_judgement_anomaly(&judgement, 0) && !insp_judgement_anomaly(&judgement, 1));
    struct insp_heat_params heat = insp_judgement_heat(&judgement);
    ck_assert(heat.scale == INSP_SCALE_PER_IMAGE && heat.low == 0 && heat.high == 1);
    json_t *json;
    ck_insp_ok(insp_judgement_json(&judgement, &f.context.limits, NULL, &json, &f.err), f.err);
    ck_assert_double_eq(json_real_value(json_object_get(json, "threshold")), 0.25);
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(json, "heatmap"), "scale")), "per_image");
    ck_assert_uint_eq(json_array_size(json_object_get(json, "images")), 3);
    ck_assert_uint_ge(json_array_size(json_object_get(json, "roc")), 2);
    ck_assert(json_is_object(json_object_get(json, "histogram")));
    ck_assert(json_is_null(json_object_get(json, "localisation")));
    json_decref(json);
    ck_assert_int_eq(good_shown(&judgement, f.context.limits), 0);
    judgement.threshold = 0.2; /* per image: shown if the verdict is anomaly */
    ck_assert_int_eq(good_shown(&judgement, f.context.limits), 1);
    judgement.heatmap_scale = INSP_SCALE_FIXED;
    ck_assert_int_eq(good_shown(&judgement, f.context.limits), 0);
    map[INSP_MAP_FLOATS + 7] = 0.5f;
    ck_assert_int_eq(good_shown(&judgement, f.context.limits), 1);
    map[2 * INSP_MAP_FLOATS - 1] = 0.7f; /* of the same image */
    ck_assert_int_eq(good_shown(&judgement, f.context.limits), 1);
    map[5] = NAN;
    ck_insp_code(insp_judgement_json(&judgement, &f.context.limits, NULL, &json, &f.err), INSP_E_MODEL, f.err);
    insp_train_data_free(data);
    train_fixture_close(&f);
}
END_TEST

INSP_TESTS(the_part_of_a_report_that_is_about_images);
