#include "api/router.h"

#include "core/base/fs.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { ALLOW_BYTES = 64 };

/* Walks pattern and path segment by segment. */
static bool match(const char *pattern, const char *path, char (*ret_param)[INSP_NAME_BYTES]) {
    size_t params = 0;
    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        size_t want = strcspn(pattern, "/"), have = strcspn(path, "/");
        if (*pattern == '{') {
            if (!have || have >= INSP_NAME_BYTES || params == API_PARAMS_MAX)
                return false;
            memcpy(ret_param[params], path, have);
            ret_param[params][have] = 0;
            if (!insp_name_valid(ret_param[params++]))
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
                   const struct api_route **ret, char (*ret_param)[INSP_NAME_BYTES], char *ret_allow,
                   struct insp_error *reterr) {
    const char *wanted = strcmp(method, "HEAD") ? method : "GET";
    char list[ALLOW_BYTES] = "";
    for (size_t i = 0; i < count; i++) {
        char param[API_PARAMS_MAX][INSP_NAME_BYTES] = {{0}};
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
        return insp_fail(reterr, INSP_E_NOT_FOUND,
                         "there is nothing at this path; /openapi.yaml lists what there is");
    memcpy(ret_allow, list, sizeof list);
    return insp_fail(reterr, INSP_E_METHOD, "%.15s is not allowed here; allowed: %s", method, list);
}
