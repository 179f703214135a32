/* GET /v1/inspections/{id}/heat: the map as numbers, for a program or a page that draws it itself. It never changes:
 * a strong ETag, cached for good. */
#include "api/server.h"
#include "api/handlers.h"

#include "core/base/uuid.h"
#include "core/inspect/heatmap.h"

#include <string.h>

static const char forever[] = "private, max-age=31536000, immutable";

/* New reference: 14 rows of 14 numbers 0..1, top left first. NULL without memory. */
static json_t *rows(const float heat[INSP_MAP_FLOATS]) {
    json_t *rows = json_array();
    for (size_t y = 0; y < INSP_MAP_SIDE; y++) {
        json_t *row = json_array();
        for (size_t x = 0; x < INSP_MAP_SIDE; x++)
            json_array_append_new(row, api_json_float(heat[y * INSP_MAP_SIDE + x]));
        json_array_append_new(rows, row);
    }
    if (json_array_size(rows) == INSP_MAP_SIDE)
        return rows;
    json_decref(rows);
    return NULL;
}

static int keep_heat(void *arg, const struct insp_record *record) {
    json_t **ret = arg;
    const struct insp_heat_params params = {record->heat_per_image ? INSP_SCALE_PER_IMAGE : INSP_SCALE_FIXED,
                                            record->heat_threshold, record->heat_low, record->heat_high};
    float heat[INSP_MAP_FLOATS];
    if (!record->cam) {
        *ret = json_null();
        return 0;
    }
    insp_heat_scale(&params, record->cam, heat);
    *ret = json_pack("{s:s,s:s,s:o,s:I,s:I,s:o}", "id", record->id, "scale",
                     record->heat_per_image ? "per_image" : "fixed", "threshold",
                     api_json_float(record->heat_threshold), "width", (json_int_t)record->width, "height",
                     (json_int_t)record->height, "heat", rows(heat));
    return 0;
}

int api_inspection_heat(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {NULL};
    char etag[INSP_UUID_BYTES + 8];
    json_t *json = NULL;
    int code = api_query_allow(&request->query, known, reterr);
    if (!code && !insp_uuid_valid(request->param[0]))
        code = insp_fail(reterr, INSP_E_NOT_FOUND, "an inspection's id is a UUID in lower case");
    if (!code)
        code = insp_store_get(request->server->config.store, request->param[0], keep_heat, &json, reterr);
    if (!code && json_is_null(json))
        code = insp_fail(reterr, INSP_E_NOT_FOUND, "no heatmap is stored with this inspection");
    if (code)
        return code;
    snprintf(etag, sizeof etag, "\"%s-heat\"", request->param[0]);
    if (api_request_not_modified(request, etag, forever)) {
        json_decref(json);
        return 0;
    }
    return api_response_json(&request->response, 200, json, reterr);
}
