/* openapi.yaml and the route table describe the same operations, both ways. */
#include "api/access/tokens.h"
#include "api/http/router.h"

#include "core/base/cleanup.h"
#include "core/base/fs.h"

#include "harness.h"

#include <ctype.h>
#include <string.h>

static struct insp_error err;
enum { OPERATIONS_MAX = 256 };
static char operation[OPERATIONS_MAX][200]; /* "GET /v1/inspections" */
static size_t operations;

/* Paths stand at two blanks, methods at four, as the file is written; head: is not listed, GET implies it. */
static void read_document(void) {
    static const char *const methods[] = {"get", "put", "post", "patch", "delete"};
    char *text = NULL, path[160] = "";
    size_t bytes;
    ck_insp_ok(insp_read_file(INSP_SOURCE_DIR "/openapi.yaml", 1 << 20, &text, &bytes, &err), err);
    bool inside = false;
    for (char *save = NULL, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (isalpha((unsigned char)line[0]))
            inside = !strncmp(line, "paths:", 6);
        if (inside && !strncmp(line, "  /", 3))
            snprintf(path, sizeof path, "%.*s", (int)strcspn(line + 2, ":"), line + 2);
        for (size_t i = 0; inside && i < INSP_COUNT(methods); i++) {
            size_t length = strlen(methods[i]);
            if (strncmp(line, "    ", 4) || strncmp(line + 4, methods[i], length) || line[4 + length] != ':')
                continue;
            ck_assert_uint_lt(operations, OPERATIONS_MAX);
            char *out = operation[operations++];
            snprintf(out, sizeof operation[0], "%s %s", methods[i], path);
            for (size_t c = 0; c < length; c++)
                out[c] = (char)toupper((unsigned char)out[c]);
        }
    }
    free(text);
}

/* Names of path parameters may differ; their places may not. */
static void blank_names(char *text) {
    char *out = text;
    for (bool inside = false; *text; text++) {
        inside = *text == '{' || (inside && *text != '}');
        if (!inside || *text == '{')
            *out++ = *text;
    }
    *out = 0;
}

START_TEST(test_document_and_table_agree) {
    read_document();
    ck_assert_uint_gt(operations, 10);
    bool seen[OPERATIONS_MAX] = {false};
    for (size_t i = 0; i < operations; i++)
        blank_names(operation[i]);
    for (size_t r = 0; r < api_route_count; r++) {
        char wanted[200];
        snprintf(wanted, sizeof wanted, "%s %s", api_routes[r].method, api_routes[r].pattern);
        blank_names(wanted);
        bool found = false;
        for (size_t i = 0; i < operations; i++)
            if (!strcmp(operation[i], wanted))
                found = seen[i] = true;
        ck_assert_msg(found, "%s %s is not in openapi.yaml", api_routes[r].method, api_routes[r].pattern);
    }
    for (size_t i = 0; i < operations; i++)
        ck_assert_msg(seen[i], "%s of openapi.yaml has no route", operation[i]);
}
END_TEST

START_TEST(test_admin_routes_always_need_an_admin) {
    for (size_t r = 0; r < api_route_count; r++) {
        bool admin = !strncmp(api_routes[r].pattern, "/v1/admin/", 10);
        ck_assert_msg(admin == (api_routes[r].access == API_ALWAYS && !api_routes[r].roles), "%s",
                      api_routes[r].pattern);
    }
}
END_TEST

/* All wire names of the error table, and no others, are the description's problem codes. */
START_TEST(test_all_problem_codes_are_described) {
    static const char *const names[] = {
#define X(symbol, number, http, wire, title) "\n        - " wire "\n",
        INSP_ERROR_TABLE(X)
#undef X
    };
    char *text;
    size_t bytes, listed = 0;
    ck_insp_ok(insp_read_file(INSP_SOURCE_DIR "/openapi.yaml", 1 << 20, &text, &bytes, &err), err);
    const char *list = strstr(text, "    ProblemCode:\n"), *end = list ? strstr(list, "\n\n") : NULL;
    ck_assert_ptr_nonnull(end);
    for (const char *at = list; (at = strstr(at, "\n        - ")) && at < end; at++)
        listed++;
    ck_assert_uint_eq(listed, INSP_COUNT(names));
    for (size_t i = 0; i < INSP_COUNT(names); i++) {
        const char *found = strstr(list, names[i]);
        ck_assert_msg(found && found < end, "code%s is not described", names[i]);
    }
    free(text);
}
END_TEST

START_TEST(test_access_follows_the_method) {
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *r = &api_routes[i];
        bool v1 = !strncmp(r->pattern, "/v1/", 4), get = !strcmp(r->method, "GET");
        ck_assert_msg(!v1 || r->access != API_PUBLIC, "%s %s is public", r->method, r->pattern);
        ck_assert_msg(r->access != API_OPEN || r->roles, "%s %s admits nobody", r->method, r->pattern);
        ck_assert_msg(get || !(r->roles & API_ROLE_VIEWER), "a viewer may %s %s", r->method, r->pattern);
        ck_assert_msg(get || r->kind != API_LOOP, "%s %s blocks the loop", r->method, r->pattern);
        ck_assert_msg(!get || !r->body_limit, "GET %s takes a body", r->pattern);
    }
}
END_TEST

START_TEST(test_each_row_is_whole_and_there_once) {
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *r = &api_routes[i];
        ck_assert_ptr_nonnull(r->handler);
        ck_assert_msg(!r->before || r->kind == API_WORK, "%s: `before` is for work handlers", r->pattern);
        for (size_t k = 0; k < i; k++)
            ck_assert_msg(strcmp(r->method, api_routes[k].method) || strcmp(r->pattern, api_routes[k].pattern),
                          "%s %s stands twice", r->method, r->pattern);
    }
}
END_TEST

INSP_TESTS(test_document_and_table_agree, test_admin_routes_always_need_an_admin,
           test_all_problem_codes_are_described, test_access_follows_the_method,
           test_each_row_is_whole_and_there_once);
