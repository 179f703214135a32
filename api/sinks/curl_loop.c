#include "api/sinks/curl_loop.h"

#include <stdlib.h>

struct api_curl_loop {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    unsigned handles; /* open */
    api_curl_ended *ended;
    void *arg;
    void (*closed)(void *arg);
    void *closed_arg;
};

/* A socket of libcurl; frees itself when its handle is closed. */
struct socket_watch {
    uv_poll_t poll;
    struct api_curl_loop *curl;
    curl_socket_t socket;
};

static void handle_closed(struct api_curl_loop *curl) {
    if (--curl->handles)
        return;
    void (*closed)(void *arg) = curl->closed;
    void *arg = curl->closed_arg;
    free(curl);
    closed(arg);
}

static void on_watch_closed(uv_handle_t *handle) {
    struct socket_watch *watch = handle->data;
    struct api_curl_loop *curl = watch->curl;
    free(watch);
    handle_closed(curl);
}

static void on_timer_closed(uv_handle_t *handle) {
    handle_closed(handle->data);
}

static void tell_ended(struct api_curl_loop *curl) {
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(curl->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *transfer = message->easy_handle;
        CURLcode code = message->data.result;
        curl_multi_remove_handle(curl->multi, transfer); /* frees the message */
        curl->ended(curl->arg, transfer, code);
    }
}

static void on_ready(uv_poll_t *poll, int status, int events) {
    struct socket_watch *watch = poll->data;
    struct api_curl_loop *curl = watch->curl;
    int running, flags = status < 0 ? CURL_CSELECT_ERR : 0;
    flags |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    flags |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    curl_multi_socket_action(curl->multi, watch->socket, flags, &running);
    tell_ended(curl);
}

static void on_timeout(uv_timer_t *timer) {
    struct api_curl_loop *curl = timer->data;
    int running;
    curl_multi_socket_action(curl->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    tell_ended(curl);
}

static int on_timer(CURLM *multi, long ms, void *arg) {
    struct api_curl_loop *curl = arg;
    (void)multi;
    if (ms < 0)
        uv_timer_stop(&curl->timer);
    else
        uv_timer_start(&curl->timer, on_timeout, (uint64_t)ms, 0);
    return 0;
}

static struct socket_watch *watch_new(struct api_curl_loop *curl, curl_socket_t socket) {
    struct socket_watch *watch = calloc(1, sizeof *watch);
    if (!watch || uv_poll_init_socket(curl->loop, &watch->poll, socket) < 0) {
        free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    watch->curl = curl;
    watch->socket = socket;
    curl->handles++;
    curl_multi_assign(curl->multi, socket, watch);
    return watch;
}

/* libcurl calls it before it closes the socket, so the handle never watches a descriptor of somebody else. */
static int on_socket(CURL *transfer, curl_socket_t socket, int what, void *arg, void *socket_arg) {
    struct api_curl_loop *curl = arg;
    struct socket_watch *watch = socket_arg;
    (void)transfer;
    if (what == CURL_POLL_REMOVE) {
        if (!watch)
            return 0;
        uv_poll_stop(&watch->poll);
        uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        curl_multi_assign(curl->multi, socket, NULL);
        return 0;
    }
    if (!watch && !(watch = watch_new(curl, socket)))
        return -1; /* the transfer fails */
    uv_poll_start(&watch->poll, (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0),
                  on_ready);
    return 0;
}

int api_curl_loop_new(uv_loop_t *loop, api_curl_ended *ended, void *arg, struct api_curl_loop **ret,
                      struct insp_error *reterr) {
    struct api_curl_loop *curl = calloc(1, sizeof *curl);
    if (!curl || !(curl->multi = curl_multi_init())) {
        free(curl);
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for libcurl");
    }
    curl->loop = loop;
    curl->ended = ended;
    curl->arg = arg;
    uv_timer_init(loop, &curl->timer);
    curl->timer.data = curl;
    curl->handles = 1;
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
    *ret = curl;
    return 0;
}

void api_curl_loop_add(struct api_curl_loop *curl, CURL *transfer) {
    curl_multi_add_handle(curl->multi, transfer);
}

void api_curl_loop_remove(struct api_curl_loop *curl, CURL *transfer) {
    curl_multi_remove_handle(curl->multi, transfer);
}

void api_curl_loop_close(struct api_curl_loop *curl, void (*closed)(void *arg), void *arg) {
    curl->closed = closed;
    curl->closed_arg = arg;
    curl_multi_cleanup(curl->multi); /* closes idle connections, and calls on_socket for them */
    uv_close((uv_handle_t *)&curl->timer, on_timer_closed);
}
