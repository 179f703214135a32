/* api/listen/linger.h - closes connections slowly whose client still sends after its answer: reads and discards
 * the bytes until the client closes or a limit of bytes or time is reached. Closing at once with unread bytes
 * would send a reset, which can destroy the answer on its way. Loop thread. */
#ifndef INSP_API_LISTEN_LINGER_H
#define INSP_API_LISTEN_LINGER_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum {
    API_LINGER_MAX = 64, /* open at once; one more closes the oldest */
    API_LINGER_QUIET_US = 5 * 1000000,
};

struct api_linger;

struct api_lingers {
    uv_loop_t *loop;
    struct api_linger *first;  /* newest first */
    size_t count;              /* open connections */
    size_t handles;            /* handles of libuv: of open connections and of those that it is closing */
    void (*closed)(void *arg); /* called after each handle that libuv has closed */
    void *arg;
};

/* Takes the descriptor and closes it later, in any case. The next sweep shuts its sending side down: by then the
 * answer has been written.
 *   fd         non-blocking
 *   bytes_max  bytes to discard at most
 *   until_us   monotonic */
void api_linger_take(struct api_lingers *lingers, int fd, uint64_t bytes_max, int64_t until_us);

/* Closes connections whose time is over or whose client has sent nothing for API_LINGER_QUIET_US. */
void api_lingers_sweep(struct api_lingers *lingers, int64_t now_us);

/* Closes all connections. */
void api_lingers_close(struct api_lingers *lingers);

#endif
