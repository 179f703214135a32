/* api/dashboard/assets.h - the files that are compiled into the binary (see CMakeLists.txt): the page and
 * openapi.yaml, plain and gzipped. */
#ifndef INSP_API_DASHBOARD_ASSETS_H
#define INSP_API_DASHBOARD_ASSETS_H

#include <stddef.h>

struct api_asset {
    const char *path; /* the route's */
    const char *content_type;
    const unsigned char *plain, *plain_end, *gzip, *gzip_end;
};

extern const struct api_asset api_assets[];
extern const size_t api_asset_count;

/* NULL where there is none. */
const struct api_asset *api_asset_find(const char *path);

#endif
