/* Answers the posted image, thumbnails, and the heatmap as a PNG or as numbers. None of them ever
 * changes, so all carry a strong ETag and may be cached forever. The tag is compared before an image is read
 * or rendered. */
#include "api/resources/handlers.h"
#include "api/server/server.h"

#include "core/base/uuid.h"
#include "core/heat/heatmap.h"
#include "core/image/thumbnail.h"
#include "core/store/images/thumbnail_file.h"

#include <string.h>

static const char forever[] = "private, max-age=31536000, immutable";

struct facts {
    char sha256[INSP_SHA256_HEX_BYTES];
    bool suspect, image_kept, jpeg, has_cam;
    struct insp_heat_params heat;
    uint32_t width, height;
    float cam[INSP_TILES_MAP_MAX];
};

static int keep_facts(void *arg, const struct insp_record *record) {
    struct facts *facts = arg;
    snprintf(facts->sha256, sizeof facts->sha256, "%s", record->sha256);
    facts->suspect = record->verdict != INSP_VERDICT_GOOD;
    facts->image_kept = record->image_kept;
    facts->jpeg = !strcmp(record->media_type, "image/jpeg");
    facts->heat =
        (struct insp_heat_params){.scale = record->heat_per_image ? INSP_SCALE_PER_IMAGE : INSP_SCALE_FIXED,
                                  .threshold = record->heat_threshold,
                                  .low = record->heat_low,
                                  .high = record->heat_high};
    facts->width = record->width;
    facts->height = record->height;
    facts->has_cam = record->cam != NULL && insp_map_cells(record->map) <= INSP_COUNT(facts->cam);
    facts->heat.map = record->map;
    if (facts->has_cam)
        memcpy(facts->cam, record->cam, insp_map_cells(record->map) * sizeof *facts->cam);
    return 0;
}

static int read_facts(const struct api_request *request, const char *const *known, struct facts *ret,
                      struct insp_error *reterr) {
    int code = api_query_allow(&request->query, known, reterr);
    if (!code && !insp_uuid_valid(request->param[0]))
        code = insp_fail(reterr, INSP_E_NOT_FOUND, "the id of an inspection is a UUID in lower case");
    return code ? code : insp_store_get(request->server->config.store, request->param[0], keep_facts, ret, reterr);
}

static int need_map(const struct facts *facts, struct insp_error *reterr) {
    return facts->has_cam ? 0 : insp_fail(reterr, INSP_E_NOT_FOUND, "this inspection has no stored heatmap");
}

/* Reads the query parameter "width", at most the width of the image; 0 without the parameter. */
static int read_width(const struct api_request *request, const struct facts *facts, uint32_t *ret,
                      struct insp_error *reterr) {
    uint64_t width = 0;
    int code = api_query_number(&request->query, "width", 16, 2048, &width, reterr);
    *ret = width < facts->width ? (uint32_t)width : facts->width;
    return code;
}

/* Answers a kept thumbnail, or makes and keeps one. Two requests at once make the same file twice. */
static int thumbnail(struct api_request *request, const struct facts *facts, uint32_t width,
                     struct insp_error *reterr) {
    const struct api_config *config = &request->server->config;
    const char *id = request->param[0];
    _cleanup_free_ void *data = NULL;
    unsigned char *jpeg = NULL;
    char text[128];
    size_t bytes, jpeg_bytes;
    struct insp_media_type type;
    const struct insp_image_limits limits = api_server_image_limits(request);
    if (insp_thumbnail_get(config->store, id, width, &jpeg, &jpeg_bytes, NULL)) {
        int code = insp_store_image(config->store, id, &data, &bytes, text, reterr);
        if (!code)
            code = insp_media_parse(text, &type, reterr);
        if (!code)
            code = insp_image_thumbnail(data, bytes, &type, facts->width, facts->height, width, &limits, &jpeg,
                                        &jpeg_bytes, reterr);
        if (code)
            return code;
        insp_thumbnail_keep(config->store, id, width, jpeg, jpeg_bytes, config->retention.thumbnail_bytes_max);
    }
    api_response_take(&request->response, 200, jpeg, jpeg_bytes, "image/jpeg");
    return 0;
}

/* Answers from the file, so that slow clients do not hold images in memory. */
static int posted_image(struct api_request *request, struct insp_error *reterr) {
    struct insp_stored_image image;
    int code = insp_store_image_open(request->server->config.store, request->param[0], &image, reterr);
    if (!code)
        api_response_take_file(&request->response, 200, image.fd, (size_t)image.bytes, image.media_type);
    return code;
}

