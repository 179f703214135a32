#include "api/resources/handlers.h"
#include "api/server/server.h"

#include "core/base/clock.h"
#include "core/store/lists/drift_rows.h"

#include <string.h>

enum {
    CAMERAS_MAX = 24,
    ROWS_MAX = 400, /* of one camera, the newest */
};
static const int64_t day_us = INT64_C(86400000000);
static const int64_t window_default_us = 30 * INT64_C(86400000000);

/* Gathers the answer while rows come, camera by camera. */
struct gather {
    json_t *cameras, *days; /* days: of the last camera, borrowed */
    char product[INSP_NAME_BYTES], camera[INSP_TAG_BYTES];
    bool more, failed;
};

/* Returns the date of a day: the first ten characters of its time. */
static json_t *date_json(int64_t day) {
    char text[INSP_RFC3339_BYTES];
    insp_rfc3339(day * day_us, text);
    return json_stringn(text, strlen("2026-11-28"));
}

static json_t *bins_json(const struct insp_drift_row *row) {
    json_t *list = json_array();
    for (size_t i = 0; i < INSP_DRIFT_BINS; i++)
        json_array_append_new(list, json_integer(row->bin[i]));
    return list;
}

static json_t *day_json(const struct insp_drift_row *row) {
    struct insp_drift drift = insp_drift_of(row->bin, row->parts, row->reference);
    bool known = drift.state != INSP_DRIFT_UNKNOWN;
    bool judged = known && drift.state != INSP_DRIFT_FEW;
    return json_pack("{s:o,s:s,s:I,s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "day", date_json(row->day), "model", row->model,
                     "parts", (json_int_t)row->parts, "state", insp_drift_state_name(drift.state), "reference",
                     known ? json_integer(row->reference) : json_null(), "high",
                     known ? api_json_float((float)drift.high) : json_null(), "low",
                     known ? api_json_float((float)drift.low) : json_null(), "expected",
                     known ? api_json_float((float)drift.expected) : json_null(), "limit",
                     judged ? api_json_float((float)drift.limit) : json_null(), "bins",
                     known ? bins_json(row) : json_null());
}

static bool begin_camera(struct gather *gather, const struct insp_drift_row *row) {
    json_t *days = json_array();
    snprintf(gather->product, sizeof gather->product, "%s", row->product);
    snprintf(gather->camera, sizeof gather->camera, "%s", row->camera);
    gather->days = days;
    return json_array_append_new(gather->cameras, json_pack("{s:s,s:o,s:o}", "product", row->product, "camera",
                                                            api_json_text(row->camera), "days", days)) == 0;
}

static int take(void *arg, const struct insp_drift_row *row) {
    struct gather *gather = arg;
    bool next =
        !gather->days || strcmp(gather->product, row->product) != 0 || strcmp(gather->camera, row->camera) != 0;
    if (next && json_array_size(gather->cameras) == CAMERAS_MAX) {
        gather->more = true;
        return 1;
    }
    if (next && !begin_camera(gather, row))
        return gather->failed = true;
    if (json_array_size(gather->days) < ROWS_MAX) /* rows come newest first; the answer has them oldest first */
        gather->failed = json_array_insert_new(gather->days, 0, day_json(row)) < 0;
    return gather->failed;
}

int api_drift_get(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {"product", "window", NULL};
    struct gather gather = {0};
    const char *product = NULL;
    int64_t window = window_default_us, now = insp_wall_us();
    int code = api_query_allow(&request->query, known, reterr);
    if (!code)
        code = api_query_name(&request->query, "product", &product, reterr);
    if (!code)
        code = api_query_duration(&request->query, "window", &window, reterr);
    if (code)
        return code;
    const int64_t first = insp_drift_day(now - window);
    gather.cameras = json_array();
    code = insp_store_drift(request->server->config.store, product, first, take, &gather, reterr);
    if (code < 0 || gather.failed) {
        json_decref(gather.cameras);
        return code < 0 ? code : insp_fail(reterr, INSP_E_NOMEM, "no memory for the drift of the cameras");
    }
    return api_response_json(&request->response, 200,
                             json_pack("{s:s?,s:o,s:o,s:o,s:b}", "product", product, "since", date_json(first),
                                       "until", date_json(insp_drift_day(now)), "cameras", gather.cameras, "more",
                                       gather.more),
                             reterr);
}
