/* api/sinks/mqtt_link.h - keep one connection to an MQTT broker by libmosquitto, in the libuv loop and without a
 * thread. Each attempt makes a new client in lane BACK, where names are resolved and certificates and the
 * password are read (so new ones need no restart), and begins to connect; from then on the loop moves its socket.
 * After a failure the next attempt follows for ever (core/line/backoff.h).
 *
 * MQTT 5, or 3.1.1 with a broker that does not know 5. All functions: loop thread. */
#ifndef INSP_API_SINKS_MQTT_LINK_H
#define INSP_API_SINKS_MQTT_LINK_H

#include "api/sinks/mqtt_client.h"
#include "core/base/lanes/work.h"

#include <uv.h>

struct api_mqtt_link;

struct api_mqtt_link_config {
    uv_loop_t *loop;
    struct insp_lanes *lanes;
    const struct api_mqtt_identity *identity; /* borrowed; lives as long as the link */
    void *arg;                                /* of the callbacks */
    void (*trying)(void *arg);                /* an attempt begins */
    void (*up)(void *arg);                    /* the broker has accepted the client */
    /* The connection is over, or an attempt has failed. Called by the loop and by api_mqtt_link_tick, never by
     * another function of the link. */
    void (*down)(void *arg, const char *why);
    /* The broker has a message (refusal 0), or refuses it: a reason code of MQTT 5. */
    void (*acknowledged)(void *arg, int mid, int refusal);
    void (*message)(void *arg, const struct mosquitto_message *message, const mosquitto_property *properties);
    /* The broker has read a subscription, and all that was sent before it; NULL: of no interest. */
    void (*subscribed)(void *arg, int mid, bool granted);
};

/* Makes a link and begins the first attempt. *ret is the caller's until api_mqtt_link_close. Fails with
 * INSP_E_NOMEM. */
int api_mqtt_link_new(const struct api_mqtt_link_config *config, struct api_mqtt_link **ret,
                      struct insp_error *reterr);

enum api_mqtt_sent { API_MQTT_SENT, API_MQTT_NOT_NOW, API_MQTT_NEVER };
struct api_mqtt_publish {
    const char *topic;
    const void *payload;
    size_t bytes;
    int qos;
    bool retained;
    uint32_t expiry_s;       /* 0: never; without effect in MQTT 3.1.1 */
    bool json;               /* the payload is; likewise */
    const void *correlation; /* NULL: none */
    uint16_t correlation_bytes;
};
/* Sends a message; `up` must have been called and not `down`. API_MQTT_NOT_NOW: the connection has failed, and
 * `down` follows; API_MQTT_NEVER: each attempt would fail, because the message is larger than the broker takes or
 * has a topic that MQTT does not allow. ret_mid may be NULL. */
enum api_mqtt_sent api_mqtt_link_publish(struct api_mqtt_link *link, const struct api_mqtt_publish *publish,
                                         int *ret_mid);

/* Subscribes with QoS 1, or repeats a subscription. fresh: without the retained messages of the topic (MQTT 5).
 * Returns the number of the request, or 0 if the connection has failed; `down` follows then. */
int api_mqtt_link_subscribe(struct api_mqtt_link *link, const char *topic, bool fresh);

/* Ends the connection because of an error that the caller met; `down` follows. */
void api_mqtt_link_fail(struct api_mqtt_link *link, const char *why);

/* Looks after keep-alive and time limits. The caller calls it once in a second. */
void api_mqtt_link_tick(struct api_mqtt_link *link);

/* Disconnects in order (the broker does not publish the will then), and calls `closed` on the loop once all
 * handles are closed and the link is freed; not inside this call. */
void api_mqtt_link_close(struct api_mqtt_link *link, void (*closed)(void *arg), void *arg);

#endif
