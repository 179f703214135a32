#include "api/resources/handlers.h"
#include "api/server/server.h"
#include "api/watch/drift_watch.h"

#include "core/base/clock.h"
#include "core/store/lists/drift_rows.h"

#include <string.h>

enum {
    CAMERAS_MAX = 24,
    ROWS_MAX = 400, /* of one camera, the newest */
};
static const int64_t day_us = INT64_C(86400000000);
static const int64_t window_default_us = 30 * INT64_C(86400000000);

/* Gathers the rows of the answer, camera by camera. */
struct gather {
    struct api_drift_rows rows;
    size_t cameras, of_camera; /* of_camera: rows of the last camera */
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

static json_t *day_json(const struct api_drift_row *copy) {
    const struct insp_drift_row *row = &copy->row;
    struct insp_drift drift = insp_drift_of(row->bin, row->parts, row->reference);
    bool known = drift.state != INSP_DRIFT_UNKNOWN;
    bool judged = known && drift.state != INSP_DRIFT_FEW;
    return json_pack("{s:o,s:s,s:I,s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "day", date_json(row->day), "model", copy->model,
                     "parts", (json_int_t)row->parts, "state", insp_drift_state_name(drift.state), "reference",
                     known ? json_integer(row->reference) : json_null(), "high",
                     known ? api_json_float((float)drift.high) : json_null(), "low",
                     known ? api_json_float((float)drift.low) : json_null(), "expected",
                     known ? api_json_float((float)drift.expected) : json_null(), "limit",
                     judged ? api_json_float((float)drift.limit) : json_null(), "bins",
                     known ? bins_json(row) : json_null());
}

static bool same_camera(const struct api_drift_row *copy, const char *product, const char *camera) {
    return !strcmp(copy->product, product) && !strcmp(copy->camera, camera);
}

static int take(void *arg, const struct insp_drift_row *row) {
    struct gather *gather = arg;
    const struct api_drift_row *last = gather->rows.count ? &gather->rows.row[gather->rows.count - 1] : NULL;
    bool next = !last || !same_camera(last, row->product, row->camera);
    if (next && gather->cameras == CAMERAS_MAX) {
        gather->more = true;
        return 1;
    }
    gather->cameras += next;
    gather->of_camera = next ? 0 : gather->of_camera;
    if (gather->of_camera++ >= ROWS_MAX)
        return 0;
    return gather->failed = !api_drift_rows_add(&gather->rows, row);
}

/* Judges the rows. NULL without memory. */
static json_t *cameras_json(const struct api_drift_rows *rows) {
    json_t *cameras = json_array(), *days = NULL; /* days: of the last camera, borrowed */
    for (size_t i = 0; cameras && i < rows->count; i++) {
        const struct api_drift_row *copy = &rows->row[i];
        bool failed = false;
        if (!i || !same_camera(&rows->row[i - 1], copy->product, copy->camera)) {
            days = json_array();
            failed = json_array_append_new(cameras, json_pack("{s:s,s:o,s:o}", "product", copy->product, "camera",
                                                              api_json_text(copy->camera), "days", days)) < 0;
        }
        /* rows come newest first; the answer has them oldest first */
        if (failed || json_array_insert_new(days, 0, day_json(copy)) < 0) {
            json_decref(cameras);
            return NULL;
        }
    }
    return cameras;
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
    code = insp_store_drift(request->server->config.store, product, first, take, &gather, reterr);
    json_t *cameras = code < 0 || gather.failed ? NULL : cameras_json(&gather.rows);
    free(gather.rows.row);
    if (!cameras)
        return code < 0 ? code : insp_fail(reterr, INSP_E_NOMEM, "no memory for the drift of the cameras");
    return api_response_json(&request->response, 200,
                             json_pack("{s:s?,s:o,s:o,s:o,s:b}", "product", product, "since", date_json(first),
                                       "until", date_json(insp_drift_day(now)), "cameras", cameras, "more",
                                       gather.more),
                             reterr);
}
