/* The posted image, and the heatmap rendered from the stored 14x14 map. Neither ever changes once made, so both
 * carry a strong ETag and may be cached for good; the tag is compared before the disk is read or a PNG is made. */
#include "api/handlers.h"
#include "api/server.h"

#include "core/base/uuid.h"
#include "core/inspect/heatmap.h"

#include <string.h>

static const char forever[] = "private, max-age=31536000, immutable";

struct facts {
    char sha256[INSP_SHA256_HEX_BYTES];
    bool suspect, image_kept, has_cam;
    struct insp_heat_params heat;
    uint32_t width, height;
    float cam[INSP_MAP_FLOATS];
};

static int keep_facts(void *arg, const struct insp_record *record) {
    struct facts *facts = arg;
    snprintf(facts->sha256, sizeof facts->sha256, "%s", record->sha256);
    facts->suspect = record->verdict != INSP_VERDICT_GOOD;
    facts->image_kept = record->image_kept;
    facts->heat = (struct insp_heat_params){record->heat_per_image ? INSP_SCALE_PER_IMAGE : INSP_SCALE_FIXED,
                                            record->heat_threshold, record->heat_low, record->heat_high};
    facts->width = record->width;
    facts->height = record->height;
    facts->has_cam = record->cam != NULL;
    if (record->cam)
        memcpy(facts->cam, record->cam, sizeof facts->cam);
    return 0;
}

static int read_facts(const struct api_request *request, const char *const *known, struct facts *ret,
                      struct insp_error *reterr) {
    int code = api_query_allow(&request->query, known, reterr);
    if (!code && !insp_uuid_valid(request->param[0]))
        code = insp_fail(reterr, INSP_E_NOT_FOUND, "an inspection's id is a UUID in lower case");
    return code ? code : insp_store_get(request->server->config.store, request->param[0], keep_facts, ret, reterr);
}

int api_inspection_image(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {NULL};
    struct facts facts;
    char etag[INSP_SHA256_HEX_BYTES + 2], type[128];
    void *data = NULL;
    size_t bytes;
    int code = read_facts(request, known, &facts, reterr);
    if (code)
        return code;
    snprintf(etag, sizeof etag, "\"%s\"", facts.sha256);
    if (facts.image_kept && api_request_not_modified(request, etag, forever))
        return 0;
    code = insp_store_image(request->server->config.store, request->param[0], &data, &bytes, type, reterr);
    if (code)
        return code;
    api_response_take(&request->response, 200, data, bytes, type);
    return 0;
}

static int decode_image(const struct api_request *request, const struct facts *facts, struct insp_image **ret,
                        struct insp_error *reterr) {
    _cleanup_free_ void *data = NULL;
    char text[128];
    size_t bytes;
    struct insp_media_type type;
    int code = insp_store_image(request->server->config.store, request->param[0], &data, &bytes, text, reterr);
    if (!code)
        code = insp_media_parse(text, &type, reterr);
    (void)facts;
    return code ? code
                : insp_image_decode(data, bytes, &type, 0, &request->server->config.image_limits, ret, reterr);
}

int api_inspection_heatmap(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {"view", "threshold", NULL};
    static const char *const views[] = {"threshold", "overlay", "raw",
                                        NULL}; /* in the order of enum insp_heat_view */
    struct facts facts;
    char etag[96];
    int view = INSP_VIEW_THRESHOLD;
    _cleanup_(insp_image_freep) struct insp_image *image = NULL;
    unsigned char *png = NULL;
    size_t bytes;
    int code = read_facts(request, known, &facts, reterr);
    if (!code)
        code = api_query_choice(&request->query, "view", views, &view, reterr);
    if (!code)
        code = api_query_fraction(&request->query, "threshold", &facts.heat.threshold, reterr);
    if (code)
        return code;
    snprintf(etag, sizeof etag, "\"%s-%s-%.6g\"", request->param[0], views[view], (double)facts.heat.threshold);
    if (api_request_not_modified(request, etag, forever))
        return 0;
    if (view == INSP_VIEW_OVERLAY && (code = decode_image(request, &facts, &image, reterr)))
        return code;
    code = insp_heat_render(&facts.heat, facts.suspect, facts.cam, (enum insp_heat_view)view, image, facts.width,
                            facts.height, &png, &bytes, reterr);
    if (!code)
        api_response_take(&request->response, 200, png, bytes, "image/png");
    return code;
}
