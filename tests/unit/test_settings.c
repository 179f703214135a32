#include "daemon/settings.h"
#include "harness.h"

#include <string.h>

static struct daemon_settings settings;
static struct insp_error err;

static int set(const char *section, const char *key, const char *value) {
    return daemon_settings_set(&settings, section, key, value, &err);
}

START_TEST(test_defaults_are_those_of_the_table) {
    daemon_settings_default(&settings);
    ck_assert_str_eq(settings.server_listen, "127.0.0.1:8080");
    ck_assert_uint_eq(settings.limits_body_bytes, 32 << 20);
    ck_assert_str_eq(settings.server_open_access, "auto");
    ck_assert_str_eq(settings.storage_durability, "process");
    ck_assert_uint_eq(settings.limits_image_pixels, 64000000);
}
END_TEST

START_TEST(test_every_row_is_teachable) {
    size_t count;
    const struct daemon_setting *rows = daemon_setting_rows(&count);
    ck_assert_uint_gt(count, 20);
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg(strlen(rows[i].text) > 10, "%s.%s has no text", rows[i].section, rows[i].key);
        for (size_t j = 0; j < i; j++)
            ck_assert(strcmp(rows[i].key, rows[j].key) != 0 || strcmp(rows[i].section, rows[j].section) != 0);
        if (rows[i].kind == DAEMON_COUNT || rows[i].kind == DAEMON_SIZE)
            ck_assert_uint_lt(rows[i].min, rows[i].max);
    }
}
END_TEST

START_TEST(test_sizes_take_suffixes) {
    daemon_settings_default(&settings);
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {{"4096", 4096}, {"64K", 65536}, {"64k", 65536}, {"2M", 2097152}, {"1G", 1073741824}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_insp_ok(set("limits", "body_bytes", cases[i].text), err);
        ck_assert_uint_eq(settings.limits_body_bytes, cases[i].bytes);
    }
    ck_insp_ok(set("storage", "free_bytes_min", "1T"), err);
    ck_assert_uint_eq(settings.storage_free_bytes_min, UINT64_C(1) << 40);
    ck_insp_ok(set("storage", "free_bytes_min", "auto"), err);
    ck_assert_uint_eq(settings.storage_free_bytes_min, DAEMON_SIZE_AUTO);
    ck_insp_code(set("storage", "image_bytes_max", "auto"), INSP_E_CONFIG, err);
}
END_TEST

START_TEST(test_wrong_numbers_name_the_range) {
    static const char *const wrong[] = {
        "", "-1", "+5", " 5", "5 ", "0x10", "1e3", "4.5", "0", "4097", "99999999999999999999", "10K"};
    daemon_settings_default(&settings);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_insp_code(set("limits", "inflight", wrong[i]), INSP_E_CONFIG, err);
        ck_assert_ptr_nonnull(strstr(err.detail, "1 to 4096"));
        ck_assert_uint_eq(settings.limits_inflight, 64);
    }
    ck_insp_code(set("limits", "body_bytes", "18446744073709551615K"), INSP_E_CONFIG, err);
    ck_insp_code(set("limits", "body_bytes", "17179869184G"), INSP_E_CONFIG, err);
    ck_insp_code(set("limits", "body_bytes", "1KK"), INSP_E_CONFIG, err);
}
END_TEST

START_TEST(test_flags_and_choices) {
    daemon_settings_default(&settings);
    ck_insp_ok(set("training", "cache_half", "yes"), err);
    ck_assert(settings.training_cache_half);
    ck_insp_ok(set("training", "cache_half", "off"), err);
    ck_assert(!settings.training_cache_half);
    ck_insp_code(set("training", "cache_half", "perhaps"), INSP_E_CONFIG, err);
    ck_insp_ok(set("log", "level", "debug"), err);
    ck_insp_code(set("log", "level", "debu"), INSP_E_CONFIG, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "error|warning|info|debug"));
    ck_insp_code(set("log", "level", "info|debug"), INSP_E_CONFIG, err);
    ck_insp_code(set("log", "level", ""), INSP_E_CONFIG, err);
}
END_TEST

/* It was a flag: files and units in the field still say so. */
START_TEST(test_open_access_in_both_spellings) {
    static const char *const spellings[][2] = {{"true", "always"}, {"yes", "always"},   {"1", "always"},
                                               {"false", "auto"},  {"off", "auto"},     {"auto", "auto"},
                                               {"never", "never"}, {"always", "always"}};
    daemon_settings_default(&settings);
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        ck_insp_ok(set("server", "open_access", spellings[i][0]), err);
        ck_assert_str_eq(settings.server_open_access, spellings[i][1]);
    }
    ck_insp_code(set("server", "open_access", "perhaps"), INSP_E_CONFIG, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "auto|always|never"));
    ck_insp_code(set("log", "level", "true"), INSP_E_CONFIG, err); /* no other choice has them */
}
END_TEST

START_TEST(test_text_has_a_length) {
    static char text[DAEMON_TEXT_MAX + 2];
    memset(text, 'x', sizeof text - 1);
    daemon_settings_default(&settings);
    ck_insp_code(set("storage", "state_dir", text), INSP_E_CONFIG, err);
    text[DAEMON_TEXT_MAX] = '\0';
    ck_insp_ok(set("storage", "state_dir", text), err);
    ck_assert_str_eq(settings.storage_state_dir, text);
}
END_TEST

START_TEST(test_unknown_names_suggest) {
    daemon_settings_default(&settings);
    ck_insp_code(set("limits", "inflihgt", "5"), INSP_E_CONFIG, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "did you mean limits.inflight?"));
    ck_insp_code(set("", "inflight", "5"), INSP_E_CONFIG, err);
    ck_insp_code(set("nonsense", "whatever", "5"), INSP_E_CONFIG, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "--print-defaults"));
}
END_TEST

START_TEST(test_overrides) {
    daemon_settings_default(&settings);
    ck_insp_ok(daemon_settings_override(&settings, "server.listen=[::1]:9", &err), err);
    ck_assert_str_eq(settings.server_listen, "[::1]:9");
    ck_insp_ok(daemon_settings_override(&settings, "training.dataset_roots=/a=b:/c.d", &err), err);
    ck_assert_str_eq(settings.training_dataset_roots, "/a=b:/c.d");
    ck_insp_ok(daemon_settings_override(&settings, "storage.state_dir=", &err), err);
    static const char *const wrong[] = {"",   "=",    "limits", "limits.inflight", "limits=3", "inflight=1.5",
                                        ".=", "a.b=c"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_insp_code(daemon_settings_override(&settings, wrong[i], &err), INSP_E_CONFIG, err);
}
END_TEST

INSP_TESTS(test_defaults_are_those_of_the_table, test_every_row_is_teachable, test_sizes_take_suffixes,
           test_wrong_numbers_name_the_range, test_flags_and_choices, test_open_access_in_both_spellings,
           test_text_has_a_length, test_unknown_names_suggest, test_overrides);
