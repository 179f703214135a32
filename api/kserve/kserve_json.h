/* api/kserve/kserve_json.h - reads the JSON of a KServe v2 request without a tree of its tensor. A JSON tree takes
 * tens of times the memory of its text, so the tensor's `data` is taken out of the text before jansson reads the
 * rest, and its values are read one after the other. Pure; any thread. */
#ifndef INSP_API_KSERVE_KSERVE_JSON_H
#define INSP_API_KSERVE_KSERVE_JSON_H

#include "api/http/fields.h"
#include "core/base/error.h"

#include <jansson.h>

enum { API_KSERVE_JSON_BYTES_MAX = 64 << 10 }; /* of the text without `data` */

/* Parses a request, with null in place of the `data` of its tensor.
 *   text      `bytes` bytes, borrowed
 *   ret       new reference, the caller's
 *   ret_data  the text of `data`, inside text; `at` is NULL if no member of `inputs` has one
 * Fails with INSP_E_REQUEST (no JSON), INSP_E_PARAMETER (a second `data`), INSP_E_TOO_LARGE (the rest is larger
 * than API_KSERVE_JSON_BYTES_MAX), INSP_E_NOMEM. */
int api_kserve_parse(const char *text, size_t bytes, json_t **ret, struct api_span *ret_data,
                     struct insp_error *reterr);

/* Walks over the values of an array, which may be nested up to API_KSERVE_DEPTH_MAX levels. Set `rest` to the text
 * of the array and all other members to 0. */
enum { API_KSERVE_DEPTH_MAX = 4 };
struct api_kserve_values {
    struct api_span rest;
    unsigned depth;
    bool begun, value_due, value_read;
};

/* Reads the next value.
 *   ret  its text inside the array, a string with its quotes
 * Returns 1 for a value, 0 at the end of the array, INSP_E_REQUEST for other text. */
int api_kserve_next(struct api_kserve_values *values, struct api_span *ret, struct insp_error *reterr);

#endif
