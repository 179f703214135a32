#include "api/sinks/mqtt.h"

#include "api/http/response.h"
#include "api/inspections/inspection_json.h"
#include "api/server/server.h"
#include "api/sinks/mqtt_state.h"

#include "core/base/clock.h"

#include <mqtt_protocol.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RESULT_EXPIRY_S = 7 * 86400, /* what a broker may keep for a subscriber that is away */
};

/* A rendered inspection: the topic's levels behind `result/` and `last/`, and the JSON behind them. */
struct message {
    size_t json_bytes;
    size_t levels_bytes; /* with the NUL */
    char text[];
};

static const char offline[] = "{\"state\":\"offline\"}";

/* --- inspections --- */

static void *render(void *arg, int64_t place, const struct insp_record *record, size_t *ret_bytes) {
    char product[API_MQTT_LEVEL_BYTES], camera[API_MQTT_LEVEL_BYTES], levels[2 * API_MQTT_LEVEL_BYTES];
    (void)arg;
    api_mqtt_level(record->product, product);
    api_mqtt_level(record->camera, camera);
    snprintf(levels, sizeof levels, "%s/%s", product, camera);
    json_t *json = api_inspection_json(record);
    if (!json || json_object_set_new(json, "seq", json_integer(place))) {
        json_decref(json);
        return NULL;
    }
    size_t json_bytes = 0, levels_bytes = strlen(levels) + 1;
    _cleanup_free_ char *line = api_json_line(json, &json_bytes);
    struct message *message = line ? malloc(sizeof *message + levels_bytes + json_bytes) : NULL;
    if (!message)
        return NULL;
    message->json_bytes = json_bytes - 1; /* without the line's end */
    message->levels_bytes = levels_bytes;
    memcpy(message->text, levels, levels_bytes);
    memcpy(message->text + levels_bytes, line, message->json_bytes);
    *ret_bytes = sizeof *message + levels_bytes + json_bytes;
    return message;
}

static struct api_mqtt_flight *flight_of(struct api_mqtt *mqtt, int mid) {
    for (size_t i = 0; i < API_MQTT_WINDOW; i++)
        if (mqtt->flight[i].mid == mid)
            return &mqtt->flight[i];
    return NULL;
}

static enum api_mqtt_sent publish(struct api_mqtt *mqtt, const char *kind, const struct message *message,
                                  bool retained, int *ret_mid) {
    char topic[API_MQTT_TOPIC_BYTES];
    snprintf(topic, sizeof topic, "%s/%s/%s", mqtt->prefix, kind, message->text);
    const struct api_mqtt_publish publish = {.topic = topic,
                                             .payload = message->text + message->levels_bytes,
                                             .bytes = message->json_bytes,
                                             .qos = 1,
                                             .json = true,
                                             .retained = retained,
                                             .expiry_s = retained ? 0 : RESULT_EXPIRY_S};
    return api_mqtt_link_publish(mqtt->link, &publish, ret_mid);
}

static int send_result(void *arg, int64_t place, const void *rendered) {
    struct api_mqtt *mqtt = arg;
    struct api_mqtt_flight *flight = flight_of(mqtt, 0);
    int mid = 0;
    if (!flight || !mqtt->up)
        return -1;
    switch (publish(mqtt, "result", rendered, false, &mid)) {
    case API_MQTT_NOT_NOW:
        return -1;
    case API_MQTT_NEVER:
        api_sink_error(&mqtt->sink, "the broker does not take this message");
        insp_feed_done(mqtt->sink.feed, place, INSP_FEED_LOST);
        return 0;
    default:
        break;
    }
    *flight = (struct api_mqtt_flight){mid, place};
    if (mqtt->retain_last)
        publish(mqtt, "last", rendered, true, NULL);
    return 0;
}

/* Says whether the broker will refuse this message for ever; other refusals may end, such as a missing right. */
static bool hopeless(int refusal) {
    return refusal == MQTT_RC_TOPIC_NAME_INVALID || refusal == MQTT_RC_PACKET_TOO_LARGE ||
           refusal == MQTT_RC_PAYLOAD_FORMAT_INVALID;
}

static void refuse(struct api_mqtt *mqtt, int refusal, struct insp_error *ret) {
    insp_fail(ret, INSP_E_SINK_AWAY, "the broker refuses a message: %s", mosquitto_reason_string(refusal));
    if (hopeless(refusal))
        api_sink_error(&mqtt->sink, ret->detail);
    else
        api_mqtt_link_fail(mqtt->link, ret->detail);
}

