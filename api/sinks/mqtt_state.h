/* api/sinks/mqtt_state.h - share the state of the MQTT sink among its files. Loop thread. */
#ifndef INSP_API_SINKS_MQTT_STATE_H
#define INSP_API_SINKS_MQTT_STATE_H

#include "api/sinks/mqtt_link.h"
#include "api/sinks/sinks.h"
#include "core/model/manifest.h"

enum {
    API_MQTT_WINDOW = 64, /* at least that of the feed */
    API_MQTT_ALARMS = 16,
    API_MQTT_PRODUCTS = 64, /* whose model topics are published */
    API_MQTT_COMMANDS = 16, /* that may wait */
};

/* A message that waits for its acknowledgement. */
struct api_mqtt_flight {
    int mid; /* 0: free */
    int64_t place;
};

/* Reads who made which version active, in lane BACK; it belongs to the task while that runs. */
struct api_mqtt_models {
    struct insp_task task;
    bool running, again;
    size_t count;
    struct {
        char product[INSP_NAME_BYTES], version[INSP_NAME_BYTES], who[INSP_NAME_BYTES];
        int64_t at_us; /* 0: not known */
    } item[API_MQTT_PRODUCTS];
};

struct api_mqtt_command;

struct api_mqtt {
    struct api_sink sink; /* first */
    struct api_mqtt_identity identity;
    char prefix[API_MQTT_PREFIX_BYTES];
    char status_topic[API_MQTT_TOPIC_BYTES];
    bool retain_last, obey;
    struct api_mqtt_link *link; /* NULL before the start and once it is closed */
    bool up, closing;
    struct api_mqtt_flight flight[API_MQTT_WINDOW];
    int test_mid;       /* 0: none */
    int64_t started_us; /* wall */
    uint64_t beats;
    unsigned alarms;                         /* bits of the alarms that are published as present */
    bool alarms_known;                       /* published since the connection began */
    int64_t alarm_since_us[API_MQTT_ALARMS]; /* wall */
    struct api_mqtt_models models;
    struct api_mqtt_command *commands; /* owned; oldest first */
    bool command_running;
    unsigned pending; /* tasks that the close waits for */
};

static inline struct api_mqtt *api_mqtt_of(struct api_sink *sink) {
    return (struct api_mqtt *)sink;
}

/* Publishes JSON below the prefix; takes the reference (NULL publishes an empty payload). Returns the message's
 * number, or 0 if it was not sent. */
int api_mqtt_tell(struct api_mqtt *mqtt, const char *topic, json_t *json, int qos, bool retained,
                  uint32_t expiry_s);

/* mqtt_notes.c: the condition of the daemon. */
void api_mqtt_tell_all(struct api_mqtt *mqtt);    /* after the connection began: birth, models, alarms */
void api_mqtt_tell_models(struct api_mqtt *mqtt); /* birth and models */
void api_mqtt_beat(struct api_mqtt *mqtt);        /* once in a second: heartbeat and alarms */

/* mqtt_commands.c: `command/...`. */
void api_mqtt_command_take(struct api_mqtt *mqtt, const struct mosquitto_message *message,
                           const mosquitto_property *properties);
void api_mqtt_commands_drop(struct api_mqtt *mqtt); /* forgets those that wait */

/* Called when a task that counts in `pending` ends. */
void api_mqtt_task_ended(struct api_mqtt *mqtt);

#endif
