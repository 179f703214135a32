/* Publishes the condition of the daemon: status, model/<product>, alarm/<code> and heartbeat. */
#include "api/cameras/cameras.h"
#include "api/http/response.h"
#include "api/server/server.h"
#include "api/sinks/mqtt_state.h"

#include "core/base/clock.h"
#include "core/store/changes.h"
#include "core/store/health.h"

#include <string.h>

enum { HEARTBEAT_EXPIRY_S = 10 };

/* --- birth --- */

static json_t *products(const struct api_server *server) {
    json_t *list = json_array();
    for (size_t i = 0; i < insp_models_count(server->models); i++) {
        const struct insp_served_model *item = insp_models_at(server->models, i);
        const struct insp_manifest *manifest = item->model ? item->model->manifest : NULL;
        json_array_append_new(list, json_pack("{s:s,s:s?,s:o}", "product", item->product, "model",
                                              manifest ? manifest->version : NULL, "threshold",
                                              manifest ? api_json_float(manifest->threshold) : json_null()));
    }
    return list;
}

static void tell_birth(struct api_mqtt *mqtt) {
    api_mqtt_tell(mqtt, "status",
                  json_pack("{s:s,s:s,s:o,s:o}", "state", "online", "version", INSP_VERSION, "since",
                            api_json_time(mqtt->started_us), "products", products(mqtt->sink.server)),
                  1, true, 0);
}

/* --- models: who made the version active is in the audit table --- */

struct activation {
    char *who;
    int64_t *at_us;
    const char *version;
};

static int keep_activation(void *arg, const struct insp_change *change) {
    const struct activation *activation = arg;
    char quoted[INSP_NAME_BYTES + 2];
    snprintf(quoted, sizeof quoted, "\"%s\"", activation->version);
    if (strcmp(change->field, "active") != 0 || strcmp(change->to, quoted) != 0)
        return 0;
    snprintf(activation->who, INSP_NAME_BYTES, "%s", change->who);
    *activation->at_us = change->at_us;
    return 1;
}

static void models_run(struct insp_task *task) {
    enum { CHANGES_MAX = 200 };
    struct api_mqtt *mqtt = task->data;
    for (size_t i = 0; i < mqtt->models.count; i++) {
        struct activation activation = {mqtt->models.item[i].who, &mqtt->models.item[i].at_us,
                                        mqtt->models.item[i].version};
        /* Without an answer the topic says that it is not known. */
        insp_changes_list(mqtt->sink.server->config.store, mqtt->models.item[i].product,
                          mqtt->models.item[i].version, NULL, CHANGES_MAX, keep_activation, &activation, NULL);
    }
}

static void read_models(struct api_mqtt *mqtt);

static void models_done(struct insp_task *task) {
    struct api_mqtt *mqtt = task->data;
    struct api_mqtt_models *models = &mqtt->models;
    models->running = false;
    mqtt->pending--;
    for (size_t i = 0; i < models->count && mqtt->up; i++) {
        char topic[INSP_NAME_BYTES + 8];
        snprintf(topic, sizeof topic, "model/%s", models->item[i].product);
        api_mqtt_tell(mqtt, topic,
                      json_pack("{s:s,s:s,s:o,s:o}", "product", models->item[i].product, "version",
                                models->item[i].version, "who", api_json_text(models->item[i].who), "at",
                                api_json_time(models->item[i].at_us)),
                      1, true, 0);
    }
    if (models->again && mqtt->up)
        read_models(mqtt);
    api_mqtt_task_ended(mqtt);
}

static void read_models(struct api_mqtt *mqtt) {
    struct api_mqtt_models *models = &mqtt->models;
    const struct api_server *server = mqtt->sink.server;
    models->again = models->running;
    if (models->running)
        return;
    memset(models, 0, sizeof *models);
    for (size_t i = 0; i < insp_models_count(server->models) && models->count < API_MQTT_PRODUCTS; i++) {
        const struct insp_served_model *item = insp_models_at(server->models, i);
        if (!item->model)
            continue;
        snprintf(models->item[models->count].product, INSP_NAME_BYTES, "%s", item->product);
        snprintf(models->item[models->count++].version, INSP_NAME_BYTES, "%s", item->model->manifest->version);
    }
    models->task = (struct insp_task){.run = models_run, .done = models_done, .data = mqtt};
    models->running = true;
    mqtt->pending++;
    insp_work_always(server->config.lanes, INSP_LANE_BACK, &models->task);
}

