#include "api/http/cursor.h"

#include "harness.h"

#include <string.h>

static const char id[] = "01a20f8b-6a8d-7000-820b-092b4143d590";
static struct insp_error err;

START_TEST(test_round_trip_in_any_order_of_parameters) {
    struct api_query a = {0}, b = {0};
    char cursor[API_CURSOR_BYTES], got[INSP_UUID_BYTES];
    ck_insp_ok(api_query_add(&a, "product", "p", &err), err);
    ck_insp_ok(api_query_add(&a, "verdict", "good", &err), err);
    api_cursor_make(&a, id, cursor);
    ck_insp_ok(api_query_add(&b, "verdict", "good", &err), err);
    ck_insp_ok(api_query_add(&b, "limit", "9", &err), err);
    ck_insp_ok(api_query_add(&b, "product", "p", &err), err);
    ck_insp_ok(api_cursor_read(&b, cursor, got, &err), err);
    ck_assert_str_eq(got, id);
    api_query_clear(&a);
    api_query_clear(&b);
}
END_TEST

START_TEST(test_other_filter_is_refused) {
    struct api_query query = {0};
    char cursor[API_CURSOR_BYTES], got[INSP_UUID_BYTES];
    api_cursor_make(&query, id, cursor);
    ck_insp_ok(api_query_add(&query, "camera", "c", &err), err);
    ck_insp_code(api_cursor_read(&query, cursor, got, &err), INSP_E_QUERY, err);
    api_query_clear(&query);
}
END_TEST

START_TEST(test_changed_anywhere_is_refused) {
    struct api_query query = {0};
    char cursor[API_CURSOR_BYTES], got[INSP_UUID_BYTES];
    api_cursor_make(&query, id, cursor);
    size_t length = strlen(cursor);
    for (size_t i = 0; i < length; i++) {
        char changed[API_CURSOR_BYTES];
        memcpy(changed, cursor, sizeof changed);
        changed[i] = '!';
        ck_insp_code(api_cursor_read(&query, changed, got, &err), INSP_E_QUERY, err);
        memcpy(changed, cursor, i);
        changed[i] = 0;
        ck_insp_code(api_cursor_read(&query, changed, got, &err), INSP_E_QUERY, err);
    }
}
END_TEST

INSP_TESTS(test_round_trip_in_any_order_of_parameters, test_other_filter_is_refused,
           test_changed_anywhere_is_refused);
