/* api/sinks/mqtt_names.h - read the broker's address and make topics. Pure; any thread. */
#ifndef INSP_API_SINKS_MQTT_NAMES_H
#define INSP_API_SINKS_MQTT_NAMES_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    API_MQTT_HOST_BYTES = 256,
    API_MQTT_PREFIX_BYTES = 512,
    /* A camera's name has up to 128 bytes, each of which may be written as %XX. */
    API_MQTT_LEVEL_BYTES = 3 * 128 + 4,
    API_MQTT_TOPIC_BYTES = API_MQTT_PREFIX_BYTES + 2 * API_MQTT_LEVEL_BYTES + 32,
};

struct api_mqtt_address {
    char host[API_MQTT_HOST_BYTES]; /* without brackets */
    unsigned port;
    bool tls;
};

/* Parses mqtt://host[:port] or mqtts://host[:port]; the ports are 1883 and 8883 without one. A slash at the end is
 * allowed, user names, paths and queries are not. Fails with INSP_E_CONFIG. */
int api_mqtt_address(const char *url, struct api_mqtt_address *ret, struct insp_error *reterr);

/* Writes an address as mqtt://host:port, into ret [bytes]. */
void api_mqtt_target(const struct api_mqtt_address *address, char *ret, size_t bytes);

/* Checks a prefix of topics: levels separated by single slashes, without wildcards, control characters and $ at
 * its beginning; "" is allowed. Fails with INSP_E_CONFIG. */
int api_mqtt_prefix_check(const char *prefix, struct insp_error *reterr);

/* Checks the name of a group or an edge node of Sparkplug: a prefix of one level, and not STATE, which the topics
 * of hosts have in its place; "" is allowed. Fails with INSP_E_CONFIG. */
int api_mqtt_sparkplug_check(const char *name, struct insp_error *reterr);

/* Writes a name as one level of a topic: "/", "+", "#", "%" and control characters become %XX, no name becomes
 * "-". ret has API_MQTT_LEVEL_BYTES bytes; a longer name is cut. */
void api_mqtt_level(const char *name, char *ret);

#endif
