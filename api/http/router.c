#include "api/http/router.h"

#include "core/base/fs.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { ALLOW_BYTES = 64 };

/* Matches a segment in braces (`pattern` begins after the brace). Returns the matched bytes of path; 0: no
 * match. */
static size_t take(const char *pattern, const char *path, char *ret_param) {
    size_t name = strcspn(pattern, "*.}");
    bool rest = !strncmp(pattern + name, "...}", 4), any = rest || pattern[name] == '*';
    size_t have = rest ? strlen(path) : strcspn(path, "/");
    if (!have || have >= API_PARAM_BYTES)
        return 0;
    memcpy(ret_param, path, have);
    ret_param[have] = 0;
    return any || insp_name_valid(ret_param) ? have : 0;
}

/* Matches path with pattern, segment by segment. */
static bool match(const char *pattern, const char *path, char (*ret_param)[API_PARAM_BYTES]) {
    size_t params = 0;
    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        size_t want = strcspn(pattern, "/"), have = strcspn(path, "/");
        if (*pattern == '{') {
            if (params == API_PARAMS_MAX || !(have = take(pattern + 1, path, ret_param[params++])))
                return false;
        } else if (want != have || memcmp(pattern, path, want)) {
            return false;
        }
        pattern += want;
        path += have;
    }
    return !*pattern && !*path;
}

static void allow(char *list, const char *method) {
    size_t used = strlen(list);
    snprintf(list + used, ALLOW_BYTES - used, "%s%s%s", used ? ", " : "", method,
             strcmp(method, "GET") ? "" : ", HEAD");
}

int api_route_find(const struct api_route *routes, size_t count, const char *method, const char *path,
                   const struct api_route **ret, char (*ret_param)[API_PARAM_BYTES], char *ret_allow,
                   struct insp_error *reterr) {
    const char *wanted = strcmp(method, "HEAD") ? method : "GET";
    char list[ALLOW_BYTES] = "";
    for (size_t i = 0; i < count; i++) {
        char param[API_PARAMS_MAX][API_PARAM_BYTES] = {{0}};
        if (!match(routes[i].pattern, path, param))
            continue;
        if (!strcmp(routes[i].method, wanted)) {
            memcpy(ret_param, param, sizeof param);
            *ret = &routes[i];
            return 0;
        }
        allow(list, routes[i].method);
    }
    if (!list[0])
        return insp_fail(reterr, INSP_E_NOT_FOUND, "this path does not exist; /openapi.yaml lists all paths");
    memcpy(ret_allow, list, sizeof list);
    return insp_fail(reterr, INSP_E_METHOD, "%.15s is not allowed here; allowed: %s", method, list);
}
