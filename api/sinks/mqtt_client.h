/* api/sinks/mqtt_client.h - make a client of libmosquitto: who it is, how it signs on, and what the broker
 * publishes if it dies. */
#ifndef INSP_API_SINKS_MQTT_CLIENT_H
#define INSP_API_SINKS_MQTT_CLIENT_H

#include "api/api.h"
#include "api/sinks/mqtt_names.h"

#include <mosquitto.h>

enum { API_MQTT_CLIENT_ID_BYTES = 160, API_MQTT_WILL_BYTES = 128 };

struct api_mqtt_identity {
    struct api_mqtt_address address;
    char client_id[API_MQTT_CLIENT_ID_BYTES];
    char *username, *password_file, *ca_file, *certificate, *key; /* owned; "": none */
    bool clean;             /* the broker forgets the client when it leaves */
    const char *will_topic; /* borrowed; published by the broker, QoS 1 */
    bool will_retained;
    /* Writes the will of the next connection, at most API_MQTT_WILL_BYTES, and returns its size. Lane BACK, never
     * twice at a time. */
    size_t (*will)(void *arg, void *ret);
    void *arg; /* of will */
};

/* Reads the settings mqtt.* and names the client "inspectd-<host>-<state folder>", with `suffix` behind: stable
 * across restarts, and different for two daemons of one machine. *ret is the caller's, to be cleared even after a
 * failure. Fails with INSP_E_CONFIG, INSP_E_NOMEM. */
int api_mqtt_identity_read(const struct api_config *config, const char *suffix, struct api_mqtt_identity *ret,
                           struct insp_error *reterr);
void api_mqtt_identity_clear(struct api_mqtt_identity *identity);

/* Makes a client that has yet to connect, without callbacks, and reads the password and certificates. `arg` is the
 * argument of its callbacks; `old` chooses MQTT 3.1.1 instead of 5. *ret is the caller's (mosquitto_destroy).
 * Blocks on files; any thread. Fails with INSP_E_CONFIG, INSP_E_IO, INSP_E_NOMEM, INSP_E_INTERNAL. */
int api_mqtt_client_new(const struct api_mqtt_identity *identity, bool old, void *arg, struct mosquitto **ret,
                        struct insp_error *reterr);

#endif
