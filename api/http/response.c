#include "api/http/response.h"

#include "core/base/clock.h"
#include "core/model/float_json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Seconds. A slot is free after one inspection; other reasons last longer. */
enum { RETRY_QUEUE_FULL_S = 1, RETRY_OTHER_S = 5 };

/* Nine significant digits identify every float. */
#define JSON_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(9))

void api_response_clear(struct api_response *response) {
    if (!response->body_static)
        free(response->body);
    if (response->from_file)
        close(response->file_fd);
    *response = (struct api_response){.hidden = response->hidden, .kserve = response->kserve};
}

void api_response_header(struct api_response *response, const char *name, const char *format, ...) {
    if (response->header_count == API_HEADERS_MAX)
        return;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(response->header[response->header_count].value, API_HEADER_BYTES, format, args);
    va_end(args);
    if (length < 0 || length >= API_HEADER_BYTES)
        return;
    response->header[response->header_count++].name = name;
}

void api_response_take(struct api_response *response, unsigned status, void *body, size_t bytes,
                       const char *content_type) {
    response->status = status;
    response->body = body;
    response->bytes = bytes;
    response->body_static = false;
    snprintf(response->content_type, sizeof response->content_type, "%s", content_type);
}

void api_response_take_file(struct api_response *response, unsigned status, int fd, size_t bytes,
                            const char *content_type) {
    api_response_take(response, status, NULL, bytes, content_type);
    response->from_file = true;
    response->file_fd = fd;
}

char *api_json_line(json_t *json, size_t *ret_bytes) {
    char *text = json ? json_dumps(json, JSON_FLAGS) : NULL, *line = NULL;
    json_decref(json);
    if (text) {
        *ret_bytes = strlen(text) + 1;
        line = realloc(text, *ret_bytes + 1);
        if (line)
            memcpy(line + *ret_bytes - 1, "\n", 2); /* for people who read answers in a terminal */
        else
            free(text);
    }
    return line;
}

int api_response_json(struct api_response *response, unsigned status, json_t *json, struct insp_error *reterr) {
    size_t bytes = 0;
    char *text = api_json_line(json, &bytes);
    if (!text)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the answer");
    api_response_take(response, status, text, bytes, "application/json");
    api_response_header(response, "Cache-Control", "no-store");
    return 0;
}

/* Makes JSON of a detail, which may quote bytes of a client or of a file name. If it is not UTF-8, question marks
 * replace all bytes beyond ASCII. NULL without memory. */
static json_t *detail_json(const char *detail, const struct api_hidden *hidden) {
    char ascii[INSP_ERROR_DETAIL_BYTES];
    snprintf(ascii, sizeof ascii, "%s", detail);
    api_hide(hidden, ascii, sizeof ascii);
    json_t *json = json_string(ascii);
    if (json)
        return json;
    for (char *at = ascii; *at; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    return json_string(ascii);
}

static json_t *problem_json(const struct api_response *response, const struct insp_error *error) {
    json_t *detail = detail_json(error->detail, response->hidden);
    if (response->kserve)
        return json_pack("{s:o,s:s}", "error", detail, "code", insp_code_wire(error->code));
    return json_pack("{s:s,s:s,s:i,s:s,s:o}", "type", "about:blank", "title", insp_code_title(error->code),
                     "status", insp_code_http(error->code), "code", insp_code_wire(error->code), "detail", detail);
}

void api_response_problem(struct api_response *response, const struct insp_error *error) {
    static char no_memory[] = "{\"type\":\"about:blank\",\"title\":\"Out of memory\",\"status\":503,"
                              "\"code\":\"out_of_memory\",\"detail\":\"no memory for the answer\","
                              "\"error\":\"no memory for the answer\"}\n";
    const char *type = response->kserve ? "application/json" : "application/problem+json";
    api_response_clear(response);
    size_t bytes = 0;
    char *text = api_json_line(problem_json(response, error), &bytes);
    if (text) {
        api_response_take(response, (unsigned)insp_code_http(error->code), text, bytes, type);
    } else {
        api_response_take(response, 503, no_memory, sizeof no_memory - 1, type);
        response->body_static = true;
    }
    snprintf(response->code, sizeof response->code, "%s", insp_code_wire(error->code));
    api_response_header(response, "Cache-Control", "no-store");
    if (response->status == 503)
        api_response_header(response, "Retry-After", "%d",
                            error->code == INSP_E_QUEUE_FULL ? RETRY_QUEUE_FULL_S : RETRY_OTHER_S);
    if (response->status == 401)
        api_response_header(response, "WWW-Authenticate", "Bearer realm=\"inspectd\"");
}

json_t *api_json_float(float value) {
    return isfinite(value) ? insp_float_json(value) : json_null();
}

json_t *api_json_ms(int64_t us) {
    return json_real((double)us / 1000);
}

json_t *api_json_time(int64_t wall_us) {
    char text[INSP_RFC3339_BYTES];
    if (!wall_us)
        return json_null();
    insp_rfc3339(wall_us, text);
    return json_string(text);
}

json_t *api_json_text(const char *text) {
    return text && *text ? json_string(text) : json_null();
}
