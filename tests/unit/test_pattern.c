#include "core/line/pattern.h"

#include "tests/unit/harness.h"

#include <string.h>

static struct insp_error err;

static struct insp_pattern read_pattern(const char *text) {
    struct insp_pattern pattern;
    ck_insp_ok(insp_pattern_read(text, &pattern, &err), err);
    return pattern;
}

static void check(const char *text, const char *path, const char *product, const char *camera, const char *part) {
    struct insp_pattern pattern = read_pattern(text);
    struct insp_path_fields fields;
    ck_assert_msg(insp_pattern_path(&pattern, path, &fields), "%s: %s", text, path);
    ck_assert_str_eq(fields.product, product);
    ck_assert_str_eq(fields.camera, camera);
    ck_assert_str_eq(fields.part, part);
}

static void check_not(const char *text, const char *path) {
    struct insp_pattern pattern = read_pattern(text);
    struct insp_path_fields fields;
    ck_assert_msg(!insp_pattern_path(&pattern, path, &fields), "%s: %s", text, path);
}

START_TEST(fields_of_a_path) {
    static const char usual[] = "{product}/{camera}/{part}.jpg";
    check(usual, "carpet/cam 1/p-7.jpg", "carpet", "cam 1", "p-7");
    check(usual, "carpet/c/a.b.JPG", "carpet", "c", "a.b");
    check(usual, "carpet/c/.jpg.jpg", "carpet", "c", ".jpg");
    check(usual, "carpet/\xff/\xe4.jpg", "carpet", "\xff", "\xe4");
    check("{product}.png", "carpet.png", "carpet", "", "");
    check("in/{camera}_{part}-{product}.png", "IN/c1_a_b-carpet.png", "carpet", "c1", "a_b");
    check("{product}_{part}", "a_b_c_d", "a", "", "b_c_d");
    check("x{product}x{part}x", "xaxxbxx", "a", "", "xbx");
}
END_TEST

START_TEST(paths_that_do_not_fit) {
    static const char *const bad[] = {
        "",         "carpet",           "carpet/c",        "carpet/c/p.png", "carpet/c/.jpg", "carpet//p.jpg",
        "/c/p.jpg", "carpet/c/d/p.jpg", "carpet/c/p.jpg/", "carpet/c/p.jpgx"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_not("{product}/{camera}/{part}.jpg", bad[i]);
    char name[400];
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = 0;
    check_not("{product}", name);
}
END_TEST

START_TEST(one_name_at_a_time) {
    struct insp_pattern pattern = read_pattern("in/{product}/{part}.jpg");
    struct insp_path_fields fields = {0};
    ck_assert_uint_eq(pattern.segments, 3);
    ck_assert(insp_pattern_name(&pattern, 0, "in", &fields) && !insp_pattern_name(&pattern, 0, "out", &fields));
    ck_assert(insp_pattern_name(&pattern, 1, "carpet", &fields));
    ck_assert_str_eq(fields.product, "carpet");
    ck_assert(!insp_pattern_name(&pattern, 3, "p.jpg", &fields));
}
END_TEST

START_TEST(patterns_that_are_refused) {
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"", "empty"},
        {"/{product}", "empty"},
        {"{product}/", "empty"},
        {"{product}//{part}", "empty"},
        {"{part}.jpg", "needs {product}"},
        {"{product}{part}", "between"},
        {"{product}/{product}", "twice"},
        {"{product}/{what}", "brace"},
        {"{product}/}", "brace"},
        {"{product", "brace"},
        {"../{product}", "dot"},
        {"{product}/.hidden", "dot"},
        {"{product}/1/2/3/4/5/6/7/8", "names"},
    };
    struct insp_pattern pattern;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_insp_code(insp_pattern_read(bad[i].text, &pattern, &err), INSP_E_CONFIG, err);
        ck_assert_msg(strstr(err.detail, bad[i].why), "%s: %s", bad[i].text, err.detail);
    }
    char text[400] = "{product}";
    memset(text + 9, 'a', 300);
    ck_insp_code(insp_pattern_read(text, &pattern, &err), INSP_E_CONFIG, err);
}
END_TEST

INSP_TESTS(fields_of_a_path, paths_that_do_not_fit, one_name_at_a_time, patterns_that_are_refused);
