#include "api/http/cursor.h"
#include "api/inspections/export.h"
#include "api/inspections/inspection_json.h"
#include "api/resources/handlers.h"
#include "api/server/server.h"

#include "core/base/uuid.h"

#include <string.h>

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 500 };

static int read_filter(const struct api_request *request, struct insp_filter *filter, char *cursor_id,
                       struct insp_error *reterr) {
    static const char *const known[] = {"product", "camera", "part",  "verdict", "label", "model",
                                        "since",   "until",  "limit", "cursor",  NULL};
    static const char *const verdicts[] = {"good", "anomaly", "review", NULL}; /* enum insp_verdict */
    static const char *const labels[] = {"none", "good", "anomaly", NULL}; /* in the order of enum insp_label */
    const struct api_query *query = &request->query;
    bool export = api_export_wanted(request);
    uint64_t limit = export ? 0 : LIMIT_DEFAULT; /* 0: all */
    *filter = (struct insp_filter){.verdict = -1, .label = -1};
    int code = api_query_allow(query, known, reterr);
    if (!code)
        code = api_query_name(query, "product", &filter->product, reterr);
    if (!code)
        code = api_query_name(query, "model", &filter->model, reterr);
    if (!code)
        code = api_query_tag(query, "camera", &filter->camera, reterr);
    if (!code)
        code = api_query_tag(query, "part", &filter->part, reterr);
    if (!code)
        code = api_query_choice(query, "verdict", verdicts, &filter->verdict, reterr);
    if (!code)
        code = api_query_choice(query, "label", labels, &filter->label, reterr);
    if (!code)
        code = api_query_time(query, "since", &filter->since_us, reterr);
    if (!code)
        code = api_query_time(query, "until", &filter->until_us, reterr);
    if (!code)
        code = api_query_number(query, "limit", 1, export ? UINT32_MAX : LIMIT_MAX, &limit, reterr);
    filter->limit = (size_t)limit;
    const char *cursor = api_query_get(query, "cursor");
    if (!code && cursor && !(code = api_cursor_read(query, cursor, cursor_id, reterr)))
        filter->before_id = cursor_id;
    return code;
}

struct page {
    json_t *items;
    size_t limit;
    bool more;
    char last_id[INSP_UUID_BYTES];
};

/* Gets one row more than the page holds, so that `next` is null on the last page. */
static int add_item(void *arg, const struct insp_record *record) {
    struct page *page = arg;
    if (json_array_size(page->items) == page->limit) {
        page->more = true;
        return 1;
    }
    snprintf(page->last_id, sizeof page->last_id, "%s", record->id);
    return json_array_append_new(page->items, api_inspection_json(record));
}

int api_inspections_list(struct api_request *request, struct insp_error *reterr) {
    struct insp_filter filter;
    char cursor_id[INSP_UUID_BYTES], next[API_CURSOR_BYTES];
    int code = read_filter(request, &filter, cursor_id, reterr);
    if (code)
        return code;
    if (api_export_wanted(request))
        return api_export_begin(request, &filter, reterr);
    struct page page = {.items = json_array(), .limit = filter.limit++};
    code = insp_store_list(request->server->config.store, &filter, add_item, &page, reterr);
    if (code) {
        json_decref(page.items);
        return code;
    }
    if (page.more)
        api_cursor_make(&request->query, page.last_id, next);
    return api_response_json(&request->response, 200,
                             json_pack("{s:o,s:s?}", "items", page.items, "next", page.more ? next : NULL),
                             reterr);
}

static int keep_json(void *arg, const struct insp_record *record) {
    json_t **ret = arg;
    *ret = api_inspection_json(record);
    return 0;
}

int api_inspection_get(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {NULL};
    json_t *json = NULL;
    int code = api_query_allow(&request->query, known, reterr);
    if (!code && !insp_uuid_valid(request->param[0]))
        code = insp_fail(reterr, INSP_E_NOT_FOUND, "the id of an inspection is a UUID in lower case");
    if (!code)
        code = insp_store_get(request->server->config.store, request->param[0], keep_json, &json, reterr);
    return code ? code : api_response_json(&request->response, 200, json, reterr);
}