void api_mqtt_tell_models(struct api_mqtt *mqtt) {
    tell_birth(mqtt);
    read_models(mqtt);
}

/* --- alarms --- */

enum alarm {
    NOT_READY,
    QUEUE_HIGH,
    STORAGE,
    CAMERA_SILENT,
    DRIFT,
    FIRST_OF_RETENTION,
    ALARMS = FIRST_OF_RETENTION + INSP_ALARMS
};
_Static_assert((int)ALARMS <= (int)API_MQTT_ALARMS, "an alarm has a place for its time");

static void alarm_topic(unsigned alarm, char ret[64]) {
    static const char *const names[] = {"not_ready", "queue_high", "storage", "camera_silent", "drift"};
    if (alarm < FIRST_OF_RETENTION)
        snprintf(ret, 64, "alarm/%s", names[alarm]);
    else
        snprintf(ret, 64, "alarm/storage_%s", insp_retention_alarm_name(1U << (alarm - FIRST_OF_RETENTION)));
}

struct texts {
    struct insp_error store;
    char cameras[INSP_ERROR_DETAIL_BYTES], drift[INSP_ERROR_DETAIL_BYTES];
};

static const char *alarm_text(unsigned alarm, const struct texts *texts) {
    switch (alarm) {
    case NOT_READY:
        return "no inspection can be answered; /readyz has the reasons";
    case QUEUE_HIGH:
        return "more than half of limits.inflight is in use";
    case STORAGE:
        return texts->store.detail;
    case CAMERA_SILENT:
        return texts->cameras;
    case DRIFT:
        return texts->drift;
    default:
        return api_storage_alarm_text(1U << (alarm - FIRST_OF_RETENTION));
    }
}

static unsigned alarms_now(const struct api_server *server, struct texts *texts) {
    bool store_fails = insp_store_health(server->config.store, &texts->store) != 0;
    bool silent = api_cameras_silent(server->cameras, texts->cameras, sizeof texts->cameras);
    bool drift = api_drift_alarm(&server->drift, texts->drift, sizeof texts->drift);
    bool high = server->held[API_PLACE_INSPECTION] > server->config.inflight / 2;
    return (unsigned)!api_server_ready(server) << NOT_READY | (unsigned)high << QUEUE_HIGH |
           (unsigned)store_fails << STORAGE | (unsigned)silent << CAMERA_SILENT | (unsigned)drift << DRIFT |
           api_storage_alarms(&server->storage) << FIRST_OF_RETENTION;
}

/* Publishes the alarms that came or went, and all of them once in a connection: an earlier run may have left some.
 */
static void tell_alarms(struct api_mqtt *mqtt) {
    struct texts texts = {0};
    char topic[64];
    unsigned now = alarms_now(mqtt->sink.server, &texts);
    for (unsigned i = 0; i < ALARMS; i++) {
        bool present = now >> i & 1, before = mqtt->alarms >> i & 1;
        if (present && !before)
            mqtt->alarm_since_us[i] = insp_wall_us();
        if (mqtt->alarms_known && present == before)
            continue;
        alarm_topic(i, topic);
        api_mqtt_tell(mqtt, topic,
                      present ? json_pack("{s:s,s:o,s:s}", "code", topic + strlen("alarm/"), "since",
                                          api_json_time(mqtt->alarm_since_us[i]), "detail", alarm_text(i, &texts))
                              : NULL,
                      1, true, 0);
    }
    mqtt->alarms = now;
    mqtt->alarms_known = true;
}

void api_mqtt_tell_all(struct api_mqtt *mqtt) {
    api_mqtt_tell_models(mqtt);
    tell_alarms(mqtt);
}

void api_mqtt_beat(struct api_mqtt *mqtt) {
    struct insp_engine_status status;
    struct api_server *server = mqtt->sink.server;
    insp_engine_status(server->config.engine, &status);
    api_mqtt_tell(mqtt, "heartbeat",
                  json_pack("{s:I,s:I,s:I,s:I}", "counter", (json_int_t)++mqtt->beats, "uptime_s",
                            (json_int_t)((insp_wall_us() - server->meters->started_us) / 1000000), "queue",
                            (json_int_t)status.queued, "in_flight",
                            (json_int_t)server->held[API_PLACE_INSPECTION]),
                  0, false, HEARTBEAT_EXPIRY_S);
    tell_alarms(mqtt);
}
