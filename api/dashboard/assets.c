#include "api/dashboard/assets.h"

#include "api/http/accept.h"
#include "api/resources/handlers.h"
#include "api/server/server.h"

#include <string.h>

/* Allows scripts, styles and connections of this daemon only, and no inline script. blob: is for pictures that
 * were fetched with a token. */
static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
                             "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#define ASSET(symbol)                                                                                             \
    extern const unsigned char api_asset_##symbol[], api_asset_##symbol##_end[], api_asset_##symbol##_gz[],       \
        api_asset_##symbol##_gz_end[]
ASSET(index_html);
ASSET(style_css);
ASSET(icon_svg);
ASSET(acknowledged_js);
ASSET(app_js);
ASSET(cards_js);
ASSET(charts_js);
ASSET(clock_js);
ASSET(compare_js);
ASSET(dom_js);
ASSET(drift_js);
ASSET(figures_js);
ASSET(filter_js);
ASSET(heat_js);
ASSET(history_js);
ASSET(inspection_js);
ASSET(job_detail_js);
ASSET(job_form_js);
ASSET(jobs_js);
ASSET(judge_js);
ASSET(label_form_js);
ASSET(line_js);
ASSET(live_js);
ASSET(model_card_js);
ASSET(model_pictures_js);
ASSET(models_js);
ASSET(neighbours_js);
ASSET(net_js);
ASSET(pin_list_js);
ASSET(pins_js);
ASSET(product_grid_js);
ASSET(product_region_js);
ASSET(product_training_js);
ASSET(product_try_js);
ASSET(product_upload_js);
ASSET(product_words_js);
ASSET(products_js);
ASSET(region_drawing_js);
ASSET(repeat_js);
ASSET(report_js);
ASSET(scan_js);
ASSET(shadow_js);
ASSET(shift_js);
ASSET(sinks_js);
ASSET(stage_js);
ASSET(stages_js);
ASSET(stored_js);
ASSET(threshold_js);
ASSET(trouble_js);
ASSET(openapi_yaml);
ASSET(uPlot_esm_js); /* the chart library: cmake/InspUplot.cmake */
ASSET(uPlot_min_css);

#define ROW(path, type, symbol)                                                                                   \
    {                                                                                                             \
        path, type, api_asset_##symbol, api_asset_##symbol##_end, api_asset_##symbol##_gz,                        \
            api_asset_##symbol##_gz_end                                                                           \
    }
#define SCRIPT(name) ROW("/dashboard/" #name ".js", "text/javascript; charset=utf-8", name##_js)
const struct api_asset api_assets[] = {
    ROW("/", "text/html; charset=utf-8", index_html),
    ROW("/dashboard/icon.svg", "image/svg+xml", icon_svg),
    ROW("/dashboard/style.css", "text/css; charset=utf-8", style_css),
    SCRIPT(acknowledged),
    SCRIPT(app),
    SCRIPT(cards),
    SCRIPT(charts),
    SCRIPT(clock),
    SCRIPT(compare),
    SCRIPT(dom),
    SCRIPT(drift),
    SCRIPT(figures),
    SCRIPT(filter),
    SCRIPT(heat),
    SCRIPT(history),
    SCRIPT(inspection),
    SCRIPT(job_detail),
    SCRIPT(job_form),
    SCRIPT(jobs),
    SCRIPT(judge),
    SCRIPT(label_form),
    SCRIPT(line),
    SCRIPT(live),
    SCRIPT(model_card),
    SCRIPT(model_pictures),
    SCRIPT(models),
    SCRIPT(neighbours),
    SCRIPT(net),
    SCRIPT(pin_list),
    SCRIPT(pins),
    SCRIPT(product_grid),
    SCRIPT(product_region),
    SCRIPT(product_training),
    SCRIPT(product_try),
    SCRIPT(product_upload),
    SCRIPT(product_words),
    SCRIPT(products),
    SCRIPT(region_drawing),
    SCRIPT(repeat),
    SCRIPT(report),
    SCRIPT(scan),
    SCRIPT(shadow),
    SCRIPT(shift),
    SCRIPT(sinks),
    SCRIPT(stage),
    SCRIPT(stages),
    SCRIPT(stored),
    SCRIPT(threshold),
    SCRIPT(trouble),
    ROW("/dashboard/uPlot.esm.js", "text/javascript; charset=utf-8", uPlot_esm_js),
    ROW("/dashboard/uPlot.min.css", "text/css; charset=utf-8", uPlot_min_css),
    ROW("/openapi.yaml", "application/yaml; charset=utf-8", openapi_yaml),
};
const size_t api_asset_count = INSP_COUNT(api_assets);

const struct api_asset *api_asset_find(const char *path) {
    for (size_t i = 0; i < api_asset_count; i++)
        if (!strcmp(api_assets[i].path, path))
            return &api_assets[i];
    return NULL;
}

static bool accepts_gzip(const struct api_request *request) {
    return api_accept_coding(MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Accept-Encoding"),
                             "gzip");
}

int api_asset_get(struct api_request *request, struct insp_error *reterr) {
    const struct api_asset *asset = api_asset_find(request->path);
    if (!asset)
        return insp_fail(reterr, INSP_E_NOT_FOUND, "the dashboard has no such file");
    bool gzip = accepts_gzip(request);
    const unsigned char *start = gzip ? asset->gzip : asset->plain,
                        *end = gzip ? asset->gzip_end : asset->plain_end;
    char hash[INSP_SHA256_HEX_BYTES], etag[48];
    insp_sha256_hex(start, (size_t)(end - start), hash); /* not cached: assets are small */
    snprintf(etag, sizeof etag, "\"%.32s\"", hash);
    api_response_header(&request->response, "Vary", "Accept-Encoding");
    if (api_request_not_modified(request, etag, "no-cache"))
        return 0;
    union {
        const unsigned char *constant;
        void *plain; /* libmicrohttpd wants void *, but writes nothing */
    } bytes = {start};
    api_response_take(&request->response, 200, bytes.plain, (size_t)(end - start), asset->content_type);
    request->response.body_static = true;
    if (gzip)
        api_response_header(&request->response, "Content-Encoding", "gzip");
    api_response_header(&request->response, "Content-Security-Policy", "%s", policy);
    api_response_header(&request->response, "Referrer-Policy", "no-referrer");
    return 0;
}
