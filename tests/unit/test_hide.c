#include "api/http/hide.h"
#include "tests/unit/harness.h"

#include <string.h>

static struct api_hidden hidden;

static const char *hide(const char *text) {
    static char out[128];
    snprintf(out, sizeof out, "%s", text);
    api_hide(&hidden, out, sizeof out);
    return out;
}

static void add_folders(void) {
    hidden = (struct api_hidden){0};
    api_hidden_add(&hidden, "/var/lib/inspectd/", "<state>");
    api_hidden_add(&hidden, "/var/lib/inspectd/datasets::/srv/sets//:/", "<datasets>");
}

START_TEST(test_folders_are_replaced) {
    add_folders();
    ck_assert_uint_eq(hidden.count, 3);
    ck_assert_str_eq(hide("cannot read /var/lib/inspectd/images/a.png: gone"),
                     "cannot read <state>/images/a.png: gone");
    ck_assert_str_eq(hide("/var/lib/inspectd/datasets/carpet is empty"), "<datasets>/carpet is empty");
    ck_assert_str_eq(hide("\"/srv/sets\" and /var/lib/inspectd"), "\"<datasets>\" and <state>");
    ck_assert_str_eq(hide("see /srv/sets. Or not"), "see <datasets>. Or not");
    ck_assert_str_eq(hide("/srv/sets:/var/lib/inspectd"), "<datasets>:<state>");
}
END_TEST

START_TEST(test_other_texts_stay) {
    static const char *const texts[] = {
        "",           "/",        "/var/lib/inspectd2/x", "/mnt/var/lib/inspectd", "/var/lib/inspectd-old",
        "a/srv/sets", "/var/lib", "part /v1/inspections", "/srv/sets.bak"};
    add_folders();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_str_eq(hide(texts[i]), texts[i]);
}
END_TEST

START_TEST(test_a_text_that_grows_is_cut) {
    char text[16] = "/s /s /s /s /s";
    hidden = (struct api_hidden){0};
    api_hidden_add(&hidden, "/s", "<state>");
    api_hide(&hidden, text, sizeof text);
    ck_assert_str_eq(text, "<state> <state>");
    api_hidden_add(&hidden, "/a:/b:/c:/d:/e:/f:/g:/h:/i:/j:/k:/l:/m:/n:/o:/p:/q", "<x>");
    ck_assert_uint_eq(hidden.count, API_HIDDEN_MAX);
}
END_TEST

START_TEST(test_a_document) {
    add_folders();
    json_t *json = json_loads(
        "{\"reasons\": [\"product p: /srv/sets/p is gone\", 1], \"a\": {\"failure\": null, \"x\": \"y\"}}", 0,
        NULL);
    api_hide_json(&hidden, json);
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    ck_assert_str_eq(text,
                     "{\"a\":{\"failure\":null,\"x\":\"y\"},\"reasons\":[\"product p: <datasets>/p is gone\",1]}");
    free(text);
    json_decref(json);
    api_hide_json(&hidden, NULL);
}
END_TEST

INSP_TESTS(test_a_document, test_folders_are_replaced, test_other_texts_stay, test_a_text_that_grows_is_cut);