int api_inspection_image(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {"width", NULL};
    struct facts facts;
    uint32_t width;
    char etag[INSP_SHA256_HEX_BYTES + 16];
    int code = read_facts(request, known, &facts, reterr);
    if (!code)
        code = read_width(request, &facts, &width, reterr);
    if (code)
        return code;
    if (width == facts.width && facts.jpeg)
        width = 0; /* the posted bytes are a JPEG of this width */
    if (width)
        snprintf(etag, sizeof etag, "\"%s-%u\"", facts.sha256, width);
    else
        snprintf(etag, sizeof etag, "\"%s\"", facts.sha256);
    if (facts.image_kept && api_request_not_modified(request, etag, forever))
        return 0;
    return width && facts.image_kept ? thumbnail(request, &facts, width, reterr) : posted_image(request, reterr);
}

/* Decodes the posted image for an overlay of this size. */
static int decode_image(const struct api_request *request, uint32_t width, uint32_t height,
                        struct insp_image **ret, struct insp_error *reterr) {
    _cleanup_free_ void *data = NULL;
    char text[128];
    size_t bytes;
    struct insp_media_type type;
    const struct insp_image_limits limits = api_server_image_limits(request);
    int code = insp_store_image(request->server->config.store, request->param[0], &data, &bytes, text, reterr);
    if (!code)
        code = insp_media_parse(text, &type, reterr);
    return code ? code
                : insp_image_decode(data, bytes, &type, width < height ? width : height, &limits, ret, reterr);
}

int api_inspection_heatmap(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {"view", "threshold", "width", NULL};
    static const char *const views[] = {"threshold", "overlay", "raw",
                                        NULL}; /* in the order of enum insp_heat_view */
    struct facts facts;
    char etag[96];
    uint32_t width, height;
    int view = INSP_VIEW_THRESHOLD;
    _cleanup_(insp_image_freep) struct insp_image *image = NULL;
    unsigned char *png = NULL;
    size_t bytes;
    const struct insp_image_limits limits = api_server_image_limits(request);
    int code = read_facts(request, known, &facts, reterr);
    if (!code)
        code = api_query_choice(&request->query, "view", views, &view, reterr);
    if (!code)
        code = need_map(&facts, reterr);
    if (!code)
        code = api_query_fraction(&request->query, "threshold", &facts.heat.threshold, reterr);
    if (!code)
        code = read_width(request, &facts, &width, reterr);
    if (code)
        return code;
    width = width ? width : facts.width;
    height = insp_thumbnail_height(facts.width, facts.height, width);
    snprintf(etag, sizeof etag, "\"%s-%s-%.6g-%u\"", request->param[0], views[view], (double)facts.heat.threshold,
             width);
    if (api_request_not_modified(request, etag, forever))
        return 0;
    if (view == INSP_VIEW_OVERLAY && (code = decode_image(request, width, height, &image, reterr)))
        return code;
    code = insp_heat_render(&facts.heat, facts.suspect, facts.cam, (enum insp_heat_view)view, image, width, height,
                            &limits, &png, &bytes, reterr);
    if (!code)
        api_response_take(&request->response, 200, png, bytes, "image/png");
    return code;
}

/* Makes the rows of numbers 0..1, top left first. New reference; NULL without memory. */
static json_t *heat_rows(const struct facts *facts) {
    float heat[INSP_TILES_MAP_MAX];
    const struct insp_map_size map = insp_heat_map(&facts->heat);
    json_t *rows = json_array();
    insp_heat_scale(&facts->heat, facts->cam, heat);
    for (size_t y = 0; y < map.rows; y++) {
        json_t *row = json_array();
        for (size_t x = 0; x < map.columns; x++)
            json_array_append_new(row, api_json_float(heat[y * map.columns + x]));
        if (json_array_size(row) < map.columns || json_array_append_new(rows, row)) {
            json_decref(rows);
            return NULL;
        }
    }
    return rows;
}

int api_inspection_heat(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {NULL};
    struct facts facts;
    char etag[INSP_UUID_BYTES + 8];
    int code = read_facts(request, known, &facts, reterr);
    if (!code)
        code = need_map(&facts, reterr);
    if (code)
        return code;
    snprintf(etag, sizeof etag, "\"%s-heat\"", request->param[0]);
    if (api_request_not_modified(request, etag, forever))
        return 0;
    const char *scale = facts.heat.scale == INSP_SCALE_PER_IMAGE ? "per_image" : "fixed";
    size_t bytes;
    char *line = api_json_line(json_pack("{s:s,s:s,s:o,s:I,s:I,s:i,s:i,s:o}", "id", request->param[0], "scale",
                                         scale, "threshold", api_json_float(facts.heat.threshold), "width",
                                         (json_int_t)facts.width, "height", (json_int_t)facts.height, "columns",
                                         insp_heat_map(&facts.heat).columns, "rows",
                                         insp_heat_map(&facts.heat).rows, "heat", heat_rows(&facts)),
                               &bytes);
    if (!line)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the answer");
    api_response_take(&request->response, 200, line, bytes, "application/json");
    return 0;
}
