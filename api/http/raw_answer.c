#include "api/http/raw_answer.h"

#include <stdio.h>
#include <string.h>

enum { RETRY_S = 1 };

static const char *plain(const char *detail) {
    for (const char *at = detail; *at; at++)
        if (*at < 0x20 || *at > 0x7e || *at == '"' || *at == '\\')
            return "";
    return detail;
}

size_t api_raw_problem(const struct insp_error *error, char ret[API_RAW_ANSWER_BYTES]) {
    char body[1024], retry[32] = "";
    int status = insp_code_http(error->code);
    int bytes = snprintf(body, sizeof body,
                         "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"code\":\"%s\","
                         "\"detail\":\"%s\"}\n",
                         insp_code_title(error->code), status, insp_code_wire(error->code), plain(error->detail));
    if (status == 503)
        snprintf(retry, sizeof retry, "Retry-After: %d\r\n", RETRY_S);
    int length =
        snprintf(ret, API_RAW_ANSWER_BYTES,
                 "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
                 "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%sContent-Length: %d\r\n\r\n%s",
                 status, insp_code_title(error->code), retry, bytes, body);
    return (size_t)length; /* fits: a detail has at most INSP_ERROR_DETAIL_BYTES */
}
