/* Lists the images of a dataset and imports labelled inspections into it, a page at a time, in lane BACK. */
#include "api/resources/datasets.h"
#include "api/resources/handlers.h"
#include "api/server/server.h"

#include "core/base/clock.h"
#include "core/dataset/class_name.h"
#include "core/dataset/dataset_name.h"
#include "core/jobs/dataset_root.h"
#include "core/jobs/from_labels.h"

#include <string.h>

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 500, IMPORT_DEFAULT = 500, IMPORT_MAX = 1000 };

/* --- list --- */

struct list {
    const struct api_request *request;
    struct insp_dataset *dataset;
    const char *named, *split, *class, *cursor;
    int source; /* enum insp_source; -1: any */
    size_t limit;
};

static int read_list(const struct api_request *request, struct list *ret, struct insp_error *reterr) {
    static const char *const known[] = {"dataset", "split", "class", "source", "limit", "cursor", NULL};
    static const char *const splits[] = {"train", "test", NULL};
    static const char *const sources[] = {"file", "inspection", NULL}; /* by enum insp_source */
    uint64_t limit = LIMIT_DEFAULT;
    int split = -1;
    int r = api_query_allow(&request->query, known, reterr);
    if (r == 0)
        r = api_query_choice(&request->query, "split", splits, &split, reterr);
    ret->source = -1;
    if (r == 0)
        r = api_query_choice(&request->query, "source", sources, &ret->source, reterr);
    ret->class = api_query_get(&request->query, "class");
    if (r == 0 && ret->class && !insp_class_name_valid(ret->class))
        r = insp_fail(reterr, INSP_E_QUERY, "query parameter \"class\" must be " INSP_CLASS_NAME_RULE);
    if (r == 0)
        r = api_query_number(&request->query, "limit", 1, LIMIT_MAX, &limit, reterr);
    if (r < 0)
        return r;
    ret->split = split < 0 ? NULL : splits[split];
    ret->limit = (size_t)limit;
    ret->cursor = api_query_get(&request->query, "cursor");
    return 0;
}

/* Makes {"train": {"good": 3}, "test": {"good": 1, "hole": 2}} and sums the bytes of all images. */
static json_t *count(const struct insp_dataset *dataset, json_int_t *ret_bytes) {
    json_t *counts = json_pack("{s:{}, s:{}}", "train", "test");
    struct insp_dataset_place_text at;
    *ret_bytes = 0;
    for (size_t i = 0; counts && i < dataset->count; i++) {
        *ret_bytes += (json_int_t)dataset->item[i].bytes;
        if (insp_dataset_place_split(insp_dataset_item_place(dataset, i), &at, NULL) < 0 ||
            !api_text_clean(at.place.class))
            continue;
        json_t *split = json_object_get(counts, insp_dataset_split(at.place.split));
        json_int_t have = json_integer_value(json_object_get(split, at.place.class));
        json_object_set_new(split, at.place.class, json_integer(have + 1));
    }
    return counts;
}

static bool of_class(const char *have, const char *want) {
    return !strcmp(have, want) || (insp_class_name_good(have) && insp_class_name_good(want));
}

static bool wanted(const struct list *list, const char *place, const struct insp_dataset_place *at) {
    return (!list->cursor || strcmp(place, list->cursor) > 0) &&
           (!list->split || !strcmp(insp_dataset_split(at->split), list->split)) &&
           (!list->class || of_class(at->class, list->class)) &&
           (list->source < 0 || (int)insp_dataset_source_of(at->name) == list->source) &&
           api_text_clean(at->class) && api_text_clean(at->name);
}

/* Makes the items of a page. The set is sorted by place, and the cursor is the last place of the page before.
 * Hashes the images of this page only. */
static json_t *page(const struct list *list, const char **ret_next) {
    struct insp_dataset *dataset = list->dataset;
    json_t *items = json_array();
    struct insp_dataset_place_text at;
    const char *last = NULL;
    *ret_next = NULL;
    for (size_t i = 0; items && i < dataset->count && !api_server_unwanted(list->request); i++) {
        struct insp_dataset_item *item = &dataset->item[i];
        const char *place = insp_dataset_item_place(dataset, i);
        if (insp_dataset_place_split(place, &at, NULL) < 0 || !wanted(list, place, &at.place))
            continue;
        if (json_array_size(items) == list->limit) {
            *ret_next = last;
            break;
        }
        if (insp_sha256_file(item->path, item->sha256, NULL) < 0)
            item->sha256[0] = 0; /* null in the answer; a training fails and names the file */
        last = place;
        if (json_array_append_new(items, api_dataset_image_json(list->request, &at.place, list->named,
                                                                item->sha256, item->bytes)) < 0) {
            json_decref(items);
            return NULL;
        }
    }
    return items;
}

