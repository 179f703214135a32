#include "api/listen/linger.h"

#include "core/base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE_BYTES = 64 << 10, PIECES_PER_TURN = 16 }; /* so that a fast sender does not block the loop */

struct api_linger {
    uv_poll_t poll;
    struct api_lingers *lingers;
    int fd;
    bool shut;
    uint64_t bytes_left;
    int64_t until_us, heard_us;
    struct api_linger *next;
};

static void on_closed(uv_handle_t *handle) {
    struct api_linger *linger = handle->data;
    struct api_lingers *lingers = linger->lingers;
    close(linger->fd); /* only now, after libuv has removed it from its epoll set */
    free(linger);
    lingers->handles--;
    lingers->closed(lingers->arg);
}

static void end(struct api_linger *linger) {
    struct api_linger **place = &linger->lingers->first;
    while (*place != linger)
        place = &(*place)->next;
    *place = linger->next;
    linger->lingers->count--;
    uv_close((uv_handle_t *)&linger->poll, on_closed);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    static char nowhere[PIECE_BYTES];
    struct api_linger *linger = poll->data;
    (void)events;
    for (int i = 0; status == 0 && i < PIECES_PER_TURN; i++) {
        /* With MSG_TRUNC the kernel discards bytes of TCP without a copy. */
        ssize_t got = recv(linger->fd, nowhere, sizeof nowhere, MSG_DONTWAIT | MSG_TRUNC);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0 || (uint64_t)got > linger->bytes_left) {
            end(linger);
            return;
        }
        linger->bytes_left -= (uint64_t)got;
        linger->heard_us = insp_mono_us();
    }
    if (status < 0)
        end(linger);
}

void api_linger_take(struct api_lingers *lingers, int fd, uint64_t bytes_max, int64_t until_us) {
    struct api_linger *oldest = lingers->first;
    while (lingers->count >= API_LINGER_MAX && oldest->next)
        oldest = oldest->next;
    if (lingers->count >= API_LINGER_MAX)
        end(oldest);
    struct api_linger *linger = malloc(sizeof *linger);
    if (!linger || uv_poll_init(lingers->loop, &linger->poll, fd)) {
        free(linger);
        close(fd);
        return;
    }
    linger->poll.data = linger;
    linger->lingers = lingers;
    linger->fd = fd;
    linger->shut = false;
    linger->bytes_left = bytes_max;
    linger->until_us = until_us;
    linger->heard_us = insp_mono_us();
    linger->next = lingers->first;
    lingers->first = linger;
    lingers->count++;
    lingers->handles++;
    uv_poll_start(&linger->poll, UV_READABLE, on_readable);
}

void api_lingers_sweep(struct api_lingers *lingers, int64_t now_us) {
    struct api_linger *next;
    for (struct api_linger *linger = lingers->first; linger; linger = next) {
        next = linger->next;
        if (!linger->shut)
            shutdown(linger->fd, SHUT_WR);
        linger->shut = true;
        if (now_us > linger->until_us || now_us - linger->heard_us > API_LINGER_QUIET_US)
            end(linger);
    }
}

void api_lingers_close(struct api_lingers *lingers) {
    while (lingers->first)
        end(lingers->first);
}
