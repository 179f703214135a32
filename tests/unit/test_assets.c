#include "api/dashboard/assets.h"
#include "api/http/router.h"
#include "api/resources/handlers.h"
#include "tests/unit/harness.h"

#include <string.h>

/* A route of the asset handler without a file would answer 404, a file without a route would never be seen. */
START_TEST(test_routes_and_files_agree) {
    struct insp_error error;
    for (size_t i = 0; i < api_route_count; i++)
        if (api_routes[i].handler == api_asset_get && !strchr(api_routes[i].pattern, '{'))
            ck_assert_msg(api_asset_find(api_routes[i].pattern) != NULL, "%s has no file", api_routes[i].pattern);
    for (size_t i = 0; i < api_asset_count; i++) {
        const struct api_route *route = NULL;
        char param[API_PARAMS_MAX][API_PARAM_BYTES], allow[64];
        int code =
            api_route_find(api_routes, api_route_count, "GET", api_assets[i].path, &route, param, allow, &error);
        ck_assert_msg(!code && route->handler == api_asset_get, "%s has no route", api_assets[i].path);
    }
    ck_assert_ptr_null(api_asset_find("/nothing"));
}
END_TEST

/* Both forms are there; the packed one is gzip (RFC 1952). */
START_TEST(test_files_are_compiled_in) {
    for (size_t i = 0; i < api_asset_count; i++) {
        const struct api_asset *asset = &api_assets[i];
        ck_assert_ptr_eq(api_asset_find(asset->path), asset);
        ck_assert_int_gt(asset->plain_end - asset->plain, 0);
        ck_assert_int_gt(asset->gzip_end - asset->gzip, 18);
        ck_assert_mem_eq(asset->gzip, "\x1f\x8b\x08", 3);
        ck_assert_ptr_nonnull(strchr(asset->content_type, '/'));
    }
}
END_TEST

INSP_TESTS(test_routes_and_files_agree, test_files_are_compiled_in);
