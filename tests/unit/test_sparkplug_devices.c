#include "api/sparkplug/sparkplug_devices.h"

#include "tests/unit/harness.h"

#include <string.h>

static struct api_sparkplug_device *use(struct api_sparkplug_devices *devices, const char *name, int64_t place) {
    struct api_sparkplug_device *device = api_sparkplug_device_of(devices, name);
    snprintf(device->name, sizeof device->name, "%s", name);
    device->last.place = place;
    return device;
}

START_TEST(a_new_device_replaces_the_oldest) {
    static struct api_sparkplug_devices devices;
    char name[16];
    for (int i = 0; i < API_SPARKPLUG_DEVICES; i++) {
        snprintf(name, sizeof name, "c%d", i);
        ck_assert_str_eq(api_sparkplug_device_of(&devices, name)->name, ""); /* free */
        use(&devices, name, i + 1);
    }
    use(&devices, "c0", 1000);
    ck_assert_str_eq(api_sparkplug_device_of(&devices, "c5")->name, "c5");
    ck_assert_str_eq(api_sparkplug_device_of(&devices, "new")->name, "c1");
    use(&devices, "new", 1001);
    ck_assert_str_eq(api_sparkplug_device_of(&devices, "c1")->name, "c2");
}
END_TEST

START_TEST(a_result_is_a_copy) {
    const struct insp_record record = {.id = "019ab7a0-4f2c-7c3e-9d0a-5b1f3c2d4e6f",
                                       .product = "carpet",
                                       .model = "v1",
                                       .camera = "c/1",
                                       .part = "p\xff",
                                       .verdict = INSP_VERDICT_REVIEW,
                                       .probability = 0.25f,
                                       .total_us = 2000,
                                       .takt_us = 1000};
    struct api_sparkplug_result result;
    api_sparkplug_result_of(&record, 7, &result);
    ck_assert_str_eq(result.device, "c%2F1");
    ck_assert_str_eq(result.part, "p?"); /* a text of Protocol Buffers is UTF-8 */
    ck_assert_str_eq(result.id, record.id);
    ck_assert(result.late && result.place == 7 && result.verdict == INSP_VERDICT_REVIEW);
}
END_TEST

START_TEST(a_birth_has_room_for_the_longest_names) {
    uint8_t payload[4096];
    struct api_sparkplug_result result = {.place = 1};
    struct api_sparkplug_writer writer;
    memset(result.id, 'a', sizeof result.id - 1);
    memset(result.product, 'a', sizeof result.product - 1);
    memset(result.model, 'a', sizeof result.model - 1);
    memset(result.part, 'a', sizeof result.part - 1);
    api_sparkplug_begin(&writer, payload, sizeof payload, INT64_MAX);
    api_sparkplug_add_result(&writer, &result, true, INT64_MAX);
    ck_assert_uint_gt(api_sparkplug_end(&writer, 255), 400);
}
END_TEST

INSP_TESTS(a_new_device_replaces_the_oldest, a_result_is_a_copy, a_birth_has_room_for_the_longest_names);
