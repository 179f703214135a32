/* The manifest's "pictures". */
#include "core/model/training_pictures.h"

#include "harness.h"

#include <string.h>

START_TEST(test_round) {
    struct insp_stat_ranges ranges = insp_stat_ranges_none(), again;
    struct insp_image_stats stats = {0};
    struct insp_error error;
    for (int n = 0; n < 3; n++) {
        for (size_t i = 0; i < INSP_STAT_COUNT; i++)
            stats.value[i] = (float)n * 0.1f + (float)i;
        insp_stat_ranges_add(&ranges, &stats);
    }
    json_t *json = insp_pictures_json(&ranges);
    ck_assert_ptr_null(json_object_get(json, "layout"));
    json_decref(json);
    static struct insp_layout layout[INSP_LAYOUT_PICTURES_MIN];
    for (size_t n = 0; n < INSP_LAYOUT_PICTURES_MIN; n++)
        for (size_t i = 0; i < INSP_LAYOUT_NUMBERS; i++)
            layout[n].number[i] = (float)((i + 7 * n) % 250) + 0.3f;
    insp_layout_range_of(layout, INSP_LAYOUT_PICTURES_MIN, &ranges.layout);
    json = insp_pictures_json(&ranges);
    ck_insp_ok(insp_pictures_parse(json, &again, &error), error);
    ck_assert_uint_eq(again.count, 3);
    ck_assert(again.layout.known && again.layout.largest == ranges.layout.largest);
    ck_assert_mem_eq(again.layout.mean, ranges.layout.mean, sizeof again.layout.mean);
    ck_assert_mem_eq(again.layout.deviation, ranges.layout.deviation, sizeof again.layout.deviation);
    for (size_t i = 0; i < INSP_STAT_COUNT; i++)
        ck_assert(again.low[i] == ranges.low[i] && again.high[i] == ranges.high[i]);
    json_decref(json);
    const struct insp_stat_ranges none = insp_stat_ranges_none();
    json = insp_pictures_json(&none);
    ck_assert(json_is_null(json));
    ck_insp_ok(insp_pictures_parse(json, &again, &error), error);
    ck_assert_uint_eq(again.count, 0);
    json_decref(json);
    ck_insp_ok(insp_pictures_parse(NULL, &again, &error), error);
    ck_assert(!insp_stat_known(&again, INSP_STAT_BRIGHT));
}
END_TEST

/* Written by another version: a number that it does not know is not known, one that is new is passed over. */
START_TEST(test_other_versions) {
    struct insp_stat_ranges ranges;
    struct insp_error error;
    json_t *json = json_loads("{\"count\": 2, \"bright\": [10, 20.5], \"sharpness\": [1, 2]}", 0, NULL);
    ck_insp_ok(insp_pictures_parse(json, &ranges, &error), error);
    ck_assert(insp_stat_known(&ranges, INSP_STAT_BRIGHT) && !insp_stat_known(&ranges, INSP_STAT_DARK));
    ck_assert(ranges.high[INSP_STAT_BRIGHT] == 20.5f);
    json_decref(json);
}
END_TEST

START_TEST(test_refused) {
    static const char *const texts[] = {
        "[]",
        "{}",
        "{\"count\": 0}",
        "{\"count\": 1.5}",
        "{\"count\": \"2\"}",
        "{\"count\": 99999999999}",
        "{\"count\": 2, \"bright\": 3}",
        "{\"count\": 2, \"layout\": 3}",
        "{\"count\": 2, \"layout\": {\"largest\": -1, \"cells\": \"\"}}",
        "{\"count\": 2, \"layout\": {\"largest\": 1, \"cells\": \"AAAA\"}}",
        "{\"count\": 2, \"bright\": null}",
        "{\"count\": 2, \"bright\": [3]}",
        "{\"count\": 2, \"bright\": [3, 2]}",
        "{\"count\": 2, \"bright\": [-1, 2]}",
        "{\"count\": 2, \"bright\": [1, 1e30]}",
        "{\"count\": 2, \"bright\": [\"1\", 2]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *json = json_loads(texts[i], 0, NULL);
        struct insp_stat_ranges ranges;
        struct insp_error error;
        ck_assert_ptr_nonnull(json);
        ck_insp_code(insp_pictures_parse(json, &ranges, &error), INSP_E_MODEL, error);
        ck_assert_ptr_nonnull(strstr(error.detail, "pictures"));
        json_decref(json);
    }
}
END_TEST

INSP_TESTS(test_round, test_other_versions, test_refused);
