/* api/http/response.h - an answer before it is handed to libmicrohttpd. A handler fills it on the loop or on the
 * pool; the body moves on without a copy. */
#ifndef INSP_API_HTTP_RESPONSE_H
#define INSP_API_HTTP_RESPONSE_H

#include "api/http/hide.h"
#include "core/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { API_HEADERS_MAX = 12, API_HEADER_BYTES = 256 };

struct api_response {
    unsigned status; /* 0 while there is none */
    void *body;      /* owned (malloc) unless body_static */
    size_t bytes;
    bool body_static;
    bool from_file; /* the body is the first `bytes` of file_fd, which is owned; `body` is NULL */
    int file_fd;
    char content_type[160];
    size_t header_count;
    struct {
        const char *name; /* static string */
        char value[API_HEADER_BYTES];
    } header[API_HEADERS_MAX];
    char code[32];                   /* wire name of the problem, for log and metrics; "" */
    const struct api_hidden *hidden; /* folders that errors in it must not name; NULL: an admin asks; borrowed */
};

/* Empties it; `hidden` stays. */
void api_response_clear(struct api_response *response);

/* Adds a header; name is a static string, a value that does not fit is left out (all of ours fit). */
void api_response_header(struct api_response *response, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Takes body (malloc). content_type is copied. */
void api_response_take(struct api_response *response, unsigned status, void *body, size_t bytes,
                       const char *content_type);

/* Takes the descriptor of a file: the body is its first `bytes`, read as the client reads. */
void api_response_take_file(struct api_response *response, unsigned status, int fd, size_t bytes,
                            const char *content_type);

/* Writes JSON as the daemon writes it everywhere, on one line with its end. Takes the reference; the text is the
 * caller's (free). NULL where json is NULL (a failed json_pack) or there is no memory. */
char *api_json_line(json_t *json, size_t *ret_bytes);

/* Takes the reference; INSP_E_NOMEM where it is NULL (a failed json_pack) or cannot be written. */
int api_response_json(struct api_response *response, unsigned status, json_t *json, struct insp_error *reterr);

/* Makes the response an RFC 9457 problem for error, in place of what was there: application/problem+json with
 * {"type", "title", "status", "code", "detail"}. Adds Retry-After to 503 and WWW-Authenticate to 401. Cannot fail:
 * without memory the body is a static text. */
void api_response_problem(struct api_response *response, const struct insp_error *error);

/* A finite float in the fewest digits (6 to 9 significant) that read back as the same; "" where not finite. */
enum { API_FLOAT_BYTES = 32 };
void api_float_text(float value, char ret_text[API_FLOAT_BYTES]);

/* A float as JSON with no more digits than it has: 0.1f is 0.1, not 0.10000000149; null where not finite. */
json_t *api_json_float(float value);
/* Microseconds as milliseconds with three decimals. */
json_t *api_json_ms(int64_t us);
/* An RFC 3339 time; null for 0. */
json_t *api_json_time(int64_t wall_us);
/* A text or null for "". */
json_t *api_json_text(const char *text);

#endif
