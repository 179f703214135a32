#include "api/http/query.h"

#include "harness.h"

#include <string.h>

static struct api_query query;
static struct insp_error err;

static void set(const char *value) {
    api_query_clear(&query);
    ck_insp_ok(api_query_add(&query, "x", value, &err), err);
}

START_TEST(test_twice_and_too_many) {
    set("1");
    ck_insp_code(api_query_add(&query, "x", "2", &err), INSP_E_QUERY, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "\"x\""));
    char name[8];
    for (int i = 1; i < API_QUERY_MAX; i++) {
        snprintf(name, sizeof name, "n%d", i);
        ck_insp_ok(api_query_add(&query, name, NULL, &err), err);
    }
    ck_insp_code(api_query_add(&query, "more", "", &err), INSP_E_QUERY, err);
    api_query_clear(&query);
}
END_TEST

START_TEST(test_unknown_is_named_with_the_known) {
    static const char *const known[] = {"y", "z", NULL};
    set("1");
    ck_insp_code(api_query_allow(&query, known, &err), INSP_E_QUERY, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "\"x\""));
    ck_assert_ptr_nonnull(strstr(err.detail, "y, z"));
    api_query_clear(&query);
}
END_TEST

START_TEST(test_number) {
    static const char *const bad[] = {"",   "0",  "11",  "-1",  "+5",
                                      " 5", "5 ", "5.0", "0x5", "99999999999999999999999"};
    uint64_t value = 7;
    ck_insp_ok(api_query_number(&query, "x", 1, 10, &value, &err), err);
    ck_assert_uint_eq(value, 7); /* absent: untouched */
    set("10");
    ck_insp_ok(api_query_number(&query, "x", 1, 10, &value, &err), err);
    ck_assert_uint_eq(value, 10);
    for (size_t i = 0; i < INSP_COUNT(bad); i++) {
        set(bad[i]);
        ck_insp_code(api_query_number(&query, "x", 1, 10, &value, &err), INSP_E_QUERY, err);
    }
    api_query_clear(&query);
}
END_TEST

START_TEST(test_fraction) {
    static const char *const bad[] = {"", "-0.1", "1.01", "nan", "inf", "0x1", "0.5x", "1e9"};
    float value = 0;
    set("0.25");
    ck_insp_ok(api_query_fraction(&query, "x", &value, &err), err);
    ck_assert_float_eq(value, 0.25f);
    for (size_t i = 0; i < INSP_COUNT(bad); i++) {
        set(bad[i]);
        ck_insp_code(api_query_fraction(&query, "x", &value, &err), INSP_E_QUERY, err);
    }
    api_query_clear(&query);
}
END_TEST

START_TEST(test_duration) {
    static const struct {
        const char *text;
        int64_t seconds; /* 0: refused */
    } rows[] = {{"1s", 1},
                {"15m", 900},
                {"24h", 86400},
                {"7d", 604800},
                {"366d", 31622400},
                {"367d", 0},
                {"0s", 0},
                {"5", 0},
                {"h", 0},
                {"-1h", 0},
                {"1hh", 0},
                {"1y", 0},
                {"", 0},
                {"18446744073709551615d", 0}};
    for (size_t i = 0; i < INSP_COUNT(rows); i++) {
        int64_t us = 0;
        set(rows[i].text);
        ck_insp_code(api_query_duration(&query, "x", &us, &err), rows[i].seconds ? 0 : INSP_E_QUERY, err);
        ck_assert_int_eq(us, rows[i].seconds * 1000000);
    }
    api_query_clear(&query);
}
END_TEST

START_TEST(test_tag) {
    static const char *const good[] = {"a",
                                       "line 3/cam #1",
                                       "K\xc3\xa4ltekammer",
                                       "\xf0\x9f\x93\xb7",
                                       "\xef\xbf\xbd",
                                       "01095060001343521724123110ABC\x1d"
                                       "21XYZ",
                                       "[)>\x1e"
                                       "06\x1dP4711\x1e\x04"};
    /* empty, control, DEL, C1, lone continuation, overlong, surrogate, beyond Unicode, cut short, noncharacters */
    static const char *const bad[] = {"",
                                      "a\nb",
                                      "a\x1f"
                                      "b",
                                      "\x7f",
                                      "\xc2\x80",
                                      "\x80",
                                      "\xff",
                                      "\xc0\xaf",
                                      "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xe2\x82",
                                      "a\xef\xbf\xbe",
                                      "\xef\xbf\xbf",
                                      "\xef\xb7\x90",
                                      "\xf4\x8f\xbf\xbf"};
    const char *tag = NULL;
    for (size_t i = 0; i < INSP_COUNT(good); i++) {
        set(good[i]);
        ck_insp_ok(api_query_tag(&query, "x", &tag, &err), err);
        ck_assert_str_eq(tag, good[i]);
    }
    for (size_t i = 0; i < INSP_COUNT(bad); i++) {
        set(bad[i]);
        ck_insp_code(api_query_tag(&query, "x", &tag, &err), INSP_E_QUERY, err);
    }
    char longest[INSP_TAG_BYTES + 1] = "";
    memset(longest, 'a', INSP_TAG_BYTES - 1);
    set(longest);
    ck_insp_ok(api_query_tag(&query, "x", &tag, &err), err);
    longest[INSP_TAG_BYTES - 1] = 'a';
    set(longest);
    ck_insp_code(api_query_tag(&query, "x", &tag, &err), INSP_E_QUERY, err);
    api_query_clear(&query);
}
END_TEST

START_TEST(test_choice) {
    static const char *const words[] = {"good", "anomaly", NULL};
    int choice = -1;
    set("anomaly");
    ck_insp_ok(api_query_choice(&query, "x", words, &choice, &err), err);
    ck_assert_int_eq(choice, 1);
    set("Good");
    ck_insp_code(api_query_choice(&query, "x", words, &choice, &err), INSP_E_QUERY, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "good, anomaly"));
    api_query_clear(&query);
}
END_TEST

INSP_TESTS(test_twice_and_too_many, test_unknown_is_named_with_the_known, test_number, test_fraction,
           test_duration, test_tag, test_choice);
