/* Obeys `command/activate` and `command/label` if mqtt.commands is on: one at a time, in lane BACK. The answer
 * goes to the response topic of MQTT 5, if the command names one, and to the log. */
#include "api/http/response.h"
#include "api/inspections/labels.h"
#include "api/server/server.h"
#include "api/sinks/mqtt_state.h"

#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/base/utf8.h"
#include "core/base/uuid.h"
#include "core/serving/model_change.h"

#include <mqtt_protocol.h>
#include <stdlib.h>
#include <string.h>

enum { COMMAND_BYTES_MAX = 64 << 10, ANSWER_EXPIRY_S = 60 };

struct api_mqtt_command {
    struct insp_task task;
    struct api_mqtt *mqtt;
    struct api_mqtt_command *next;
    char name[32];     /* the last level of the topic */
    json_t *body;      /* owned; NULL: refused before it could run */
    char *answer;      /* owned: the response topic; NULL: none */
    void *correlation; /* owned; NULL: none */
    uint16_t correlation_bytes;
    int code;
    struct insp_error error;
};

static void free_command(struct api_mqtt_command *command) {
    json_decref(command->body);
    free(command->answer);
    free(command->correlation);
    free(command);
}

/* --- in lane BACK --- */

static int activate(struct api_mqtt_command *command, struct insp_error *reterr) {
    struct api_server *server = command->mqtt->sink.server;
    const char *product, *version;
    json_error_t why;
    if (json_unpack_ex(command->body, &why, JSON_STRICT, "{s:s,s:s}", "product", &product, "version", &version))
        return insp_fail(reterr, INSP_E_PARAMETER, "the command must be {\"product\", \"version\"}: %s", why.text);
    if (!insp_name_valid(product) || !insp_name_valid(version))
        return insp_fail(reterr, INSP_E_NOT_FOUND, "there is no such product or version");
    const struct insp_changer changer = {
        .state_dir = server->state_dir, .store = server->config.store, .who = "mqtt"};
    return insp_models_switch(server->models, &changer, insp_change_activate, product, version, reterr);
}

static int label(struct api_mqtt_command *command, struct insp_error *reterr) {
    struct api_new_label wanted;
    json_t *given = json_object_get(command->body, "id");
    const char *id = json_string_value(given);
    if (!id || !insp_uuid_valid(id))
        return insp_fail(reterr, INSP_E_PARAMETER, "\"id\" must be the id of an inspection");
    char copy[INSP_UUID_BYTES];
    snprintf(copy, sizeof copy, "%s", id);
    json_object_del(command->body, "id");
    int code = api_label_read(command->body, &wanted, reterr);
    return code < 0 ? code
                    : insp_store_label(command->mqtt->sink.server->config.store, copy, wanted.label, wanted.defect,
                                       wanted.note, "mqtt", reterr);
}

static void command_run(struct insp_task *task) {
    struct api_mqtt_command *command = task->data;
    if (command->code < 0) /* refused before */
        return;
    if (!strcmp(command->name, "activate"))
        command->code = activate(command, &command->error);
    else if (!strcmp(command->name, "label"))
        command->code = label(command, &command->error);
    else
        command->code = insp_fail(&command->error, INSP_E_NOT_FOUND, "there is no command '%s'", command->name);
}

/* --- the loop --- */

static void answer(struct api_mqtt *mqtt, const struct api_mqtt_command *command) {
    if (command->code < 0)
        insp_log_warning("a command by MQTT failed name=%s code=%s detail=%s", command->name,
                         insp_code_wire(command->code), INSP_LOG_QUOTED(command->error.detail));
    else
        insp_log_info("obeyed a command by MQTT name=%s", command->name);
    if (!command->answer || !mqtt->up)
        return;
    struct insp_error shown = command->error;
    api_hide(&mqtt->sink.server->hidden, shown.detail, sizeof shown.detail);
    json_t *json = command->code < 0 ? json_pack("{s:b,s:s,s:s}", "ok", 0, "code", insp_code_wire(command->code),
                                                 "detail", shown.detail)
                                     : json_pack("{s:b}", "ok", 1);
    _cleanup_free_ char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    const struct api_mqtt_publish publish = {.topic = command->answer,
                                             .payload = text,
                                             .bytes = text ? strlen(text) : 0,
                                             .qos = 1,
                                             .json = true,
                                             .expiry_s = ANSWER_EXPIRY_S,
                                             .correlation = command->correlation,
                                             .correlation_bytes = command->correlation_bytes};
    if (text)
        api_mqtt_link_publish(mqtt->link, &publish, NULL);
}

