/* api/http/linger.h - lingering close: a connection that was answered while its client still sends is read, and
 * what comes is thrown away, until the client closes or a bound of bytes or time is reached. Closed at once, the
 * unread bytes would turn into a reset that destroys the answer on its way. Loop thread. */
#ifndef INSP_API_HTTP_LINGER_H
#define INSP_API_HTTP_LINGER_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum { API_LINGER_MAX = 64 }; /* at once; the oldest is closed for one more */

struct api_linger;

struct api_lingers {
    uv_loop_t *loop;
    struct api_linger *first; /* newest first */
    size_t count;             /* open ones */
    size_t handles;           /* libuv still has: open ones and those that it closes */
    void (*closed)(void *arg);
    void *arg;
};

/* Takes the descriptor (non-blocking; closed in any case). The sending side is shut down at the next sweep, when
 * the answer has been written. bytes_max: thrown away at most. until_us: monotonic. */
void api_linger_take(struct api_lingers *lingers, int fd, uint64_t bytes_max, int64_t until_us);

/* Closes those whose time is over, or that have sent nothing for API_LINGER_QUIET_US. */
void api_lingers_sweep(struct api_lingers *lingers, int64_t now_us);
enum { API_LINGER_QUIET_US = 5 * 1000000 };

/* Closes all. `closed` is called for each handle that libuv has closed, also before. */
void api_lingers_close(struct api_lingers *lingers);

#endif
