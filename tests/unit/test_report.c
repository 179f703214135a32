#include "core/judge/report.h"

#include "core/base/base64.h"
#include "core/train/train_data.h"
#include "tests/unit/train_fixture.h"

static struct train_fixture f;
static struct insp_train_data *data;

static void open_data(void) {
    const struct insp_transform input = insp_transform_default();
    ck_insp_ok(insp_train_data_open(&f.context, &input, false, NULL, &data, &f.err), f.err);
}

static void close_data(void) {
    insp_train_data_free(data);
    train_fixture_close(&f);
}

static const char *text(const json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

START_TEST(dataset_with_counts) {
    train_fixture_open(&f);
    fixture_set(&f, 3, 2, 1);
    fixture_bytes(&f, "test/hole/notes.txt", "x", 1);
    open_data();
    json_t *json = insp_report_dataset(&data->set, true), *counts = json_object_get(json, "counts");
    ck_assert_str_eq(text(json, "digest"), data->set.digest);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "images")), 6);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "ignored")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "skipped")), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(json_object_get(json, "scan"), "folders")), 3);
    ck_assert_int_eq(json_integer_value(json_object_get(counts, "stain")), 1);
    json_decref(json);
    close_data();
}
END_TEST

/* Maps of heat 0.5 but for cell 3, which is hot. */
static json_t *images_of(const size_t *member, size_t count, const float *probability) {
    _cleanup_free_ float *map = malloc(count * INSP_MAP_FLOATS * sizeof *map);
    for (size_t i = 0; i < count * INSP_MAP_FLOATS; i++)
        map[i] = i % INSP_MAP_FLOATS == 3 ? 1.7f : 0.5f;
    const struct insp_judgement judgement = {.set = &data->set,
                                             .member = member,
                                             .count = count,
                                             .probability = probability,
                                             .map = map,
                                             .threshold = 0.5,
                                             .heatmap_threshold = 0.7f};
    return insp_report_images(&judgement);
}

/* Members by path: test/hole/00, 01, train/good/00, 01, 02. */
START_TEST(worst_images_first) {
    train_fixture_open(&f);
    fixture_set(&f, 3, 2, 0);
    open_data();
    const size_t member[] = {0, 1, 2, 3, 4};
    const float probability[] = {0.45f, 0.9f, 0.95f, 0.5f, 0.1f};
    json_t *images = images_of(member, 5, probability);
    ck_assert_uint_eq(json_array_size(images), 5);
    static const struct {
        const char *path, *label, *verdict;
        bool wrong;
    } want[] = {{"train/good/00.png", "good", "anomaly", true},
                {"test/hole/00.png", "anomaly", "good", true},
                {"train/good/01.png", "good", "anomaly", true}, /* at the threshold is an anomaly */
                {"test/hole/01.png", "anomaly", "anomaly", false},
                {"train/good/02.png", "good", "good", false}};
    for (size_t i = 0; i < 5; i++) {
        const json_t *image = json_array_get(images, i);
        ck_assert_str_eq(text(image, "path"), want[i].path);
        ck_assert_str_eq(text(image, "label"), want[i].label);
        ck_assert_str_eq(text(image, "verdict"), want[i].verdict);
        ck_assert(json_boolean_value(json_object_get(image, "wrong")) == want[i].wrong);
    }
    const json_t *hole = json_array_get(images, 1);
    ck_assert_str_eq(text(hole, "type"), "hole");
    ck_assert_str_eq(text(hole, "sha256"), data->set.dataset->item[0].sha256);
    uint8_t heat[INSP_MAP_FLOATS];
    ck_assert(insp_base64_decode(text(hole, "heat"), heat, sizeof heat));
    ck_assert_uint_eq(heat[3], 255);
    ck_assert_uint_eq(heat[4], 128);
    json_decref(images);
    close_data();
}
END_TEST

/* The wrong ones are all there, up to the bound; the others fill up to the number of heats. */
START_TEST(no_wrong_image_is_left_out) {
    train_fixture_open(&f);
    fixture_set(&f, INSP_REPORT_HEATS + 10, 2, 0);
    open_data();
    size_t member[INSP_REPORT_HEATS + 12];
    float probability[INSP_REPORT_HEATS + 12];
    for (size_t wrong = 0; wrong < data->set.count; wrong += INSP_REPORT_HEATS + 5) {
        for (size_t i = 0; i < data->set.count; i++) { /* the last ones are wrong */
            member[i] = i;
            probability[i] =
                (data->set.label[i] == INSP_CLASS_ANOMALY) == (i + wrong < data->set.count) ? 0.9f : 0.1f;
        }
        json_t *images = images_of(member, data->set.count, probability);
        ck_assert_uint_eq(json_array_size(images), wrong ? wrong : INSP_REPORT_HEATS);
        for (size_t i = 0; i < json_array_size(images); i++) {
            const json_t *image = json_array_get(images, i);
            ck_assert(json_boolean_value(json_object_get(image, "wrong")) == (wrong > 0));
            ck_assert((json_object_get(image, "heat") != NULL) == (i < INSP_REPORT_HEATS));
        }
        json_decref(images);
    }
    json_t *roc = insp_report_roc(&data->set, member, data->set.count, probability);
    ck_assert_uint_ge(json_array_size(roc), 2);
    json_decref(roc);
    close_data();
}
END_TEST

