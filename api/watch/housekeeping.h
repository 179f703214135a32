/* api/watch/housekeeping.h - chores in lane CHORE at intervals: how full the store is, and retention. Loop thread.
 */
#ifndef INSP_API_WATCH_HOUSEKEEPING_H
#define INSP_API_WATCH_HOUSEKEEPING_H

#include <uv.h>

/* A timer's callback; its data is the server. Does nothing while a chore runs or the server stops. */
void api_housekeeping(uv_timer_t *timer);

/* The disk is full: runs retention at once. server: a struct api_server. */
void api_housekeeping_now(void *server);

#endif
