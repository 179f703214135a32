/* api/http/raw_answer.h - a whole HTTP answer as text, for the moments at which libmicrohttpd takes none: before
 * it has the connection, and while a body comes in. Pure; any thread. */
#ifndef INSP_API_HTTP_RAW_ANSWER_H
#define INSP_API_HTTP_RAW_ANSWER_H

#include "core/base/error.h"

enum { API_RAW_ANSWER_BYTES = 2048 };

/* Writes status line, headers (with `Connection: close`, and Retry-After for 503) and the problem of `error`
 * (application/problem+json) and returns their length. The detail must need no escaping in JSON: no quotes, no
 * backslash, no control characters, ASCII; it is left out otherwise. */
size_t api_raw_problem(const struct insp_error *error, char ret[API_RAW_ANSWER_BYTES]);

#endif