static int answer_empty(struct api_request *request, struct insp_error *reterr) {
    return api_response_json(&request->response, 200,
                             json_pack("{s:s, s:i, s:i, s:{s:{}, s:{}}, s:[], s:n}", "dataset", request->param[0],
                                       "images", 0, "bytes", 0, "counts", "train", "test", "items", "next"),
                             reterr);
}

int api_dataset_list(struct api_request *request, struct insp_error *reterr) {
    struct list list = {.request = request};
    char set[INSP_PATH_BYTES];
    const char *next = NULL;
    json_int_t bytes;
    int r = read_list(request, &list, reterr);
    if (r == 0)
        r = api_dataset_find(request, set, &list.named, reterr);
    if (r == INSP_E_NOT_FOUND)
        return answer_empty(request, reterr);
    if (r == 0)
        r = insp_dataset_list(set, &list.dataset, reterr);
    if (r < 0)
        return r;
    json_t *counts = count(list.dataset, &bytes), *items = page(&list, &next);
    r = api_server_check_wanted(request, reterr);
    json_t *json = json_pack(
        "{s:s, s:I, s:I, s:o, s:o, s:s?}", "dataset", list.named ? list.named : request->param[0], "images",
        (json_int_t)list.dataset->count, "bytes", bytes, "counts", counts, "items", items, "next", next);
    insp_dataset_free(list.dataset);
    if (r < 0) {
        json_decref(json);
        return r;
    }
    return api_response_json(&request->response, 200, json, reterr);
}

/* --- import from labels --- */

struct import {
    int64_t since_us, until_us; /* since <= received < until; 0: open */
    bool good, anomaly;
    size_t limit;
    char cursor[INSP_SHA256_HEX_BYTES]; /* "": from the start */
    struct insp_labelled *item;         /* owned; room for limit + 1 */
    size_t count;
    json_t *answer; /* owned: a list of {"id", "sha256", "outcome", "place", "detail"} */
    json_int_t counts[INSP_IMPORT_UNSUPPORTED + 1];
};

static int parse_time(const char *name, const char *text, int64_t *ret, struct insp_error *reterr) {
    if (text && !insp_rfc3339_parse(text, ret))
        return insp_fail(reterr, INSP_E_PARAMETER, "\"%s\" must be an RFC 3339 time, such as 2026-11-24T20:00:00Z",
                         name);
    return 0;
}

static int parse_labels(const json_t *labels, struct import *ret, struct insp_error *reterr) {
    size_t i;
    const json_t *label;
    ret->good = ret->anomaly = !labels;
    if (labels && !json_array_size(labels))
        return insp_fail(reterr, INSP_E_PARAMETER, "\"labels\" must be a list of \"good\" and \"anomaly\"");
    json_array_foreach(labels, i, label) {
        const char *text = json_string_value(label);
        if (text && !strcmp(text, "good"))
            ret->good = true;
        else if (text && !strcmp(text, "anomaly"))
            ret->anomaly = true;
        else
            return insp_fail(reterr, INSP_E_PARAMETER, "\"labels\" must be a list of \"good\" and \"anomaly\"");
    }
    return 0;
}

static int parse_import(json_t *object, struct import *ret, struct insp_error *reterr) {
    const char *since = NULL, *until = NULL, *cursor = "";
    json_t *labels = NULL;
    json_int_t limit = IMPORT_DEFAULT;
    json_error_t why;
    if (json_unpack_ex(object, &why, JSON_STRICT, "{s?s, s?s, s?o, s?I, s?s}", "since", &since, "until", &until,
                       "labels", &labels, "limit", &limit, "cursor", &cursor))
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "the body must be {\"since\"?, \"until\"?, \"labels\"?, \"limit\"?, \"cursor\"?}: %s",
                         why.text);
    int r = parse_time("since", since, &ret->since_us, reterr);
    if (r == 0)
        r = parse_time("until", until, &ret->until_us, reterr);
    if (r == 0)
        r = parse_labels(labels, ret, reterr);
    if (r == 0 && (limit < 1 || limit > IMPORT_MAX))
        r = insp_fail(reterr, INSP_E_PARAMETER, "\"limit\" must be a whole number from 1 to %d", IMPORT_MAX);
    if (r == 0 && *cursor && !insp_sha256_hex_valid(cursor))
        r = insp_fail(reterr, INSP_E_PARAMETER, "\"cursor\" is not the \"next\" of an earlier answer");
    if (r < 0)
        return r;
    ret->limit = (size_t)limit;
    snprintf(ret->cursor, sizeof ret->cursor, "%s", cursor);
    return 0;
}

