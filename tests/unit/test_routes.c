/* openapi.yaml and the route table describe the same operations, both ways. */
#include "api/router.h"
#include "api/tokens.h"

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

INSP_TESTS(test_document_and_table_agree, test_admin_routes_always_need_an_admin);
