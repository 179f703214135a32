#include "daemon/settings.h"
#include "harness.h"

#include <string.h>
#include <unistd.h>

static struct daemon_settings settings;
static struct insp_error err;

static int resolve(const char *assignment) {
    daemon_settings_default(&settings);
    if (assignment)
        ck_insp_ok(daemon_settings_override(&settings, assignment, &err), err);
    return daemon_settings_resolve(&settings, &err);
}

START_TEST(test_the_state_folder) {
    setenv("STATE_DIRECTORY", "/run/a:/run/b", 1);
    ck_insp_ok(resolve(NULL), err);
    ck_assert_str_eq(settings.storage_state_dir, "/run/a");
    ck_assert_str_eq(settings.training_dataset_roots, "/run/a/datasets");
    ck_insp_ok(resolve("storage.state_dir=/set"), err);
    ck_assert_str_eq(settings.storage_state_dir, "/set");
    unsetenv("STATE_DIRECTORY");
    setenv("XDG_STATE_HOME", "/home/u/.state", 1);
    ck_insp_ok(resolve(NULL), err);
    ck_assert_str_eq(settings.storage_state_dir, geteuid() == 0 ? "/var/lib/inspectd" : "/home/u/.state/inspectd");
}
END_TEST

START_TEST(test_an_ordinary_user) {
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0);
    unsetenv("STATE_DIRECTORY");
    setenv("XDG_STATE_HOME", "/s", 1);
    ck_insp_ok(resolve(NULL), err);
    ck_assert_str_eq(settings.storage_state_dir, "/s/inspectd");
    setenv("XDG_STATE_HOME", "relative", 1); /* the XDG rules say to ignore it */
    setenv("HOME", "/home/u", 1);
    ck_insp_ok(resolve(NULL), err);
    ck_assert_str_eq(settings.storage_state_dir, "/home/u/.local/state/inspectd");
    unsetenv("HOME");
    ck_insp_code(resolve(NULL), INSP_E_CONFIG, err);
    if (getuid() == 0) /* the leak checker needs it at exit */
        ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(test_addresses) {
    static const char *const good[] = {"127.0.0.1:0", "[::1]:8080", "localhost:1", "0.0.0.0:65535"};
    static const char *const bad[] = {"8080", ":8080",    "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                                      "a:x",  "::1:8080", "host:80 ",  "host:+80",   "host:000000080"};
    char assignment[64];
    setenv("STATE_DIRECTORY", "/s", 1);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(assignment, sizeof assignment, "server.listen=%s", good[i]);
        ck_insp_ok(resolve(assignment), err);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(assignment, sizeof assignment, "server.listen=%s", bad[i]);
        ck_insp_code(resolve(assignment), INSP_E_CONFIG, err);
    }
}
END_TEST

START_TEST(test_devices) {
    static const char *const good[] = {"auto", "cpu", "cuda", "cuda:0", "cuda:15"};
    static const char *const bad[] = {"gpu", "cuda:", "cuda:x", "cuda:1x", "cuda0", "CPU", "cuda:1234"};
    char assignment[64];
    setenv("STATE_DIRECTORY", "/s", 1);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(assignment, sizeof assignment, "device.name=%s", good[i]);
        ck_insp_ok(resolve(assignment), err);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(assignment, sizeof assignment, "device.name=%s", bad[i]);
        ck_insp_code(resolve(assignment), INSP_E_CONFIG, err);
    }
}
END_TEST

START_TEST(test_tls_needs_both_files) {
    setenv("STATE_DIRECTORY", "/s", 1);
    ck_insp_code(resolve("server.tls_key=/k"), INSP_E_CONFIG, err);
    ck_insp_code(resolve("server.tls_certificate=/c"), INSP_E_CONFIG, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "or neither"));
}
END_TEST

START_TEST(test_training_threads_follow_the_device) {
    setenv("STATE_DIRECTORY", "/s", 1);
    ck_insp_ok(resolve("device.threads=3"), err);
    ck_assert_uint_eq(settings.training_threads, 3);
}
END_TEST

START_TEST(test_webhook) {
    static const char *const bad[] = {"webhook.url=ftp://a/", "webhook.verdicts=bad",
                                      "webhook.verdicts=", "webhook.products=a/b"};
    setenv("STATE_DIRECTORY", "/s", 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_insp_code(resolve(bad[i]), INSP_E_CONFIG, err);
        ck_assert_msg(!strncmp(err.detail, bad[i], strcspn(bad[i], "=")), "%s", err.detail);
    }
    ck_insp_ok(resolve("webhook.secret_file=/nothing"), err);
    ck_insp_code(daemon_settings_check_files(&settings, &err), INSP_E_CONFIG, err);
}
END_TEST

START_TEST(test_watch) {
    setenv("STATE_DIRECTORY", "/s/state", 1);
    ck_insp_ok(resolve("watch.folder=/s/state2"), err);
    static const char *const bad[] = {"watch.folder=/s/state", "watch.folder=/s/", "watch.folder=/s/state/in/"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_insp_code(resolve(bad[i]), INSP_E_CONFIG, err);
        ck_assert_msg(!strncmp(err.detail, "watch.folder", 12), "%s", err.detail);
    }
}
END_TEST

START_TEST(test_mqtt) {
    static const char *const bad[] = {"mqtt.url=http://broker", "mqtt.prefix=a/#", "mqtt.password_file=/p",
                                      "mqtt.certificate=/c", "mqtt.key=/k"};
    setenv("STATE_DIRECTORY", "/s", 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char name[32];
        snprintf(name, sizeof name, "%.*s: ", (int)strcspn(bad[i], "="), bad[i]);
        ck_insp_code(resolve(bad[i]), INSP_E_CONFIG, err);
        ck_assert_msg(!strncmp(err.detail, name, strlen(name)), "%s", err.detail);
    }
    daemon_settings_default(&settings);
    ck_insp_ok(daemon_settings_override(&settings, "mqtt.url=mqtt://broker", &err), err);
    ck_insp_ok(daemon_settings_override(&settings, "mqtt.ca_file=/ca", &err), err);
    ck_insp_code(daemon_settings_resolve(&settings, &err), INSP_E_CONFIG, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "mqtts://"));
    ck_insp_ok(daemon_settings_override(&settings, "mqtt.url=mqtts://broker", &err), err);
    ck_insp_ok(daemon_settings_resolve(&settings, &err), err);
    ck_insp_code(daemon_settings_check_files(&settings, &err), INSP_E_CONFIG, err);
    ck_assert_str_eq(err.detail, "mqtt.ca_file: cannot read /ca: No such file or directory");
    ck_insp_ok(daemon_settings_override(&settings, "mqtt.ca_file=/", &err), err);
    ck_insp_code(daemon_settings_check_files(&settings, &err), INSP_E_CONFIG, err);
    ck_insp_ok(daemon_settings_override(&settings, "mqtt.ca_file=/proc/self/exe", &err), err);
    ck_insp_ok(daemon_settings_check_files(&settings, &err), err);
}
END_TEST

INSP_TESTS(test_the_state_folder, test_an_ordinary_user, test_addresses, test_devices, test_tls_needs_both_files,
           test_training_threads_follow_the_device, test_mqtt, test_webhook, test_watch);
