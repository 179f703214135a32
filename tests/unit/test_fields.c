#include "api/http/fields.h"
#include "tests/unit/harness.h"

#include <string.h>

static bool next_is(struct api_span *list, const char *wanted) {
    struct api_span element;
    return api_field_next(list, &element) && api_span_is(element, wanted);
}

START_TEST(test_lists) {
    struct api_span list = api_span_of(" a , ,b;x=\"1,2\\\",3\" ,\tc"), element;
    ck_assert(next_is(&list, "a"));
    ck_assert(next_is(&list, "b;x=\"1,2\\\",3\""));
    ck_assert(next_is(&list, "c"));
    ck_assert(!api_field_next(&list, &element));
    list = api_span_of(NULL);
    ck_assert(!api_field_next(&list, &element));
    list = api_span_of("\"never closed, , ");
    ck_assert(next_is(&list, "\"never closed, ,"));
    ck_assert(!api_field_next(&list, &element));
}
END_TEST

START_TEST(test_tokens) {
    ck_assert(api_field_is_token(api_span_of("X-Forwarded-For")) &&
              api_field_is_token(api_span_of("a!#$%&'*+-.^_`|~9")));
    static const char *const bad[] = {"",         "a b", "a ",  " a",  "a:", "a\t",
                                      "\xc3\xa4", "a\"", "a/b", "(a)", "a@", "a\x01"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!api_field_is_token(api_span_of(bad[i])), "%s", bad[i]);
}
END_TEST

START_TEST(test_parameters) {
    struct api_span rest = api_span_of("text/x ; a=1;; B = \"two \\\"2\\\"; c\" ;c=;"), name;
    char value[32];
    ck_assert(api_span_is(api_field_head(&rest), "text/x"));
    ck_assert_int_eq(api_field_parameter(&rest, &name, value, sizeof value), 1);
    ck_assert(api_span_is(name, "A") && !strcmp(value, "1"));
    ck_assert_int_eq(api_field_parameter(&rest, &name, value, sizeof value), 1);
    ck_assert(api_span_is(name, "b") && !strcmp(value, "two \"2\"; c"));
    ck_assert_int_eq(api_field_parameter(&rest, &name, value, sizeof value), -1);
    rest = api_span_of(" ; ;");
    ck_assert_int_eq(api_field_parameter(&rest, &name, value, sizeof value), 0);
    static const char *const bad[] = {"x", ";a", ";a=\"open", ";=1", ";a=1 b", "; a b=1", ";a=\"\\"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int more;
        rest = api_span_of(bad[i]);
        while ((more = api_field_parameter(&rest, &name, value, sizeof value)) == 1)
            continue;
        ck_assert_msg(more == -1, "%s", bad[i]);
    }
}
END_TEST

START_TEST(test_a_value_that_does_not_fit_is_empty) {
    struct api_span rest = api_span_of(";a=12345;b=1234;c=\"12345\""), name;
    char value[5];
    ck_assert_int_eq(api_field_parameter(&rest, &name, value, sizeof value), 1);
    ck_assert_str_eq(value, "");
    ck_assert_int_eq(api_field_parameter(&rest, &name, value, sizeof value), 1);
    ck_assert_str_eq(value, "1234");
    ck_assert_int_eq(api_field_parameter(&rest, &name, value, sizeof value), 1);
    ck_assert_str_eq(value, "");
}
END_TEST

INSP_TESTS(test_lists, test_tokens, test_parameters, test_a_value_that_does_not_fit_is_empty);