/* Members by path: three holes, two stains, a good one. One stain is missed. */
START_TEST(examples_take_turns_among_the_types) {
    train_fixture_open(&f);
    fixture_set(&f, 1, 3, 2);
    open_data();
    const size_t member[] = {0, 1, 2, 3, 4, 5};
    const float probability[] = {0.7f, 0.9f, 0.6f, 0.1f, 0.8f, 0.95f};
    static const char *const want[] = {"test/hole/01.png", "test/stain/01.png", "test/hole/00.png",
                                       "test/hole/02.png"};
    static float map[6 * INSP_MAP_FLOATS];
    const struct insp_judgement judgement = {
        .set = &data->set, .member = member, .count = 6, .probability = probability, .map = map, .threshold = 0.5};
    json_t *examples = insp_report_examples(&judgement);
    ck_assert_uint_eq(json_array_size(examples), INSP_COUNT(want));
    for (size_t i = 0; i < INSP_COUNT(want); i++) {
        ck_assert_str_eq(text(json_array_get(examples, i), "path"), want[i]);
        ck_assert_ptr_nonnull(text(json_array_get(examples, i), "heat"));
    }
    json_decref(examples);
    close_data();
}
END_TEST

START_TEST(the_histogram_counts_every_image_once) {
    train_fixture_open(&f);
    fixture_set(&f, 3, 2, 0);
    open_data();
    const size_t member[] = {0, 1, 2, 3, 4};
    const float probability[] = {1, 0.5f, 0, 0.049f, 0.05f};
    const struct insp_judgement judgement = {
        .set = &data->set, .member = member, .count = 5, .probability = probability, .threshold = 0.5};
    json_t *json = insp_report_histogram(&judgement);
    const json_t *good = json_object_get(json, "good"), *anomaly = json_object_get(json, "anomaly");
    ck_assert_uint_eq(json_array_size(good), INSP_REPORT_BINS);
    ck_assert_int_eq(json_integer_value(json_array_get(good, 0)), 2);
    ck_assert_int_eq(json_integer_value(json_array_get(good, 1)), 1);
    ck_assert_int_eq(json_integer_value(json_array_get(anomaly, 10)), 1);
    ck_assert_int_eq(json_integer_value(json_array_get(anomaly, 19)), 1);
    json_decref(json);
    close_data();
}
END_TEST

START_TEST(a_part_that_is_missing_is_no_report) {
    json_t *whole;
    struct insp_error error;
    ck_insp_ok(insp_report_join(json_pack("{s:i}", "a", 1), json_pack("{s:i}", "b", 2), &whole, &error), error);
    ck_assert_uint_eq(json_object_size(whole), 2);
    json_decref(whole);
    ck_insp_code(insp_report_join(NULL, json_object(), &whole, &error), INSP_E_NOMEM, error);
    ck_insp_code(insp_report_join(json_object(), NULL, &whole, &error), INSP_E_NOMEM, error);
}
END_TEST

START_TEST(a_name_that_is_no_utf8_is_told_by_hash) {
    train_fixture_open(&f);
    fixture_set(&f, 2, 1, 0);
    fixture_image(&f, "test/hole/\xff.png", 210);
    open_data();
    const size_t member[] = {1};
    const float probability[] = {0.9f};
    json_t *images = images_of(member, 1, probability);
    char want[7 + INSP_SHA256_HEX_BYTES];
    snprintf(want, sizeof want, "sha256:%s", data->set.dataset->item[1].sha256);
    ck_assert_str_eq(text(json_array_get(images, 0), "path"), want);
    json_decref(images);
    close_data();
}
END_TEST

START_TEST(metrics_name_the_datasets_types) {
    train_fixture_open(&f);
    fixture_set(&f, 2, 1, 1);
    open_data();
    const size_t member[] = {0, 1, 2, 3};
    const float probability[] = {0.9f, 0.1f, 0.1f, 0.1f};
    struct insp_metrics metrics;
    ck_insp_ok(insp_train_data_metrics(data, member, 4, probability, 0.5, &metrics, &f.err), f.err);
    json_t *json = insp_report_metrics(&data->set, &metrics), *types = json_object_get(json, "by_type");
    ck_assert_double_eq(json_real_value(json_object_get(json_object_get(types, "hole"), "value")), 1);
    ck_assert_double_eq(json_real_value(json_object_get(json_object_get(types, "stain"), "value")), 0);
    ck_assert_double_eq(json_real_value(json_object_get(json_object_get(types, "good"), "value")), 1);
    json_decref(json);
    insp_metrics_clear(&metrics);
    close_data();
}
END_TEST

INSP_TESTS(dataset_with_counts, worst_images_first, no_wrong_image_is_left_out,
           examples_take_turns_among_the_types, the_histogram_counts_every_image_once,
           a_part_that_is_missing_is_no_report, a_name_that_is_no_utf8_is_told_by_hash,
           metrics_name_the_datasets_types);
