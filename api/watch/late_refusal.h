/* api/watch/late_refusal.h - refuses a client that wants to follow events for longer than its request takes (an
 * event stream, a long poll) a second after it asked. A client that asks again at once, as many do, then costs the
 * loop one request a second; 172 of them, answered at once, took two fifths of a core. Loop thread. */
#ifndef INSP_API_WATCH_LATE_REFUSAL_H
#define INSP_API_WATCH_LATE_REFUSAL_H

#include "api/http/request.h"

enum { API_LATE_REFUSAL_MS = 1000 };

/* Suspends the connection and answers with the problem `why` after API_LATE_REFUSAL_MS, or earlier if the daemon
 * stops or needs the connection's place (listener.h). Replaces the request's part, if any. Fails with
 * INSP_E_NOMEM. */
int api_refuse_late(struct api_request *request, const struct insp_error *why, struct insp_error *reterr);

#endif
