#include "api/sinks/mqtt_link.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/base/uuid.h"
#include "core/line/backoff.h"

#include <errno.h>
#include <mqtt_protocol.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    KEEP_ALIVE_S = 10,          /* a broker that stands still is noticed after twice this time */
    GREETING_US = 10 * 1000000, /* from the first packet to the broker's answer */
    STEADY_US = 30 * 1000000,   /* a connection that lasted so long has not failed */
    CONNACK_VERSION_3 = 1,      /* refusals of an unknown protocol version */
};

enum phase {
    REST,      /* until the timer begins the next attempt */
    RESOLVING, /* a task in lane BACK owns the client */
    GREETING,  /* the socket connects; TLS and MQTT negotiate */
    UP,
};

struct api_mqtt_link {
    struct api_mqtt_link_config config;
    enum phase phase;
    struct mosquitto *client; /* owned; the task's while RESOLVING */
    struct insp_task task;
    int code; /* of the task */
    struct insp_error error;
    uv_poll_t *poll; /* frees itself when it is closed; NULL: none */
    int fd, events;
    uv_timer_t timer; /* the next attempt, or the end of a connection that failed inside another call */
    unsigned failures;
    int64_t begun_us; /* monotonic: of the phase */
    bool reached;     /* the peer has accepted the TCP connection */
    bool old;         /* the broker speaks 3.1.1 only */
    bool greeted;     /* accepted inside a callback; up() follows */
    bool broken;      /* a write failed: what the broker said before is read, then the connection ends */
    bool failed;
    char why[INSP_ERROR_DETAIL_BYTES]; /* of a failure */
    char write_why[128];               /* of `broken` */
    char tls_why[256];                 /* OpenSSL's last message */
    bool closing;
    unsigned handles; /* open */
    void (*closed)(void *arg);
    void *closed_arg;
};

static void begin(struct api_mqtt_link *link);

/* Notes the first reason why the connection is over. */
static void fail(struct api_mqtt_link *link, const char *why) {
    if (link->failed)
        return;
    link->failed = true;
    snprintf(link->why, sizeof link->why, "%s", why);
}

/* --- callbacks of libmosquitto, inside its functions: they only take notes or call the sink --- */

static void on_connect(struct mosquitto *client, void *arg, int code, int flags,
                       const mosquitto_property *properties) {
    struct api_mqtt_link *link = arg;
    char why[256];
    (void)client;
    (void)flags;
    (void)properties;
    if (code == 0) {
        link->greeted = true;
        return;
    }
    if (!link->old && (code == MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION || code == CONNACK_VERSION_3)) {
        link->old = true;
        fail(link, "the broker does not know MQTT 5; trying 3.1.1");
        return;
    }
    snprintf(why, sizeof why, "the broker refuses the client: %s",
             link->old ? mosquitto_connack_string(code) : mosquitto_reason_string(code));
    fail(link, why);
}

static void on_disconnect(struct mosquitto *client, void *arg, int code, const mosquitto_property *properties) {
    struct api_mqtt_link *link = arg;
    char why[256];
    (void)client;
    (void)properties;
    if (code >=
        MQTT_RC_UNSPECIFIED) { /* the broker says why; other codes are returned by the function that called */
        snprintf(why, sizeof why, "the broker ended the connection: %s", mosquitto_reason_string(code));
        fail(link, why);
    }
}

static void on_publish(struct mosquitto *client, void *arg, int mid, int code,
                       const mosquitto_property *properties) {
    struct api_mqtt_link *link = arg;
    (void)client;
    (void)properties;
    link->config.acknowledged(link->config.arg, mid, code >= MQTT_RC_UNSPECIFIED ? code : 0);
}

static void on_message(struct mosquitto *client, void *arg, const struct mosquitto_message *message,
                       const mosquitto_property *properties) {
    struct api_mqtt_link *link = arg;
    (void)client;
    link->config.message(link->config.arg, message, properties);
}

static void on_subscribe(struct mosquitto *client, void *arg, int mid, int count, const int *granted,
                         const mosquitto_property *properties) {
    struct api_mqtt_link *link = arg;
    (void)client;
    (void)properties;
    if (link->config.subscribed)
        link->config.subscribed(link->config.arg, mid, count == 1 && granted[0] <= 2);
}

