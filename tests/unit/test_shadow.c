#include "core/serving/shadow.h"

#include "core/base/fs.h"
#include "tests/unit/harness.h"

#include <string.h>

static int parse(const char *text, struct insp_shadow_rule *ret, struct insp_error *err) {
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    int r = insp_shadow_rule_parse(json, INSP_E_PARAMETER, ret, err);
    json_decref(json);
    return r;
}

START_TEST(a_rule_is_explicit_or_refused) {
    struct insp_shadow_rule rule;
    struct insp_error err = {0};
    ck_insp_ok(parse("{\"parts\": 500, \"max_disagreements\": 2, \"max_missed\": 0}", &rule, &err), err);
    ck_assert(rule.on && rule.parts == 500 && rule.max_disagreements == 2 && rule.max_missed == 0);
    ck_insp_ok(parse("null", &rule, &err), err);
    ck_assert(!rule.on);
    static const char *const wrong[] = {"7",
                                        "{}",
                                        "{\"parts\": 0, \"max_disagreements\": 2, \"max_missed\": 0}",
                                        "{\"parts\": 1.5, \"max_disagreements\": 2, \"max_missed\": 0}",
                                        "{\"parts\": 5, \"max_disagreements\": -1, \"max_missed\": 0}",
                                        "{\"parts\": 5, \"max_disagreements\": 2}",
                                        "{\"parts\": 5, \"max_disagreements\": 2, \"max_missed\": 0, \"or\": 1}"};
    for (size_t i = 0; i < INSP_COUNT(wrong); i++) {
        ck_insp_code(parse(wrong[i], &rule, &err), INSP_E_PARAMETER, err);
        ck_assert_ptr_nonnull(strstr(err.detail, "rule"));
    }
}
END_TEST

START_TEST(a_rule_decides_once_and_by_both_limits) {
    const struct insp_shadow_rule rule = {true, 100, 3, 1}, none = {0};
    struct insp_shadow_counts counts = {.parts = 99, .agree = 99};
    ck_assert_int_eq(insp_shadow_decide(&rule, &counts), INSP_SHADOW_WAIT);
    counts = (struct insp_shadow_counts){.parts = 100, .agree = 97, .missed = 1};
    ck_assert_int_eq(insp_shadow_decide(&rule, &counts), INSP_SHADOW_PROMOTE);
    ck_assert_int_eq(insp_shadow_decide(&none, &counts), INSP_SHADOW_WAIT);
    counts.missed = 2;
    ck_assert_int_eq(insp_shadow_decide(&rule, &counts), INSP_SHADOW_STAY);
    counts = (struct insp_shadow_counts){.parts = 100, .agree = 96};
    ck_assert_int_eq(insp_shadow_decide(&rule, &counts), INSP_SHADOW_STAY);
    counts = (struct insp_shadow_counts){.parts = 100, .agree = 100, .lost = 2};
    ck_assert_int_eq(insp_shadow_decide(&rule, &counts), INSP_SHADOW_STAY); /* both may have been missed */
    counts = (struct insp_shadow_counts){.parts = 100, .agree = 100, .failed = 1};
    ck_assert_int_eq(insp_shadow_decide(&rule, &counts), INSP_SHADOW_PROMOTE);
    counts = (struct insp_shadow_counts){.parts = 5000, .agree = 5000, .outcome = INSP_SHADOW_STAYS};
    ck_assert_int_eq(insp_shadow_decide(&rule, &counts), INSP_SHADOW_WAIT);
}
END_TEST

START_TEST(the_choice_survives_its_file) {
    char dir[] = "/tmp/insp-shadow-XXXXXX", path[INSP_PATH_BYTES];
    struct insp_shadow_choice choice = {.since_us = 1795552040123000, .rule = {true, 10, 1, 0}}, back;
    struct insp_error err = {0};
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_insp_ok(insp_path(path, &err, "%s/models/carpet", dir), err);
    ck_insp_ok(insp_mkdir_all(path, 0755, &err), err);
    ck_insp_ok(insp_shadow_read(dir, "carpet", &back, &err), err);
    ck_assert_str_eq(back.version, "");
    strcpy(choice.version, "v2");
    strcpy(choice.by, "maria");
    ck_insp_ok(insp_shadow_write(dir, "carpet", &choice, &err), err);
    ck_insp_ok(insp_shadow_read(dir, "carpet", &back, &err), err);
    ck_assert(!strcmp(back.version, "v2") && !strcmp(back.by, "maria") && back.since_us == choice.since_us);
    ck_assert(back.rule.on && back.rule.parts == 10 && back.rule.max_disagreements == 1);
    ck_insp_ok(insp_path(path, &err, "%s/models/carpet/shadow.json", dir), err);
    ck_insp_ok(insp_write_file(path, "{\"version\": \"v2\"}", 17, 0644, false, &err), err);
    ck_insp_code(insp_shadow_read(dir, "carpet", &back, &err), INSP_E_MODEL, err);
    ck_insp_code(insp_shadow_read(dir, "../x", &back, &err), INSP_E_NOT_FOUND, err);
    const struct insp_shadow_choice none = {0};
    ck_insp_ok(insp_shadow_write(dir, "carpet", &none, &err), err);
    ck_insp_ok(insp_shadow_write(dir, "carpet", &none, &err), err);
    ck_insp_ok(insp_shadow_read(dir, "carpet", &back, &err), err);
    ck_assert_str_eq(back.version, "");
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

INSP_TESTS(a_rule_is_explicit_or_refused, a_rule_decides_once_and_by_both_limits, the_choice_survives_its_file);
