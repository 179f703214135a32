/* api/http/raw_answer.h - writes a complete HTTP/1.1 answer as text, for the moments at which libmicrohttpd
 * accepts none: before it has the connection, and while it receives a body. Any thread. */
#ifndef INSP_API_HTTP_RAW_ANSWER_H
#define INSP_API_HTTP_RAW_ANSWER_H

#include "api/http/response.h"

enum { API_RAW_ANSWER_BYTES = 4096 };

/* Writes status line, headers (with `Connection: close`) and body. Returns their length; 0 if they do not fit or
 * without memory. The response keeps its body. */
size_t api_raw_answer(const struct api_response *response, char ret[API_RAW_ANSWER_BYTES]);

/* Does the same with the problem of an error. */
size_t api_raw_problem(const struct insp_error *error, char ret[API_RAW_ANSWER_BYTES]);

#endif