/* libmosquitto returns "a TLS error occurred" and logs what it was. */
static void on_log(struct mosquitto *client, void *arg, int level, const char *text) {
    struct api_mqtt_link *link = arg;
    const char *end = strrchr(text, ':');
    (void)client;
    if (level == MOSQ_LOG_ERR && strstr(text, "OpenSSL"))
        snprintf(link->tls_why, sizeof link->tls_why, "TLS: %s", end ? end + 1 : text);
    else if (level == MOSQ_LOG_ERR)
        snprintf(link->tls_why, sizeof link->tls_why, "%s", text);
}

/* --- an attempt: in lane BACK --- */

static void set_callbacks(struct mosquitto *client) {
    mosquitto_connect_v5_callback_set(client, on_connect);
    mosquitto_disconnect_v5_callback_set(client, on_disconnect);
    mosquitto_publish_v5_callback_set(client, on_publish);
    mosquitto_message_v5_callback_set(client, on_message);
    mosquitto_subscribe_v5_callback_set(client, on_subscribe);
    mosquitto_log_callback_set(client, on_log);
}

/* Says why a function of libmosquitto failed. It returns errors of TLS in several ways, but logs all of them. */
static const char *reason(const struct api_mqtt_link *link, int code) {
    if (*link->tls_why)
        return link->tls_why;
    return code == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(code);
}

/* Chooses the addresses of a name that has IPv4 and IPv6 ones: libmosquitto begins to connect to the first and
 * does not try the others if that fails later, so attempts take turns. A local address of one kind keeps it to
 * that kind. NULL: no choice. */
static const char *choose_family(const struct api_mqtt_link *link) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    bool v4 = false, v6 = false;
    if (getaddrinfo(link->config.identity->address.host, NULL, &hints, &found) != 0)
        return NULL; /* libmosquitto reports it */
    for (const struct addrinfo *at = found; at; at = at->ai_next) {
        v4 |= at->ai_family == AF_INET;
        v6 |= at->ai_family == AF_INET6;
    }
    freeaddrinfo(found);
    return v4 && v6 ? link->failures % 2 ? "0.0.0.0" : "::" : NULL;
}

/* Resolves the name, which may take seconds, and begins to connect, which does not wait. */
static void connect_run(struct insp_task *task) {
    struct api_mqtt_link *link = task->data;
    const struct api_mqtt_address *address = &link->config.identity->address;
    link->code = api_mqtt_client_new(link->config.identity, link->old, link, &link->client, &link->error);
    if (link->code < 0)
        return;
    set_callbacks(link->client);
    int why = mosquitto_connect_bind_async(link->client, address->host, (int)address->port, KEEP_ALIVE_S,
                                           choose_family(link));
    if (why > 0)
        link->code = insp_fail(&link->error, INSP_E_IO, "cannot connect to %s port %u: %s", address->host,
                               address->port, why == MOSQ_ERR_EAI ? "the name is not known" : reason(link, why));
}

/* --- the loop --- */

static void maybe_closed(struct api_mqtt_link *link) {
    if (!link->closing || link->handles || link->phase == RESOLVING)
        return;
    void (*closed)(void *arg) = link->closed;
    void *arg = link->closed_arg;
    free(link);
    closed(arg);
}

static void on_handle_closed(uv_handle_t *handle) {
    struct api_mqtt_link *link = handle->data;
    if (handle->type == UV_POLL)
        free(handle);
    link->handles--;
    maybe_closed(link);
}

static void on_retry(uv_timer_t *timer) {
    begin(timer->data);
}

/* Ends a connection or an attempt, and plans the next one. The poll handle goes first: destroying the client
 * closes its descriptor. */
static void drop(struct api_mqtt_link *link) {
    char why[sizeof link->why];
    if (link->poll) {
        uv_poll_stop(link->poll);
        uv_close((uv_handle_t *)link->poll, on_handle_closed);
        link->poll = NULL;
    }
    if (link->client)
        mosquitto_destroy(link->client);
    link->client = NULL;
    if (link->phase == UP && insp_mono_us() - link->begun_us > STEADY_US)
        link->failures = 0;
    link->failures++;
    link->phase = REST;
    snprintf(why, sizeof why, "%s", link->why);
    if (link->closing)
        return;
    char seed[INSP_UUID_BYTES];
    insp_uuid7(seed); /* ends in random digits */
    uv_timer_start(&link->timer, on_retry, insp_backoff_ms(link->failures, strtoull(seed + 28, NULL, 16)), 0);
    link->config.down(link->config.arg, why);
}

