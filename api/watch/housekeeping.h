/* api/watch/housekeeping.h - runs the chore (usage of the store, retention) in lane CHORE at intervals. Loop
 * thread. */
#ifndef INSP_API_WATCH_HOUSEKEEPING_H
#define INSP_API_WATCH_HOUSEKEEPING_H

#include <uv.h>

/* A timer's callback; its data is the server. Does nothing while a chore runs or the server stops. */
void api_housekeeping(uv_timer_t *timer);

/* Runs retention at once, on a full disk. server: a struct api_server. */
void api_housekeeping_now(void *server);

#endif
