/* api/dashboard/assets.h - lists the files that api/CMakeLists.txt compiles into the binary, plain and gzipped:
 * the dashboard and openapi.yaml. Constant data; any thread. */
#ifndef INSP_API_DASHBOARD_ASSETS_H
#define INSP_API_DASHBOARD_ASSETS_H

#include <stddef.h>

struct api_asset {
    const char *path; /* of the URL, such as "/dashboard/app.js" */
    const char *content_type;
    const unsigned char *plain, *plain_end, *gzip, *gzip_end; /* each end is one past the last byte */
};

extern const struct api_asset api_assets[];
extern const size_t api_asset_count;

/* Finds the asset of a path; NULL for none. */
const struct api_asset *api_asset_find(const char *path);

#endif
