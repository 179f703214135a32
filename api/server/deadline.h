/* api/server/deadline.h - ends requests that are at work for longer than they may be. Loop thread. */
#ifndef INSP_API_SERVER_DEADLINE_H
#define INSP_API_SERVER_DEADLINE_H

#include <stdint.h>

struct api_request;

/* Sets the time (monotonic; 0: none) at which the request's part is stopped with API_STOP_DEADLINE, once, if the
 * request is still at work then. The stop never runs inside this call. */
void api_deadline_set(struct api_request *request, int64_t deadline_us);

#endif
