/* Uploads, reads and removes one image of a product's dataset. The handlers run in lane BACK; api_dataset_accept
 * refuses on the loop, before the body is read, whatever the headers alone rule out. */
#include "api/resources/datasets.h"
#include "api/resources/handlers.h"
#include "api/server/server.h"
#include "api/server/slots.h"

#include "core/dataset/dataset_name.h"
#include "core/image/thumbnail.h"
#include "core/jobs/dataset_root.h"

#include <ctype.h>
#include <string.h>

enum {
    DATASET_BYTES_MAX = 1024,
    HREF_BYTES = 5 << 10, /* room for the name and the dataset with every byte escaped */
};

static const char *const no_query[] = {NULL};

static struct insp_dataset_place place_of(const struct api_request *request) {
    return (struct insp_dataset_place){request->param[1], request->param[2], request->param[3]};
}

struct insp_dataset_limits api_dataset_limits(const struct api_request *request) {
    const struct api_config *config = &request->server->config;
    return (struct insp_dataset_limits){api_server_image_limits(request), config->retention.free_bytes_min};
}

/* --- JSON --- */

/* Appends text and escapes all but unreserved characters (RFC 3986). */
static void append_escaped(char *out, size_t room, const char *text) {
    size_t used = strlen(out);
    for (; *text && used + 4 < room; text++) {
        bool plain = isalnum((unsigned char)*text) || strchr("-._~", *text);
        used += (size_t)snprintf(out + used, room - used, plain ? "%c" : "%%%02X", (unsigned char)*text);
    }
}

static void make_href(const char *product, const struct insp_dataset_place *place, const char *dataset,
                      char ret[HREF_BYTES]) {
    snprintf(ret, HREF_BYTES, "/v1/admin/products/%s/dataset/%s/", product, place->split);
    append_escaped(ret, HREF_BYTES, place->class);
    snprintf(ret + strlen(ret), HREF_BYTES - strlen(ret), "/");
    append_escaped(ret, HREF_BYTES, place->name);
    if (dataset) {
        snprintf(ret + strlen(ret), HREF_BYTES - strlen(ret), "?dataset=");
        append_escaped(ret, HREF_BYTES, dataset);
    }
}

json_t *api_dataset_image_json(const struct api_request *request, const struct insp_dataset_place *place,
                               const char *dataset, const char *sha256, uint64_t bytes) {
    char href[HREF_BYTES];
    make_href(request->param[0], place, dataset, href);
    return json_pack("{s:s, s:s, s:s, s:o, s:I, s:s, s:s}", "split", insp_dataset_split(place->split), "class",
                     place->class, "name", place->name, "sha256", api_json_text(sha256), "bytes",
                     (json_int_t)bytes, "source", insp_source_name(insp_dataset_source_of(place->name)), "href",
                     href);
}

/* --- upload --- */

static int media_of(const struct api_request *request, enum insp_media *ret, struct insp_error *reterr) {
    struct insp_media_type type;
    int r = insp_media_parse(request->content_type ? request->content_type : "", &type, reterr);
    if (r == 0 && type.media != INSP_MEDIA_JPEG && type.media != INSP_MEDIA_PNG)
        r = insp_fail(reterr, INSP_E_MEDIA_TYPE, "an image of a dataset is image/jpeg or image/png");
    if (r == 0)
        *ret = type.media;
    return r;
}

int api_dataset_check_media(const struct api_request *request, struct insp_error *reterr) {
    enum insp_media media;
    int r = media_of(request, &media, reterr);
    return r == 0 && !api_request_has_body(request)
               ? insp_fail(reterr, INSP_E_EMPTY_BODY, "the body is empty; send the image")
               : r;
}

int api_dataset_accept(struct api_request *request, struct insp_error *reterr) {
    struct insp_dataset_place place = place_of(request);
    enum insp_media media;
    int r = api_query_allow(&request->query, no_query, reterr);
    if (r == 0)
        r = media_of(request, &media, reterr);
    if (r == 0)
        r = insp_dataset_place_check_new(&place, media, reterr);
    if (r == 0)
        r = api_dataset_check_media(request, reterr);
    return r ? r : api_upload_take(request, reterr);
}

int api_dataset_check_bytes(const struct api_request *request, struct insp_error *reterr) {
    struct insp_media_type said;
    int r = insp_media_parse(request->content_type, &said, reterr);
    if (r == 0 && !request->body_bytes)
        return insp_fail(reterr, INSP_E_EMPTY_BODY, "the body is empty; send the image");
    if (r == 0 && insp_image_sniff(request->body, request->body_bytes) != said.media)
        return insp_fail(reterr, INSP_E_IMAGE, "the body is not %s", insp_media_name(said.media));
    return r;
}

