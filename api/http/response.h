/* api/http/response.h - builds the answer that connection.c hands to libmicrohttpd, which takes the body without a
 * copy. The thread that runs the handler fills it; the loop sends it. */
#ifndef INSP_API_HTTP_RESPONSE_H
#define INSP_API_HTTP_RESPONSE_H

#include "api/http/hide.h"
#include "core/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    API_HEADERS_MAX = 12,
    API_HEADER_BYTES = 384 /* the longest is the Location of a dataset's image: 355, its class fully escaped */
};

struct api_response {
    unsigned status; /* 0: no answer yet */
    void *body;      /* owned (malloc) unless body_static */
    size_t bytes;
    bool body_static;
    bool from_file; /* the body is the first `bytes` of file_fd, which is owned; `body` is NULL */
    int file_fd;
    bool streamed; /* the request's part makes the body (request.h); `body` is NULL */
    char content_type[160];
    size_t header_count;
    struct {
        const char *name; /* static string */
        char value[API_HEADER_BYTES];
    } header[API_HEADERS_MAX];
    char code[32]; /* wire name of the problem, for log and metrics; "": no problem */
    const struct api_hidden
        *hidden; /* folders that problems must not name; NULL: the caller is an admin. Borrowed */
    bool kserve; /* problems have the form of KServe v2 */
};

/* Frees body and file and empties the response, except for `hidden` and `kserve`. */
void api_response_clear(struct api_response *response);

/* Adds a header. name: a static string. A value of API_HEADER_BYTES or more, and a header beyond API_HEADERS_MAX,
 * is left out: callers stay below both. */
void api_response_header(struct api_response *response, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Sets status and body. Takes body (malloc, may be NULL for 0 bytes); content_type is copied, "" sends none. */
void api_response_take(struct api_response *response, unsigned status, void *body, size_t bytes,
                       const char *content_type);

/* Sets status and a body from a file: its first `bytes`, read as fast as the client reads. Takes the
 * descriptor. */
void api_response_take_file(struct api_response *response, unsigned status, int fd, size_t bytes,
                            const char *content_type);

/* Writes compact JSON and "\n". Takes the reference. Returns text of the caller's (free); NULL if json is NULL (a
 * failed json_pack) and without memory.
 *   ret_bytes  length without the NUL; unchanged on NULL */
char *api_json_line(json_t *json, size_t *ret_bytes);

/* Sets status and JSON body, and Cache-Control: no-store. Takes the reference. Fails with INSP_E_NOMEM, also if
 * json is NULL (a failed json_pack). */
int api_response_json(struct api_response *response, unsigned status, json_t *json, struct insp_error *reterr);

/* Replaces the response by the RFC 9457 problem of an error: application/problem+json with {"type", "title",
 * "status", "code", "detail"}, Retry-After with 503, WWW-Authenticate with 401. With `kserve` it is
 * application/json with {"error", "code"}, error being the detail. Cannot fail: without memory the body is a
 * static text. */
void api_response_problem(struct api_response *response, const struct insp_error *error);

/* Make JSON values; new references, NULL without memory.
 *   float  with the digits of api_float_text: 0.1f is 0.1, not 0.10000000149; null if not finite
 *   ms     microseconds as milliseconds with three decimals
 *   time   RFC 3339; null for 0
 *   text   null for "" and NULL */
json_t *api_json_float(float value);
json_t *api_json_ms(int64_t us);
json_t *api_json_time(int64_t wall_us);
json_t *api_json_text(const char *text);

#endif
