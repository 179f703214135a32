/* api/http/raw_answer.h - a whole HTTP answer as text, for the moments at which libmicrohttpd takes none: before
 * it has the connection, and while a body comes in. Pure; any thread. */
#ifndef INSP_API_HTTP_RAW_ANSWER_H
#define INSP_API_HTTP_RAW_ANSWER_H

#include "api/http/response.h"

enum { API_RAW_ANSWER_BYTES = 4096 };

/* Writes status line, headers and body, with `Connection: close`, and returns their length; 0 where they do not
 * fit. response: a filled one that keeps its body. */
size_t api_raw_answer(const struct api_response *response, char ret[API_RAW_ANSWER_BYTES]);

/* The same for the problem of an error. */
size_t api_raw_problem(const struct insp_error *error, char ret[API_RAW_ANSWER_BYTES]);

#endif
