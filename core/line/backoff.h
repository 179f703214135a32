/* core/line/backoff.h - decide how long to wait before the next attempt to reach a peer. Pure; any thread. */
#ifndef INSP_LINE_BACKOFF_H
#define INSP_LINE_BACKOFF_H

#include <stdint.h>

/* Returns the wait in milliseconds after `failures` attempts in a row (1..) have failed: a quarter of a second,
 * doubled with each failure up to half a minute, of which `random` takes away up to one half, so that many clients
 * of a peer that comes back do not return at the same moment. */
unsigned insp_backoff_ms(unsigned failures, uint64_t random);

#endif
