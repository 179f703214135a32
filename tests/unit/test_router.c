#include "api/http/router.h"

#include "core/base/cleanup.h"
#include "core/model/manifest.h"

#include "harness.h"

#include <string.h>

static const struct api_route table[] = {
    {.method = "GET", .pattern = "/"},
    {.method = "GET", .pattern = "/v1/things"},
    {.method = "POST", .pattern = "/v1/things"},
    {.method = "GET", .pattern = "/v1/things/{id}"},
    {.method = "DELETE", .pattern = "/v1/things/{id}"},
    {.method = "GET", .pattern = "/v1/things/{id}/parts/{part}"},
    {.method = "GET", .pattern = "/v1/shelves/{row*}/{place...}"},
};

static char param[API_PARAMS_MAX][API_PARAM_BYTES], allowed[64];
static struct insp_error err;

static int find(const char *method, const char *path, const struct api_route **ret) {
    return api_route_find(table, INSP_COUNT(table), method, path, ret, param, allowed, &err);
}

START_TEST(test_finds_by_method_and_path) {
    const struct api_route *route;
    ck_insp_ok(find("GET", "/", &route), err);
    ck_assert_ptr_eq(route, &table[0]);
    ck_insp_ok(find("POST", "/v1/things", &route), err);
    ck_assert_ptr_eq(route, &table[2]);
    ck_insp_ok(find("GET", "/v1/things/a-1/parts/b.c", &route), err);
    ck_assert_ptr_eq(route, &table[5]);
    ck_assert_str_eq(param[0], "a-1");
    ck_assert_str_eq(param[1], "b.c");
}
END_TEST

START_TEST(test_head_is_get) {
    const struct api_route *route;
    ck_insp_ok(find("HEAD", "/v1/things/x", &route), err);
    ck_assert_ptr_eq(route, &table[3]);
}
END_TEST

START_TEST(test_method_not_allowed_names_those_that_are) {
    const struct api_route *route;
    ck_insp_code(find("PATCH", "/v1/things/x", &route), INSP_E_METHOD, err);
    ck_assert_str_eq(allowed, "GET, HEAD, DELETE");
}
END_TEST

START_TEST(test_not_found) {
    static const char *const paths[] = {"",
                                        "//",
                                        "/v1",
                                        "/v1/",
                                        "/v1/things/",
                                        "/v1/thingsx",
                                        "/v1/things/..",
                                        "/v1/things/.x",
                                        "/v1/things/a b",
                                        "/v1/things/a/parts",
                                        "/v1/things/a/parts/",
                                        "/v1/things//parts/b",
                                        "/v1/things/a/parts/b/c"};
    const struct api_route *route;
    for (size_t i = 0; i < INSP_COUNT(paths); i++)
        ck_insp_code(find("GET", paths[i], &route), INSP_E_NOT_FOUND, err);
    char longest[2 * INSP_NAME_BYTES] = "/v1/things/";
    memset(longest + 11, 'a', INSP_NAME_BYTES - 1);
    ck_insp_ok(find("GET", longest, &route), err);
    longest[11 + INSP_NAME_BYTES - 1] = 'a';
    ck_insp_code(find("GET", longest, &route), INSP_E_NOT_FOUND, err);
}
END_TEST

START_TEST(test_loose_segments_take_any_text) {
    const struct api_route *route;
    ck_insp_ok(find("GET", "/v1/shelves/../a b/../../etc", &route), err);
    ck_assert_str_eq(param[0], "..");
    ck_assert_str_eq(param[1], "a b/../../etc");
    ck_insp_code(find("GET", "/v1/shelves//a", &route), INSP_E_NOT_FOUND, err);
    ck_insp_code(find("GET", "/v1/shelves/a/", &route), INSP_E_NOT_FOUND, err);
    ck_insp_code(find("GET", "/v1/shelves/a", &route), INSP_E_NOT_FOUND, err);
    char longest[2 * API_PARAM_BYTES] = "/v1/shelves/a/";
    memset(longest + 14, 'b', API_PARAM_BYTES - 1);
    ck_insp_ok(find("GET", longest, &route), err);
    longest[14 + API_PARAM_BYTES - 1] = 'b';
    ck_insp_code(find("GET", longest, &route), INSP_E_NOT_FOUND, err);
}
END_TEST

INSP_TESTS(test_finds_by_method_and_path, test_head_is_get, test_method_not_allowed_names_those_that_are,
           test_not_found, test_loose_segments_take_any_text);