static void rearm(struct api_mqtt_link *link);

static void on_settle(uv_timer_t *timer) {
    enum { PACKETS_MAX = 1000 };
    struct api_mqtt_link *link = timer->data;
    if (link->phase != GREETING && link->phase != UP)
        return;
    for (int i = 0; i < PACKETS_MAX && link->broken && !link->failed; i++) {
        errno = 0;
        if (mosquitto_loop_read(link->client, 1) || mosquitto_socket(link->client) < 0 || errno == EAGAIN)
            break;
    }
    if (link->broken)
        fail(link, link->write_why);
    if (link->failed)
        drop(link);
}

/* Looks at what a function of libmosquitto returned and what its callbacks noted. */
static void settle(struct api_mqtt_link *link, int code) {
    if (code == MOSQ_ERR_CONN_LOST && link->phase == GREETING && !*link->tls_why)
        fail(link, "the peer closed the connection before it answered");
    else if (code)
        fail(link, reason(link, code));
    if (link->failed) {
        drop(link);
        return;
    }
    if (link->greeted && link->phase == GREETING) {
        link->phase = UP;
        link->begun_us = insp_mono_us();
        link->config.up(link->config.arg);
    }
    rearm(link);
}

/* Returns the reason why the TCP connection failed, or 0. */
static int socket_error(int fd) {
    int error = 0;
    socklen_t bytes = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) < 0 ? errno : error;
}

/* Says whether the peer has closed the connection and all that it sent is read. libmosquitto takes the end of a
 * connection during TLS's negotiation for a reason to try again at once. */