/* Collects one item more than the page holds, so that `next` is null on the last page. */
static int collect(void *arg, const struct insp_labelled *labelled) {
    struct import *import = arg;
    bool asked = labelled->label == INSP_LABEL_GOOD ? import->good : import->anomaly;
    if (!asked || labelled->received_us < import->since_us ||
        (import->until_us && labelled->received_us >= import->until_us))
        return 0;
    import->item[import->count++] = *labelled;
    return import->count > import->limit;
}

/* Makes null of a text that is not UTF-8, such as the name of a file that somebody copied into the set. */
static json_t *clean_text(const char *text) {
    return api_json_text(api_text_clean(text) ? text : "");
}

static int import_one(const struct api_request *request, struct insp_dataset_view *view, struct import *import,
                      const struct insp_labelled *labelled, struct insp_error *reterr) {
    const struct insp_dataset_limits limits = api_dataset_limits(request);
    char place[INSP_PLACE_BYTES];
    struct insp_error why = {0};
    enum insp_import outcome;
    int r = insp_import_labelled(request->server->config.store, view, labelled, &limits, &outcome, place, &why,
                                 reterr);
    if (r < 0)
        return r;
    import->counts[outcome]++;
    json_t *item =
        json_pack("{s:s, s:s, s:s, s:o, s:o}", "id", labelled->id, "sha256", labelled->sha256, "outcome",
                  insp_import_name(outcome), "place", clean_text(place), "detail", clean_text(why.detail));
    return json_array_append_new(import->answer, item) < 0
               ? insp_fail(reterr, INSP_E_NOMEM, "no memory for the answer")
               : 0;
}

static int import_page(const struct api_request *request, struct import *import, struct insp_error *reterr) {
    char set[INSP_PATH_BYTES];
    size_t count = import->count > import->limit ? import->limit : import->count;
    if (!count)
        return 0;
    int r = insp_dataset_home(request->server->dataset_roots, request->param[0], true, set, reterr);
    struct insp_dataset_view view = {.set = set};
    for (size_t i = 0; i < count && r == 0; i++)
        r = import_one(request, &view, import, &import->item[i], reterr);
    insp_dataset_view_clear(&view);
    return r;
}

static int import_labels(struct api_request *request, struct import *import, struct insp_error *reterr) {
    import->item = calloc(import->limit + 1, sizeof *import->item);
    import->answer = json_array();
    if (!import->item || !import->answer)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a page of %zu labels", import->limit);
    int r = insp_store_labelled(request->server->config.store, request->param[0],
                                *import->cursor ? import->cursor : NULL, collect, import, reterr);
    if (r == 0)
        r = import_page(request, import, reterr);
    if (r < 0)
        return r;
    const char *next = import->count > import->limit ? import->item[import->limit - 1].sha256 : NULL;
    snprintf(request->note, sizeof request->note, "product=%s added=%lld moved=%lld", request->param[0],
             (long long)import->counts[INSP_IMPORT_ADDED], (long long)import->counts[INSP_IMPORT_MOVED]);
    return api_response_json(
        &request->response, 200,
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:O, s:s?}", "added", import->counts[INSP_IMPORT_ADDED], "moved",
                  import->counts[INSP_IMPORT_MOVED], "duplicates", import->counts[INSP_IMPORT_DUPLICATE], "gone",
                  import->counts[INSP_IMPORT_GONE], "unsupported", import->counts[INSP_IMPORT_UNSUPPORTED],
                  "items", import->answer, "next", next),
        reterr);
}

int api_dataset_from_labels(struct api_request *request, struct insp_error *reterr) {
    static const char *const allowed[] = {NULL};
    struct import import = {0};
    json_t *object = NULL;
    int r = api_query_allow(&request->query, allowed, reterr);
    if (r == 0)
        r = api_request_json(request, NULL, &object, reterr);
    if (r == 0)
        r = parse_import(object, &import, reterr);
    json_decref(object);
    if (r == 0)
        r = import_labels(request, &import, reterr);
    free(import.item);
    json_decref(import.answer);
    return r;
}
