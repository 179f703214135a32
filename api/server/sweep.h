/* api/server/sweep.h - checks all connections every 50 ms for clients that left or stalled. Loop thread. */
#ifndef INSP_API_SERVER_SWEEP_H
#define INSP_API_SERVER_SWEEP_H

#include <uv.h>

/* A timer's callback; its data is the server. */
void api_sweep(uv_timer_t *timer);

#endif
