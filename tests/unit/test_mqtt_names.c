#include "api/sinks/mqtt_names.h"

#include "tests/unit/harness.h"

#include <string.h>

START_TEST(addresses) {
    static const struct {
        const char *url, *host;
        unsigned port;
        bool tls;
    } good[] = {{"mqtt://broker", "broker", 1883, false},
                {"mqtts://broker/", "broker", 8883, true},
                {"mqtt://10.0.0.1:1", "10.0.0.1", 1, false},
                {"mqtt://[::1]:1884", "::1", 1884, false},
                {"mqtts://[fe80::1]", "fe80::1", 8883, true},
                {"mqtt://b.plant.example:65535/", "b.plant.example", 65535, false}};
    struct insp_error err;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct api_mqtt_address address;
        ck_insp_ok(api_mqtt_address(good[i].url, &address, &err), err);
        ck_assert_str_eq(address.host, good[i].host);
        ck_assert(address.port == good[i].port && address.tls == good[i].tls);
    }
}
END_TEST

START_TEST(texts_that_are_no_address) {
    static const char *const bad[] = {"",
                                      "broker",
                                      "http://broker",
                                      "mqtt:/broker",
                                      "mqtt://",
                                      "mqtt://:1883",
                                      "mqtt://broker:",
                                      "mqtt://broker:0",
                                      "mqtt://broker:65536",
                                      "mqtt://broker:1883x",
                                      "mqtt://broker:+1",
                                      "mqtt://broker:000001883",
                                      "mqtt://broker/topic",
                                      "mqtt://broker?x=1",
                                      "mqtt://bro ker",
                                      "mqtt://[::1",
                                      "mqtt://::1",
                                      "mqtt://[]:1883",
                                      "MQTT://broker"};
    struct api_mqtt_address address;
    struct insp_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_insp_code(api_mqtt_address(bad[i], &address, &err), INSP_E_CONFIG, err);
    ck_insp_code(api_mqtt_address("mqtt://me:secret@broker", &address, &err), INSP_E_CONFIG, err);
    ck_assert_ptr_null(strstr(err.detail, "secret"));
    ck_assert_ptr_nonnull(strstr(err.detail, "mqtt.password_file"));
    char lengthy[512] = "mqtt://";
    memset(lengthy + 7, 'a', API_MQTT_HOST_BYTES);
    ck_insp_code(api_mqtt_address(lengthy, &address, &err), INSP_E_CONFIG, err);
}
END_TEST

START_TEST(prefixes) {
    static const char *const good[] = {"", "inspectd", "acme/plant 1/line3", "Werk/Straße"};
    static const char *const bad[] = {"/a",     "a/",   "a//b",  "a/+",   "#",
                                      "$SYS/x", "a\nb", "a\xff", "a\x7f", "a\xef\xbf\xbe"};
    char lengthy[API_MQTT_PREFIX_BYTES + 1];
    struct insp_error err;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_insp_ok(api_mqtt_prefix_check(good[i], &err), err);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_insp_code(api_mqtt_prefix_check(bad[i], &err), INSP_E_CONFIG, err);
    memset(lengthy, 'a', sizeof lengthy);
    lengthy[API_MQTT_PREFIX_BYTES] = 0;
    ck_insp_code(api_mqtt_prefix_check(lengthy, &err), INSP_E_CONFIG, err);
}
END_TEST

START_TEST(targets) {
    static const char *const urls[] = {"mqtt://broker:1883", "mqtts://[fe80::1]:8883"};
    struct api_mqtt_address address;
    struct insp_error err;
    char target[64];
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        ck_insp_ok(api_mqtt_address(urls[i], &address, &err), err);
        api_mqtt_target(&address, target, sizeof target);
        ck_assert_str_eq(target, urls[i]);
    }
}
END_TEST

START_TEST(names_of_sparkplug) {
    static const char *const good[] = {"", "plant 1", "STATES"};
    static const char *const bad[] = {"a/b", "STATE", "a+", "#", "$a", "a\n"};
    struct insp_error err;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_insp_ok(api_mqtt_sparkplug_check(good[i], &err), err);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_insp_code(api_mqtt_sparkplug_check(bad[i], &err), INSP_E_CONFIG, err);
}
END_TEST

START_TEST(levels) {
    char level[API_MQTT_LEVEL_BYTES], name[1024];
    api_mqtt_level("", level);
    ck_assert_str_eq(level, "-");
    api_mqtt_level("a/b+c#d%e\x01\x7f Straße", level);
    ck_assert_str_eq(level, "a%2Fb%2Bc%23d%25e%01%7F Straße");
    memset(name, '/', sizeof name);
    name[sizeof name - 1] = 0;
    api_mqtt_level(name, level);
    ck_assert_uint_eq(strlen(level), 3 * 129); /* cut, and at a whole %XX */
    name[128] = 0;
    api_mqtt_level(name, level);
    ck_assert_uint_eq(strlen(level), 3 * 128);
}
END_TEST

INSP_TESTS(addresses, texts_that_are_no_address, targets, prefixes, names_of_sparkplug, levels);
