#include "api/http/raw_answer.h"

#include <stdio.h>
#include <string.h>

size_t api_raw_answer(const struct api_response *response, char ret[API_RAW_ANSWER_BYTES]) {
    FILE *out = fmemopen(ret, API_RAW_ANSWER_BYTES, "w");
    if (!out)
        return 0;
    fprintf(out, "HTTP/1.1 %u \r\nConnection: close\r\nContent-Type: %s\r\nX-Content-Type-Options: nosniff\r\n",
            response->status, response->content_type);
    for (size_t i = 0; i < response->header_count; i++)
        fprintf(out, "%s: %s\r\n", response->header[i].name, response->header[i].value);
    fprintf(out, "Content-Length: %zu\r\n\r\n", response->bytes);
    fwrite(response->body, 1, response->bytes, out);
    fflush(out);
    long length = ferror(out) ? 0 : ftell(out);
    fclose(out);
    return length > 0 && length < API_RAW_ANSWER_BYTES ? (size_t)length : 0;
}

size_t api_raw_problem(const struct insp_error *error, char ret[API_RAW_ANSWER_BYTES]) {
    struct api_response response = {0};
    api_response_problem(&response, error);
    size_t length = api_raw_answer(&response, ret);
    api_response_clear(&response);
    return length;
}