static void acknowledged(void *arg, int mid, int refusal) {
    struct api_mqtt *mqtt = arg;
    struct api_mqtt_flight *flight = flight_of(mqtt, mid);
    struct insp_error error = {0};
    if (refusal)
        refuse(mqtt, refusal, &error);
    if (mid == mqtt->test_mid) {
        mqtt->test_mid = 0;
        api_sink_tested(&mqtt->sink, refusal ? &error : NULL);
    }
    if (!flight || (refusal && !hopeless(refusal)))
        return;
    flight->mid = 0;
    insp_feed_done(mqtt->sink.feed, flight->place, refusal ? INSP_FEED_LOST : INSP_FEED_DELIVERED);
}

/* --- the connection --- */

static void trying(void *arg) {
    struct api_mqtt *mqtt = arg;
    api_sink_enter(&mqtt->sink, INSP_SINK_CONNECTING);
}

static void up(void *arg) {
    struct api_mqtt *mqtt = arg;
    char topic[API_MQTT_TOPIC_BYTES];
    mqtt->up = true;
    api_sink_enter(&mqtt->sink, INSP_SINK_CONNECTED);
    api_mqtt_tell_all(mqtt);
    if (mqtt->obey) {
        snprintf(topic, sizeof topic, "%s/command/+", mqtt->prefix);
        api_mqtt_link_subscribe(mqtt->link, topic, false);
    }
    insp_feed_open(mqtt->sink.feed);
}

static void down(void *arg, const char *why) {
    struct api_mqtt *mqtt = arg;
    struct insp_error error;
    mqtt->up = false;
    mqtt->alarms_known = false;
    memset(mqtt->flight, 0, sizeof mqtt->flight);
    insp_feed_shut(mqtt->sink.feed);
    api_mqtt_commands_drop(mqtt);
    api_sink_error(&mqtt->sink, why);
    api_sink_enter(&mqtt->sink, INSP_SINK_WAITING);
    mqtt->test_mid = 0;
    insp_fail(&error, INSP_E_SINK_AWAY, "%s: %s", mqtt->sink.target, why);
    api_sink_tested(&mqtt->sink, &error);
}

static void take_message(void *arg, const struct mosquitto_message *message,
                         const mosquitto_property *properties) {
    struct api_mqtt *mqtt = arg;
    if (mqtt->obey && !mqtt->closing)
        api_mqtt_command_take(mqtt, message, properties);
}

int api_mqtt_tell(struct api_mqtt *mqtt, const char *topic, json_t *json, int qos, bool retained,
                  uint32_t expiry_s) {
    char full[API_MQTT_TOPIC_BYTES];
    int mid = 0;
    _cleanup_free_ char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(json);
    snprintf(full, sizeof full, "%s/%s", mqtt->prefix, topic);
    const struct api_mqtt_publish publish = {.topic = full,
                                             .payload = text,
                                             .bytes = text ? strlen(text) : 0,
                                             .qos = qos,
                                             .json = true,
                                             .retained = retained,
                                             .expiry_s = expiry_s};
    return mqtt->up && api_mqtt_link_publish(mqtt->link, &publish, &mid) == API_MQTT_SENT ? mid : 0;
}

/* --- operations --- */

static void start(struct api_sink *sink) {
    struct api_mqtt *mqtt = api_mqtt_of(sink);
    struct insp_error error;
    mqtt->started_us = insp_wall_us();
    const struct api_mqtt_link_config config = {
        .loop = sink->server->loop,
        .lanes = sink->server->config.lanes,
        .identity = &mqtt->identity,
        .arg = mqtt,
        .trying = trying,
        .up = up,
        .down = down,
        .acknowledged = acknowledged,
        .message = take_message,
    };
    if (api_mqtt_link_new(&config, &mqtt->link, &error))
        api_sink_error(sink, error.detail);
}

static void link_closed(void *arg) {
    struct api_mqtt *mqtt = arg;
    mqtt->link = NULL;
    mqtt->pending--;
    api_mqtt_task_ended(mqtt);
}

void api_mqtt_task_ended(struct api_mqtt *mqtt) {
    if (mqtt->closing && !mqtt->pending)
        api_sink_closed(&mqtt->sink);
}

