#include "api/http/cursor.h"
#include "api/inspections/export.h"
#include "api/inspections/inspection_json.h"
#include "api/inspections/list_filter.h"
#include "api/inspections/poll.h"
#include "api/resources/handlers.h"
#include "api/server/server.h"

#include "core/base/uuid.h"

#include <string.h>

static int read_filter(const struct api_request *request, struct insp_filter *filter, char *cursor_id,
                       struct insp_error *reterr) {
    static const char *const known[] = {"product", "camera", "part",  "verdict", "label", "model",
                                        "since",   "until",  "limit", "cursor",  NULL};
    const struct api_query *query = &request->query;
    bool export = api_export_wanted(request);
    int code = api_query_allow(query, known, reterr);
    if (!code) /* an export has all rows without a limit */
        code = api_list_filter(query, export ? 0 : API_LIST_LIMIT, export ? UINT32_MAX : API_LIST_LIMIT_MAX,
                               filter, reterr);
    const char *cursor = api_query_get(query, "cursor");
    if (!code && cursor && !(code = api_cursor_read(query, cursor, cursor_id, reterr)))
        filter->before_id = cursor_id;
    return code;
}

struct page {
    const struct api_request *request;
    json_t *items;
    size_t limit;
    bool more;
    char last_id[INSP_UUID_BYTES];
};

/* Gets one row more than the page holds, so that `next` is null on the last page. */
static int add_item(void *arg, const struct insp_record *record) {
    struct page *page = arg;
    if (api_server_unwanted(page->request))
        return 1;
    if (json_array_size(page->items) == page->limit) {
        page->more = true;
        return 1;
    }
    snprintf(page->last_id, sizeof page->last_id, "%s", record->id);
    return json_array_append_new(page->items, api_inspection_json(record));
}

int api_inspections_before(struct api_request *request, struct insp_error *reterr) {
    return api_poll_wanted(request) ? api_poll_before(request, reterr) : api_export_before(request, reterr);
}

int api_inspections_list(struct api_request *request, struct insp_error *reterr) {
    struct insp_filter filter;
    char cursor_id[INSP_UUID_BYTES], next[API_CURSOR_BYTES];
    if (api_poll_wanted(request))
        return api_poll_read(request, reterr);
    int code = read_filter(request, &filter, cursor_id, reterr);
    if (code)
        return code;
    if (api_export_wanted(request))
        return api_export_begin(request, &filter, reterr);
    struct page page = {.request = request, .items = json_array(), .limit = filter.limit++};
    code = insp_store_list(request->server->config.store, &filter, add_item, &page, reterr);
    if (!code)
        code = api_server_check_wanted(request, reterr);
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
