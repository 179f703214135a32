/* Shows the images that a version was trained on, and where each of them is now: found by its content, so that
 * images that were moved or renamed are found too. Lane BACK (API_HEAVY). */
#include "api/resources/datasets.h"
#include "api/resources/handlers.h"
#include "api/server/server.h"

#include "core/model/bundle.h"
#include "core/model/snapshot/snapshot.h"

#include <string.h>

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 500 };

struct page {
    const struct api_request *request;
    const char *named;
    struct insp_dataset *dataset; /* owned; NULL: the product has none */
    uint64_t limit, from;
};

/* Finds the item at a place, if its content is the expected one; dataset->count otherwise. */
static size_t at_place(struct insp_dataset *dataset, const char *place, uint64_t bytes, const char *sha256) {
    for (size_t i = 0; i < dataset->count; i++) {
        struct insp_dataset_item *item = &dataset->item[i];
        if (item->bytes != bytes || strcmp(insp_dataset_item_place(dataset, i), place) != 0)
            continue;
        bool same = (*item->sha256 || insp_sha256_file(item->path, item->sha256, NULL) == 0) &&
                    !strcmp(item->sha256, sha256);
        return same ? i : dataset->count;
    }
    return dataset->count;
}

/* Returns the image as the dataset has it now, or null. */
static json_t *where_now(const struct page *page, const json_t *image) {
    struct insp_dataset *dataset = page->dataset;
    const char *place = json_string_value(json_object_get(image, "place"));
    const char *sha256 = json_string_value(json_object_get(image, "sha256"));
    uint64_t bytes = (uint64_t)json_integer_value(json_object_get(image, "bytes"));
    struct insp_dataset_place_text at;
    if (!dataset || !sha256)
        return json_null();
    size_t item = at_place(dataset, place ? place : "", bytes, sha256);
    if (item == dataset->count && insp_dataset_find(dataset, 0, bytes, sha256, &item, NULL) < 0)
        return json_null();
    if (item == dataset->count ||
        insp_dataset_place_split(insp_dataset_item_place(dataset, item), &at, NULL) < 0 ||
        !api_text_clean(at.place.class) || !api_text_clean(at.place.name))
        return json_null();
    return api_dataset_image_json(page->request, &at.place, page->named, sha256, bytes);
}

static json_t *items_of(const struct page *page, const json_t *images) {
    json_t *items = json_array();
    size_t end = page->from + page->limit;
    for (size_t i = page->from; i < end && i < json_array_size(images) && !api_server_unwanted(page->request);
         i++) {
        json_t *item = json_copy(json_array_get(images, i));
        json_object_set_new(item, "now", where_now(page, item));
        json_array_append_new(items, item);
    }
    return items;
}

static int read_query(struct api_request *request, struct page *ret, struct insp_error *reterr) {
    static const char *const known[] = {"dataset", "limit", "cursor", NULL};
    ret->limit = LIMIT_DEFAULT;
    int r = api_query_allow(&request->query, known, reterr);
    if (r == 0)
        r = api_query_number(&request->query, "limit", 1, LIMIT_MAX, &ret->limit, reterr);
    if (r == 0)
        r = api_query_number(&request->query, "cursor", 0, INSP_DATASET_IMAGES_MAX, &ret->from, reterr);
    return r;
}

static int list_dataset(struct api_request *request, struct page *ret, struct insp_error *reterr) {
    char set[INSP_PATH_BYTES];
    int r = api_dataset_find(request, set, &ret->named, reterr);
    if (r == INSP_E_NOT_FOUND)
        return 0;
    return r < 0 ? r : insp_dataset_list(set, &ret->dataset, reterr);
}

int api_model_images(struct api_request *request, struct insp_error *reterr) {
    struct page page = {.request = request};
    json_t *images = NULL;
    char folder[INSP_PATH_BYTES], next[24] = "";
    int r = insp_bundle_folder(request->server->config.state_dir, request->param[0], request->param[1], folder,
                               reterr);
    if (r == 0)
        r = read_query(request, &page, reterr);
    if (r == 0)
        r = insp_snapshot_read(folder, &images, reterr); /* the versions without one cost no listing */
    if (r == 0)
        r = list_dataset(request, &page, reterr);
    if (r < 0) {
        json_decref(images);
        return r;
    }
    json_t *items = items_of(&page, images);
    json_int_t count = (json_int_t)json_array_size(images);
    uint64_t after = page.from + page.limit;
    if (after < (uint64_t)count)
        snprintf(next, sizeof next, "%llu", (unsigned long long)after);
    insp_dataset_free(page.dataset);
    json_decref(images);
    r = api_server_check_wanted(request, reterr);
    if (r < 0) {
        json_decref(items);
        return r;
    }
    return api_response_json(&request->response, 200,
                             json_pack("{s:s, s:I, s:o, s:o}", "version", request->param[1], "images", count,
                                       "items", items, "next", api_json_text(next)),
                             reterr);
}