static bool at_end(int fd) {
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void on_ready(uv_poll_t *poll, int status, int events) {
    struct api_mqtt_link *link = poll->data;
    int code = MOSQ_ERR_SUCCESS;
    int why = status < 0 || !link->reached ? socket_error(link->fd) : 0;
    if (status < 0 && !why)
        why = -status;
    link->reached = true;
    if (why) {
        errno = why;
        settle(link, MOSQ_ERR_ERRNO);
        return;
    }
    if (link->phase == GREETING && events & UV_READABLE && at_end(link->fd)) {
        settle(link, MOSQ_ERR_CONN_LOST);
        return;
    }
    if (events & UV_READABLE)
        code = mosquitto_loop_read(link->client, 1);
    if (code == MOSQ_ERR_SUCCESS && !link->failed && events & UV_WRITABLE)
        code = mosquitto_loop_write(link->client, 1);
    settle(link, code);
}

static void rearm(struct api_mqtt_link *link) {
    int events = UV_READABLE | (mosquitto_want_write(link->client) || !link->reached ? UV_WRITABLE : 0);
    if (events == link->events)
        return;
    link->events = events;
    uv_poll_start(link->poll, events, on_ready);
}

static void connect_done(struct insp_task *task) {
    struct api_mqtt_link *link = task->data;
    link->phase = GREETING;
    if (link->closing) {
        drop(link);
        maybe_closed(link);
        return;
    }
    if (link->code < 0) {
        fail(link, link->error.detail);
        drop(link);
        return;
    }
    link->fd = mosquitto_socket(link->client);
    link->poll = link->fd >= 0 ? malloc(sizeof *link->poll) : NULL;
    if (!link->poll || uv_poll_init(link->config.loop, link->poll, link->fd) < 0) {
        free(link->poll);
        link->poll = NULL;
        fail(link, link->fd < 0 ? "the connection ended at once" : "no memory for the connection");
        drop(link);
        return;
    }
    link->poll->data = link;
    link->handles++;
    link->begun_us = insp_mono_us();
    rearm(link);
}

static void begin(struct api_mqtt_link *link) {
    link->phase = RESOLVING;
    link->broken = link->failed = link->greeted = link->reached = false;
    link->events = 0;
    link->code = 0;
    link->why[0] = link->tls_why[0] = 0;
    link->task =
        (struct insp_task){.run = connect_run, .done = connect_done, .data = link, .weight = INSP_WORK_HEAVY};
    link->config.trying(link->config.arg);
    insp_work_always(link->config.lanes, INSP_LANE_BACK, &link->task);
}

/* --- for the sink --- */

int api_mqtt_link_new(const struct api_mqtt_link_config *config, struct api_mqtt_link **ret,
                      struct insp_error *reterr) {
    struct api_mqtt_link *link = calloc(1, sizeof *link);
    if (!link)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the connection to the broker");
    link->config = *config;
    uv_timer_init(config->loop, &link->timer);
    link->timer.data = link;
    link->handles = 1;
    *ret = link;
    begin(link);
    return 0;
}

void api_mqtt_link_fail(struct api_mqtt_link *link, const char *why) {
    fail(link, why);
    uv_timer_start(&link->timer, on_settle, 0, 0);
}

static mosquitto_property *properties_of(const struct api_mqtt_link *link,
                                         const struct api_mqtt_publish *publish) {
    mosquitto_property *list = NULL;
    if (link->old)
        return NULL;
    if (publish->expiry_s)
        mosquitto_property_add_int32(&list, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, publish->expiry_s);
    if (publish->correlation)
        mosquitto_property_add_binary(&list, MQTT_PROP_CORRELATION_DATA, publish->correlation,
                                      publish->correlation_bytes);
    if (publish->json && publish->bytes)
        mosquitto_property_add_string(&list, MQTT_PROP_CONTENT_TYPE, "application/json");
    return list;
}

/* Says whether the library would refuse this message at each attempt, without harm to the connection. */
static bool never(int code) {
    return code == MOSQ_ERR_OVERSIZE_PACKET || code == MOSQ_ERR_PAYLOAD_SIZE || code == MOSQ_ERR_MALFORMED_UTF8 ||
           code == MOSQ_ERR_INVAL;
}

enum api_mqtt_sent api_mqtt_link_publish(struct api_mqtt_link *link, const struct api_mqtt_publish *publish,
                                         int *ret_mid) {
    if (link->failed || link->broken || link->phase != UP)
        return API_MQTT_NOT_NOW;
    mosquitto_property *properties = properties_of(link, publish);
    int code = mosquitto_publish_v5(link->client, ret_mid, publish->topic, (int)publish->bytes, publish->payload,
                                    publish->qos, publish->retained, properties);
    mosquitto_property_free_all(&properties);
    if (never(code))
        return API_MQTT_NEVER;
    if (code == MOSQ_ERR_SUCCESS) {
        rearm(link);
        return API_MQTT_SENT;
    }
    snprintf(link->write_why, sizeof link->write_why, "%s",
             code == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(code));
    link->broken = true;
    uv_timer_start(&link->timer, on_settle, 0, 0);
    return API_MQTT_NOT_NOW;
}

int api_mqtt_link_subscribe(struct api_mqtt_link *link, const char *topic, bool fresh) {
    int mid = 0;
    if (link->failed || link->broken || link->phase != UP)
        return 0;
    int code = mosquitto_subscribe_v5(link->client, &mid, topic, 1,
                                      fresh && !link->old ? MQTT_SUB_OPT_SEND_RETAIN_NEVER : 0, NULL);
    if (code) {
        api_mqtt_link_fail(link, mosquitto_strerror(code));
        return 0;
    }
    rearm(link);
    return mid;
}

void api_mqtt_link_tick(struct api_mqtt_link *link) {
    if ((link->phase != GREETING && link->phase != UP) || link->failed)
        return;
    if (link->phase == GREETING && insp_mono_us() - link->begun_us > GREETING_US) {
        fail(link,
             link->reached ? "the peer accepts the connection but does not answer" : "the peer does not answer");
        drop(link);
        return;
    }
    settle(link, mosquitto_loop_misc(link->client));
}

void api_mqtt_link_close(struct api_mqtt_link *link, void (*closed)(void *arg), void *arg) {
    link->closing = true;
    link->closed = closed;
    link->closed_arg = arg;
    if (link->phase == UP && !link->failed)
        mosquitto_disconnect(link->client);
    if (link->phase == GREETING || link->phase == UP)
        drop(link);
    uv_close((uv_handle_t *)&link->timer, on_handle_closed);
}
