#include "core/report/lookup.h"

#include "tests/unit/report_fixture.h"

#include <math.h>

START_TEST(what_lies_there_and_what_does_not) {
    json_t *json = parsed("{'a':{'b':{'c':1.5,'text':'x','null':null}},'list':[1]}");
    ck_assert_double_eq(insp_lookup_number(json, "a.b.c"), 1.5);
    ck_assert_str_eq(insp_lookup_text(json, "a.b.text"), "x");
    ck_assert_ptr_eq(insp_lookup(json, ""), json);
    ck_assert(json_is_object(insp_lookup(json, "a.b")));
    static const char *const nothing[] = {"a.x", "a.b.c.d", "list.0", "x", "a.b.text", "a.b.null"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        ck_assert(isnan(insp_lookup_number(json, nothing[i])));
    ck_assert_str_eq(insp_lookup_text(json, "a.b.c"), "");
    ck_assert_ptr_null(insp_lookup(NULL, "a"));
    ck_assert_str_eq(insp_lookup_text(NULL, ""), "");
    json_decref(json);
}
END_TEST

INSP_TESTS(what_lies_there_and_what_does_not);
