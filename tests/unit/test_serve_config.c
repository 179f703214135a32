#include "daemon/serve_config.h"
#include "harness.h"

static struct daemon_settings settings;
static struct insp_error err;

static void set(const char *assignment) {
    ck_insp_ok(daemon_settings_override(&settings, assignment, &err), err);
}

START_TEST(test_units_are_converted) {
    daemon_settings_default(&settings);
    ck_assert_uint_eq(daemon_api_config(&settings).retention.free_bytes_min, INSP_FREE_BYTES_AUTO);
    set("storage.keep_good_days=2");
    set("storage.keep_anomaly_days=0");
    set("storage.free_bytes_min=1G");
    set("limits.body_bytes=1M");
    set("limits.image_width=100");
    struct api_config config = daemon_api_config(&settings);
    ck_assert_int_eq(config.retention.good_age_us, INT64_C(172800000000));
    ck_assert_int_eq(config.retention.anomaly_age_us, 0);
    ck_assert_uint_eq(config.retention.free_bytes_min, 1073741824);
    ck_assert_uint_eq(config.body_bytes, 1048576);
    ck_assert_uint_eq(config.image_limits.bytes, 1048576);
    ck_assert_uint_eq(config.image_limits.width, 100);
    ck_assert_int_eq(config.listen_fd, -1);
}
END_TEST

START_TEST(test_devices) {
    daemon_settings_default(&settings);
    set("device.cpu_engine=torch");
    set("device.threads=3");
    set("training.threads=2");
    struct insp_device_config serving = daemon_device_config(&settings);
    struct insp_device_config training = daemon_training_device_config(&settings);
    ck_assert_int_eq(serving.engine, INSP_CPU_TORCH);
    ck_assert_uint_eq(serving.threads, 3);
    ck_assert_uint_eq(training.threads, 2);
    ck_assert(training.deterministic && !serving.deterministic);
    set("device.cpu_engine=packed");
    ck_assert_int_eq(daemon_device_config(&settings).engine, INSP_CPU_PACKED);
    set("device.cpu_engine=auto");
    ck_assert_int_eq(daemon_device_config(&settings).engine, INSP_CPU_AUTO);
}
END_TEST

START_TEST(test_durability) {
    daemon_settings_default(&settings);
    ck_assert_int_eq(daemon_durability(&settings), INSP_DURABLE_PROCESS);
    set("storage.durability=power");
    ck_assert_int_eq(daemon_durability(&settings), INSP_DURABLE_POWER);
}
END_TEST

INSP_TESTS(test_units_are_converted, test_devices, test_durability);