static void tick(struct api_sink *sink, int64_t now_us) {
    struct api_mqtt *mqtt = api_mqtt_of(sink);
    (void)now_us;
    if (!mqtt->link)
        return;
    api_mqtt_link_tick(mqtt->link);
    if (mqtt->up)
        api_mqtt_beat(mqtt);
}

static void model_changed(struct api_sink *sink) {
    struct api_mqtt *mqtt = api_mqtt_of(sink);
    if (mqtt->up)
        api_mqtt_tell_models(mqtt);
}

static int test(struct api_sink *sink, struct insp_error *reterr) {
    struct api_mqtt *mqtt = api_mqtt_of(sink);
    if (!mqtt->up)
        return insp_fail(reterr, INSP_E_SINK_AWAY, "%s is not connected: %s", sink->target,
                         sink->condition.error[0] ? sink->condition.error : "the first attempt has not ended");
    mqtt->test_mid = api_mqtt_tell(
        mqtt, "test", json_pack("{s:b,s:o}", "test", 1, "at", api_json_time(insp_wall_us())), 1, false, 60);
    return mqtt->test_mid
               ? 0
               : insp_fail(reterr, INSP_E_SINK_AWAY, "the connection to %s has just failed", sink->target);
}

/* The broker gets "offline" before the end of the connection, and publishes it itself, as the will, if it does
 * not. */
static void close_sink(struct api_sink *sink) {
    struct api_mqtt *mqtt = api_mqtt_of(sink);
    insp_feed_shut(sink->feed);
    api_mqtt_commands_drop(mqtt);
    api_mqtt_tell(mqtt, "status", json_pack("{s:s}", "state", "offline"), 1, true, 0);
    mqtt->closing = true;
    mqtt->up = false;
    if (!mqtt->link) {
        api_mqtt_task_ended(mqtt);
        return;
    }
    mqtt->pending++;
    api_mqtt_link_close(mqtt->link, link_closed, mqtt);
}

static void free_sink(struct api_sink *sink) {
    struct api_mqtt *mqtt = api_mqtt_of(sink);
    api_mqtt_commands_drop(mqtt);
    api_mqtt_identity_clear(&mqtt->identity);
    free(mqtt);
    mosquitto_lib_cleanup();
}

static const struct api_sink_ops ops = {.start = start,
                                        .tick = tick,
                                        .model_changed = model_changed,
                                        .test = test,
                                        .close = close_sink,
                                        .free = free_sink};

/* --- settings --- */

static void set_names(struct api_mqtt *mqtt, const char *prefix) {
    char node[64] = "", level[API_MQTT_LEVEL_BYTES];
    gethostname(node, sizeof node - 1);
    api_mqtt_level(node, level);
    if (*prefix)
        snprintf(mqtt->prefix, sizeof mqtt->prefix, "%s", prefix);
    else
        snprintf(mqtt->prefix, sizeof mqtt->prefix, "inspectd/%.200s", level);
    snprintf(mqtt->status_topic, sizeof mqtt->status_topic, "%s/status", mqtt->prefix);
}

static size_t will(void *arg, void *ret) {
    (void)arg;
    memcpy(ret, offline, strlen(offline));
    return strlen(offline);
}

int api_mqtt_new(struct api_server *server, struct api_sink **ret, struct insp_error *reterr) {
    const struct api_mqtt_config *config = &server->config.mqtt;
    *ret = NULL;
    if (!*config->url)
        return 0;
    struct api_mqtt *mqtt = calloc(1, sizeof *mqtt);
    if (!mqtt)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the MQTT sink");
    mosquitto_lib_init();
    mqtt->sink = (struct api_sink){
        .ops = &ops, .server = server, .name = "mqtt", .feed_ops = {.render = render, .send = send_result}};
    int code = api_mqtt_identity_read(&server->config, "", &mqtt->identity, reterr);
    if (code == 0)
        code = api_mqtt_prefix_check(config->prefix, reterr);
    if (code < 0) {
        free_sink(&mqtt->sink);
        return code;
    }
    api_mqtt_target(&mqtt->identity.address, mqtt->sink.target, sizeof mqtt->sink.target);
    set_names(mqtt, config->prefix);
    mqtt->identity.will_topic = mqtt->status_topic;
    mqtt->identity.will_retained = true;
    mqtt->identity.will = will;
    mqtt->retain_last = config->last;
    mqtt->obey = config->commands;
    *ret = &mqtt->sink;
    return 0;
}
