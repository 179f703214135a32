#include "api/sinks/mqtt_client.h"

#include "core/base/cleanup.h"
#include "core/base/fs.h"
#include "core/base/sha256.h"

#include <mqtt_protocol.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    IN_FLIGHT = 128,            /* messages that libmosquitto sends before an acknowledgement */
    PASSWORD_BYTES_MAX = 65535, /* of MQTT */
    PACKET_BYTES_MAX = 1 << 20, /* that the broker may send */
};

int api_mqtt_identity_read(const struct api_config *config, const char *suffix, struct api_mqtt_identity *ret,
                           struct insp_error *reterr) {
    const struct api_mqtt_config *mqtt = &config->mqtt;
    char node[64] = "", hash[INSP_SHA256_HEX_BYTES];
    const struct {
        char **to;
        const char *from;
    } text[] = {{&ret->username, mqtt->username},
                {&ret->password_file, mqtt->password_file},
                {&ret->ca_file, mqtt->ca_file},
                {&ret->certificate, mqtt->certificate},
                {&ret->key, mqtt->key}};
    *ret = (struct api_mqtt_identity){0};
    gethostname(node, sizeof node - 1);
    insp_sha256_hex(config->state_dir, strlen(config->state_dir), hash);
    snprintf(ret->client_id, sizeof ret->client_id, "inspectd-%.63s-%.8s%.32s", node, hash, suffix);
    for (size_t i = 0; i < INSP_COUNT(text); i++)
        if (!(*text[i].to = strdup(text[i].from)))
            return insp_fail(reterr, INSP_E_NOMEM, "no memory for the settings");
    return api_mqtt_address(mqtt->url, &ret->address, reterr);
}

void api_mqtt_identity_clear(struct api_mqtt_identity *identity) {
    char *owned[] = {identity->username, identity->password_file, identity->ca_file, identity->certificate,
                     identity->key};
    for (size_t i = 0; i < INSP_COUNT(owned); i++)
        free(owned[i]);
    *identity = (struct api_mqtt_identity){0};
}

static int set_password(const struct api_mqtt_identity *identity, struct mosquitto *client,
                        struct insp_error *reterr) {
    _cleanup_free_ char *password = NULL;
    size_t bytes = 0;
    if (!*identity->username)
        return 0;
    int code = *identity->password_file
                   ? insp_read_file(identity->password_file, PASSWORD_BYTES_MAX, &password, &bytes, reterr)
                   : 0;
    if (code < 0)
        return code;
    if (password)
        password[strcspn(password, "\r\n")] = 0;
    int why = mosquitto_username_pw_set(client, identity->username, password);
    if (password)
        explicit_bzero(password, bytes);
    return why ? insp_fail(reterr, INSP_E_CONFIG, "user name and password: %s", mosquitto_strerror(why)) : 0;
}

static int set_tls(const struct api_mqtt_identity *identity, struct mosquitto *client, struct insp_error *reterr) {
    bool own = *identity->certificate;
    if (!identity->address.tls)
        return 0;
    int why = mosquitto_tls_set(client, *identity->ca_file ? identity->ca_file : NULL,
                                *identity->ca_file ? NULL : "/etc/ssl/certs", own ? identity->certificate : NULL,
                                own ? identity->key : NULL, NULL);
    return why ? insp_fail(reterr, INSP_E_CONFIG, "certificates of mqtt.url: %s", mosquitto_strerror(why)) : 0;
}

static int set_will(const struct api_mqtt_identity *identity, struct mosquitto *client,
                    struct insp_error *reterr) {
    char will[API_MQTT_WILL_BYTES];
    size_t bytes = identity->will(identity->arg, will);
    return mosquitto_will_set(client, identity->will_topic, (int)bytes, will, 1, identity->will_retained)
               ? insp_fail(reterr, INSP_E_INTERNAL, "the will cannot be set")
               : 0;
}

/* Asks the broker (MQTT 5) for no larger packets: libmosquitto receives one whole before anybody can refuse it.
 * Its only function that takes properties of a connection waits until the connection stands, so it is called with
 * a port that it must refuse: it keeps the properties before. tests/http/test_mqtt.py sees them arrive. */
static int set_limit(struct mosquitto *client, struct insp_error *reterr) {
    enum { NO_PORT = -1, ANY_KEEP_ALIVE_S = 60 };
    mosquitto_property *list = NULL;
    int why = mosquitto_property_add_int32(&list, MQTT_PROP_MAXIMUM_PACKET_SIZE, PACKET_BYTES_MAX);
    if (!why)
        why = mosquitto_connect_bind_v5(client, "localhost", NO_PORT, ANY_KEEP_ALIVE_S, NULL, list);
    mosquitto_property_free_all(&list);
    return why == MOSQ_ERR_INVAL ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for the connection");
}

int api_mqtt_client_new(const struct api_mqtt_identity *identity, bool old, void *arg, struct mosquitto **ret,
                        struct insp_error *reterr) {
    struct mosquitto *client = mosquitto_new(identity->client_id, identity->clean, arg);
    if (!client)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the connection");
    mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, old ? MQTT_PROTOCOL_V311 : MQTT_PROTOCOL_V5);
    mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_int_option(client, MOSQ_OPT_SEND_MAXIMUM, IN_FLIGHT);
    mosquitto_max_inflight_messages_set(client, IN_FLIGHT);
    int code = old ? 0 : set_limit(client, reterr);
    if (code == 0)
        code = set_password(identity, client, reterr);
    if (code == 0)
        code = set_tls(identity, client, reterr);
    if (code == 0)
        code = set_will(identity, client, reterr);
    if (code < 0) {
        mosquitto_destroy(client);
        return code;
    }
    *ret = client;
    return 0;
}