int api_dataset_put(struct api_request *request, struct insp_error *reterr) {
    struct insp_dataset_place place = place_of(request);
    struct insp_dataset_limits limits = api_dataset_limits(request);
    enum insp_dataset_change change;
    char set[INSP_PATH_BYTES], sha256[INSP_SHA256_HEX_BYTES];
    int r = api_dataset_check_bytes(request, reterr);
    if (r == 0)
        r = insp_dataset_home(request->server->dataset_roots, request->param[0], true, set, reterr);
    if (r == 0)
        r = insp_dataset_put(set, &place, request->body, request->body_bytes, &limits, &change, sha256, reterr);
    if (r)
        return r;
    bool added = change == INSP_DATASET_ADDED;
    json_t *json = api_dataset_image_json(request, &place, NULL, sha256, request->body_bytes);
    if (added)
        api_response_header(&request->response, "Location", "%s",
                            json_string_value(json_object_get(json, "href")));
    return api_response_json(&request->response, added ? 201 : 200, json, reterr);
}

int api_dataset_delete(struct api_request *request, struct insp_error *reterr) {
    struct insp_dataset_place place = place_of(request);
    char set[INSP_PATH_BYTES];
    int r = api_query_allow(&request->query, no_query, reterr);
    if (r == 0)
        r = insp_dataset_place_check(&place, reterr);
    if (r == 0)
        r = insp_dataset_home(request->server->dataset_roots, request->param[0], false, set, reterr);
    if (r == 0)
        r = insp_dataset_remove(set, &place, reterr);
    if (r == 0)
        api_response_take(&request->response, 204, NULL, 0, "");
    return r;
}

/* --- reading --- */

int api_dataset_find(const struct api_request *request, char ret_set[INSP_PATH_BYTES], const char **ret_named,
                     struct insp_error *reterr) {
    const char *named = api_query_get(&request->query, "dataset");
    if (named && (!*named || strlen(named) >= DATASET_BYTES_MAX || !api_text_clean(named)))
        return insp_fail(reterr, INSP_E_QUERY,
                         "query parameter \"dataset\" must name a folder below a dataset root");
    *ret_named = named;
    int r =
        insp_dataset_resolve(request->server->dataset_roots, named ? named : request->param[0], ret_set, reterr);
    if (r == INSP_E_DATASET && !named)
        return insp_fail(reterr, INSP_E_NOT_FOUND, "product %s has no dataset yet", request->param[0]);
    return r;
}

/* Makes it anew each time: browsers keep it, and ask by its tag whether the image has changed. */
static int thumbnail(struct api_request *request, const char *data, size_t bytes, uint32_t width,
                     struct insp_error *reterr) {
    const struct insp_media_type type = {.media = insp_image_sniff(data, bytes)};
    const struct insp_image_limits limits = api_server_image_limits(request);
    unsigned char *jpeg;
    size_t jpeg_bytes;
    /* The sides of the image are not known yet: as if it were square, it is decoded large enough for any shape. */
    int r = insp_image_thumbnail(data, bytes, &type, width, width, width, &limits, &jpeg, &jpeg_bytes, reterr);
    if (r == 0)
        api_response_take(&request->response, 200, jpeg, jpeg_bytes, "image/jpeg");
    return r;
}

int api_dataset_get(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {"dataset", "width", NULL};
    struct insp_dataset_place place = place_of(request);
    char set[INSP_PATH_BYTES], etag[INSP_SHA256_HEX_BYTES + 16], sha256[INSP_SHA256_HEX_BYTES];
    const char *named;
    uint64_t width = 0;
    _cleanup_free_ char *data = NULL;
    size_t bytes;
    int r = api_query_allow(&request->query, known, reterr);
    if (r == 0)
        r = insp_dataset_place_check(&place, reterr);
    if (r == 0)
        r = api_query_number(&request->query, "width", 16, 2048, &width, reterr);
    if (r == 0)
        r = api_dataset_find(request, set, &named, reterr);
    if (r == 0)
        r = insp_dataset_place_read(set, &place, request->server->config.image_limits.bytes, &data, &bytes,
                                    reterr);
    if (r)
        return r;
    insp_sha256_hex(data, bytes, sha256);
    if (width)
        snprintf(etag, sizeof etag, "\"%s-%u\"", sha256, (unsigned)width);
    else
        snprintf(etag, sizeof etag, "\"%s\"", sha256);
    if (api_request_not_modified(request, etag, "private, no-cache")) /* the image may be replaced */
        return 0;
    enum insp_media media = insp_image_sniff(data, bytes);
    if (width)
        return thumbnail(request, data, bytes, (uint32_t)width, reterr);
    bool image = media == INSP_MEDIA_JPEG || media == INSP_MEDIA_PNG;
    api_response_take(&request->response, 200, insp_take_ptr(data), bytes,
                      image ? insp_media_name(media) : "application/octet-stream");
    return 0;
}
