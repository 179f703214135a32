#include "api/watch/storage.h"

#include "tests/unit/harness.h"

#include <string.h>

static char *metrics(const struct api_storage *storage) {
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    api_storage_metrics(storage, out);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

static bool has(const char *text, const char *line) {
    return strstr(text, line) != NULL;
}

START_TEST(test_an_alarm_is_a_metric_and_a_reason) {
    struct api_storage storage = {.low = true, .swept_alarms = INSP_ALARM_CLOCK | INSP_ALARM_ORPHANS};
    json_t *list = json_array();
    api_storage_reasons(&storage, list);
    ck_assert_uint_eq(json_array_size(list), 3);
    ck_assert(has(json_string_value(json_array_get(list, 0)), "storage: the clock jumped"));
    ck_assert(has(json_string_value(json_array_get(list, 1)), "nearly full"));
    ck_assert(has(json_string_value(json_array_get(list, 2)), "no row"));
    json_decref(list);
    char *text = metrics(&storage);
    ck_assert(has(text, "inspectd_retention_alarm{reason=\"clock\"} 1\n"));
    ck_assert(has(text, "inspectd_retention_alarm{reason=\"space\"} 1\n"));
    ck_assert(has(text, "inspectd_retention_alarm{reason=\"held\"} 0\n"));
    ck_assert(has(text, "inspectd_retention_alarm{reason=\"orphans\"} 1\n"));
    ck_assert(!has(text, "inspectd_store_free_bytes"));
    free(text);
}
END_TEST

/* The disk is looked at more often than sweeps run: an alarm for space ends when there is room again. */
START_TEST(test_space_is_as_the_disk_is_now) {
    struct api_storage storage = {.swept_alarms = INSP_ALARM_SPACE | INSP_ALARM_HELD};
    ck_assert_uint_eq(api_storage_alarms(&storage), INSP_ALARM_HELD);
    storage.low = true;
    ck_assert_uint_eq(api_storage_alarms(&storage), INSP_ALARM_HELD | INSP_ALARM_SPACE);
}
END_TEST

START_TEST(test_every_alarm_has_a_name_and_a_text) {
    for (unsigned i = 0; i < INSP_ALARMS; i++) {
        ck_assert_uint_gt(strlen(insp_retention_alarm_name(1U << i)), 0);
        ck_assert_uint_gt(strlen(api_storage_alarm_text(1U << i)), 0);
    }
    struct api_storage storage = {.usage_known = true, .free_limit_bytes = 77};
    char *text = metrics(&storage);
    ck_assert(has(text, "inspectd_store_free_limit_bytes 77\n"));
    free(text);
}
END_TEST

INSP_TESTS(test_an_alarm_is_a_metric_and_a_reason, test_space_is_as_the_disk_is_now,
           test_every_alarm_has_a_name_and_a_text);