static void run_next(struct api_mqtt *mqtt);

static void command_done(struct insp_task *task) {
    struct api_mqtt_command *command = task->data;
    struct api_mqtt *mqtt = command->mqtt;
    mqtt->command_running = false;
    mqtt->pending--;
    if (command->code == 0 && !strcmp(command->name, "activate") && !mqtt->sink.server->stopping)
        insp_models_reload(mqtt->sink.server->models, NULL, NULL);
    answer(mqtt, command);
    free_command(command);
    run_next(mqtt);
    api_mqtt_task_ended(mqtt);
}

static void run_next(struct api_mqtt *mqtt) {
    struct api_mqtt_command *command = mqtt->commands;
    if (!command || mqtt->command_running || mqtt->closing)
        return;
    mqtt->commands = command->next;
    mqtt->command_running = true;
    mqtt->pending++;
    command->task =
        (struct insp_task){.run = command_run, .done = command_done, .data = command, .weight = INSP_WORK_HEAVY};
    insp_work_always(mqtt->sink.server->config.lanes, INSP_LANE_BACK, &command->task);
}

void api_mqtt_commands_drop(struct api_mqtt *mqtt) {
    while (mqtt->commands) {
        struct api_mqtt_command *command = mqtt->commands;
        mqtt->commands = command->next;
        free_command(command);
    }
}

/* Copies the response topic and the correlation data of MQTT 5. */
static void read_properties(struct api_mqtt_command *command, const mosquitto_property *properties) {
    mosquitto_property_read_string(properties, MQTT_PROP_RESPONSE_TOPIC, &command->answer, false);
    mosquitto_property_read_binary(properties, MQTT_PROP_CORRELATION_DATA, &command->correlation,
                                   &command->correlation_bytes, false);
}

static int read_body(const struct mosquitto_message *message, json_t **ret, struct insp_error *reterr) {
    json_error_t why;
    if (message->payloadlen < 0 || message->payloadlen > COMMAND_BYTES_MAX)
        return insp_fail(reterr, INSP_E_TOO_LARGE, "a command has at most %d bytes", COMMAND_BYTES_MAX);
    *ret = message->payloadlen
               ? json_loadb(message->payload, (size_t)message->payloadlen, JSON_REJECT_DUPLICATES, &why)
               : NULL;
    if (!json_is_object(*ret)) {
        json_decref(*ret);
        *ret = NULL;
        return insp_fail(reterr, INSP_E_REQUEST, "a command is a JSON object");
    }
    return 0;
}

static size_t count(const struct api_mqtt *mqtt) {
    size_t n = 0;
    for (const struct api_mqtt_command *at = mqtt->commands; at; at = at->next)
        n++;
    return n;
}

/* Runs inside a callback of libmosquitto, where nothing may be published: refusals are answered as the others are,
 * except that a command beyond the queue is only logged. A retained command would be obeyed again at each
 * connection. */
void api_mqtt_command_take(struct api_mqtt *mqtt, const struct mosquitto_message *message,
                           const mosquitto_property *properties) {
    const char *level = strrchr(message->topic, '/');
    if (message->retain || count(mqtt) >= API_MQTT_COMMANDS) {
        insp_log_warning("ignored a command by MQTT reason=%s", message->retain ? "retained" : "too_many_wait");
        return;
    }
    struct api_mqtt_command *command = calloc(1, sizeof *command);
    if (!command)
        return;
    command->mqtt = mqtt;
    snprintf(command->name, sizeof command->name, "%.31s", level ? level + 1 : "");
    insp_utf8_clean(command->name);
    read_properties(command, properties);
    command->code = read_body(message, &command->body, &command->error);
    struct api_mqtt_command **at = &mqtt->commands;
    while (*at)
        at = &(*at)->next;
    *at = command;
    run_next(mqtt);
}
