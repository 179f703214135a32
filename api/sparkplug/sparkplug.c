#include "api/sparkplug/sparkplug.h"

#include "api/server/server.h"
#include "api/sinks/mqtt_link.h"
#include "api/sparkplug/sparkplug_bdseq.h"
#include "api/sparkplug/sparkplug_devices.h"

#include "core/base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WINDOW = 64,          /* at least that of the feed */
    PAYLOAD_BYTES = 4096, /* of a birth with the longest names */
    TOPIC_BYTES = 1024,
    COMMAND_BYTES_MAX = 64 << 10,
    REBIRTH_US = 1000000, /* births follow each other not faster, however often they are asked for */
};

struct sparkplug {
    struct api_sink sink; /* first */
    struct api_mqtt_identity identity;
    char group[128], node[API_MQTT_LEVEL_BYTES];
    char death_topic[TOPIC_BYTES], command_topic[TOPIC_BYTES];
    struct api_mqtt_link *link; /* NULL before the start and once it is closed */
    uv_timer_t turn;            /* work that a callback of libmosquitto asks for, outside of it */
    unsigned closing_handles;
    bool started, up, closing;
    struct api_sparkplug_bdseq bdseq; /* lane BACK's while an attempt begins */
    uint8_t seq;                      /* of the next message */
    int64_t newest;                   /* places up to this one were stored before the connection */
    int64_t flight[WINDOW];           /* places that were sent and that the broker may not have read; ascending */
    size_t flights, asked;            /* asked: of these, the broker was asked about by `ask_mid` */
    int ask_mid, test_mid;            /* 0: none */
    bool refusal_told, ready_told;
    bool rebirth;    /* a host asks for it */
    int64_t born_us; /* monotonic */
    struct api_sparkplug_devices devices;
};

static struct sparkplug *sparkplug_of(struct api_sink *sink) {
    return (struct sparkplug *)sink;
}

/* --- messages --- */

struct message {
    struct api_sparkplug_writer writer;
    uint8_t payload[PAYLOAD_BYTES];
};

static void begin(struct message *message, int64_t now_us) {
    api_sparkplug_begin(&message->writer, message->payload, sizeof message->payload, now_us);
}

/* Sends a message with the next sequence number, QoS 0, as the specification demands. device: NULL for the node's.
 */
static enum api_mqtt_sent publish(struct sparkplug *self, struct message *message, const char *kind,
                                  const char *device) {
    char topic[TOPIC_BYTES];
    size_t bytes = api_sparkplug_end(&message->writer, self->seq);
    snprintf(topic, sizeof topic, "spBv1.0/%s/%s/%s%s%s", self->group, kind, self->node, device ? "/" : "",
             device ? device : "");
    const struct api_mqtt_publish publish = {.topic = topic, .payload = message->payload, .bytes = bytes};
    enum api_mqtt_sent sent = bytes ? api_mqtt_link_publish(self->link, &publish, NULL) : API_MQTT_NEVER;
    if (sent == API_MQTT_SENT)
        self->seq++;
    return sent;
}

static enum api_mqtt_sent tell_device(struct sparkplug *self, struct api_sparkplug_device *device) {
    struct message message;
    int64_t now_us = insp_wall_us();
    begin(&message, now_us);
    api_sparkplug_add_result(&message.writer, &device->last, false, now_us);
    enum api_mqtt_sent sent = publish(self, &message, "DBIRTH", device->name);
    device->born = sent == API_MQTT_SENT;
    return sent;
}

static void add_ready(struct sparkplug *self, struct message *message, int64_t now_us) {
    self->ready_told = api_server_ready(self->sink.server);
    api_sparkplug_add(&message->writer, &(struct api_sparkplug_metric){.name = "Ready",
                                                                       .type = API_SPARKPLUG_BOOLEAN,
                                                                       .at_us = now_us,
                                                                       .flag = self->ready_told});
}

static void tell_ready(struct sparkplug *self) {
    struct message message;
    int64_t now_us = insp_wall_us();
    begin(&message, now_us);
    add_ready(self, &message, now_us);
    publish(self, &message, "NDATA", NULL);
}

/* Publishes the births of the node and its devices. */
static void tell_births(struct sparkplug *self) {
    struct message message;
    int64_t now_us = insp_wall_us();
    const struct api_sparkplug_metric metric[] = {
        {.name = "bdSeq", .type = API_SPARKPLUG_INT64, .at_us = now_us, .number = self->bdseq.number},
        {.name = "Node Control/Rebirth", .type = API_SPARKPLUG_BOOLEAN, .at_us = now_us},
        {.name = "Properties/Software", .type = API_SPARKPLUG_STRING, .at_us = now_us, .text = "inspectd"},
        {.name = "Properties/Version", .type = API_SPARKPLUG_STRING, .at_us = now_us, .text = INSP_VERSION},
    };
    self->rebirth = false;
    self->born_us = insp_mono_us();
    self->seq = 0;
    begin(&message, now_us);
    for (size_t i = 0; i < INSP_COUNT(metric); i++)
        api_sparkplug_add(&message.writer, &metric[i]);
    add_ready(self, &message, now_us);
    publish(self, &message, "NBIRTH", NULL);
    for (size_t i = 0; i < API_SPARKPLUG_DEVICES; i++)
        if (*self->devices.item[i].name)
            tell_device(self, &self->devices.item[i]);
}

static void maybe_tell_births(struct sparkplug *self) {
    if (self->rebirth && insp_mono_us() - self->born_us >= REBIRTH_US)
        tell_births(self);
}

/* --- inspections --- */

static void *render(void *arg, int64_t place, const struct insp_record *record, size_t *ret_bytes) {
    struct api_sparkplug_result *result = malloc(sizeof *result);
    (void)arg;
    if (!result)
        return NULL;
    api_sparkplug_result_of(record, place, result);
    *ret_bytes = sizeof *result;
    return result;
}

/* Finds the device of a result, whose birth is published first if it is a new one. */
static enum api_mqtt_sent find_device(struct sparkplug *self, const char *name,
                                      struct api_sparkplug_device **ret) {
    struct api_sparkplug_device *device = api_sparkplug_device_of(&self->devices, name);
    *ret = device;
    if (strcmp(device->name, name) != 0) {
        if (device->born) {
            struct message death;
            begin(&death, insp_wall_us());
            enum api_mqtt_sent sent = publish(self, &death, "DDEATH", device->name);
            if (sent != API_MQTT_SENT)
                return sent;
        }
        *device = (struct api_sparkplug_device){0};
        snprintf(device->name, sizeof device->name, "%s", name);
    }
    return device->born ? API_MQTT_SENT : tell_device(self, device);
}

static void on_turn(uv_timer_t *timer);

static int send_result(void *arg, int64_t place, const void *rendered) {
    struct sparkplug *self = arg;
    const struct api_sparkplug_result *result = rendered;
    struct api_sparkplug_device *device;
    struct message message;
    if (!self->up || self->flights == WINDOW)
        return -1;
    maybe_tell_births(self);
    enum api_mqtt_sent sent = find_device(self, result->device, &device);
    if (sent == API_MQTT_SENT) {
        int64_t now_us = insp_wall_us();
        begin(&message, now_us);
        api_sparkplug_add_result(&message.writer, result, place <= self->newest, now_us);
        sent = publish(self, &message, "DDATA", result->device);
    }
    switch (sent) {
    case API_MQTT_NOT_NOW:
        return -1;
    case API_MQTT_NEVER:
        api_sink_error(&self->sink, "the broker does not take this message");
        insp_feed_done(self->sink.feed, place, INSP_FEED_LOST);
        return 0;
    default:
        device->last = *result;
        self->flight[self->flights++] = place;
        uv_timer_start(&self->turn, on_turn, 0, 0);
        return 0;
    }
}

/* Asks whether the broker has read what was sent: nothing acknowledges messages of QoS 0, but a broker reads the
 * packets of a connection in their order, and it acknowledges a subscription, which may be repeated. */
static void ask(struct sparkplug *self) {
    if (!self->flights || self->ask_mid)
        return;
    self->ask_mid = api_mqtt_link_subscribe(self->link, self->command_topic, true);
    self->asked = self->flights;
}

static void on_turn(uv_timer_t *timer) {
    struct sparkplug *self = timer->data;
    if (!self->up)
        return;
    maybe_tell_births(self);
    ask(self);
}

static void take_flights(struct sparkplug *self) {
    int64_t place[WINDOW];
    size_t count = self->asked;
    memcpy(place, self->flight, count * sizeof *place);
    self->flights -= count;
    memmove(self->flight, self->flight + count, self->flights * sizeof *place);
    self->ask_mid = 0;
    self->asked = 0;
    for (size_t i = 0; i < count; i++)
        insp_feed_done(self->sink.feed, place[i], INSP_FEED_DELIVERED);
    if (self->flights)
        uv_timer_start(&self->turn, on_turn, 0, 0);
}

/* --- the connection --- */

static void trying(void *arg) {
    struct sparkplug *self = arg;
    api_sink_enter(&self->sink, INSP_SINK_CONNECTING);
}

static void up(void *arg) {
    struct sparkplug *self = arg;
    struct insp_feed_status status;
    insp_feed_status(self->sink.feed, &status);
    self->up = true;
    self->newest = status.newest;
    self->refusal_told = false;
    api_sink_enter(&self->sink, INSP_SINK_CONNECTED);
    api_mqtt_link_subscribe(self->link, self->command_topic, true);
    tell_births(self);
    insp_feed_open(self->sink.feed);
}

static void down(void *arg, const char *why) {
    struct sparkplug *self = arg;
    struct insp_error error;
    self->up = self->rebirth = false;
    self->flights = self->asked = 0;
    self->ask_mid = self->test_mid = 0;
    for (size_t i = 0; i < API_SPARKPLUG_DEVICES; i++)
        self->devices.item[i].born = false; /* the death of the node is theirs */
    insp_feed_shut(self->sink.feed);
    api_sink_error(&self->sink, why);
    api_sink_enter(&self->sink, INSP_SINK_WAITING);
    insp_fail(&error, INSP_E_SINK_AWAY, "%s: %s", self->sink.target, why);
    api_sink_tested(&self->sink, &error);
}

static void acknowledged(void *arg, int mid, int refusal) { /* nothing here waits for it */
    (void)arg;
    (void)mid;
    (void)refusal;
}

static void subscribed(void *arg, int mid, bool granted) {
    struct sparkplug *self = arg;
    if (!granted && !self->refusal_told) {
        self->refusal_told = true;
        api_sink_error(&self->sink, "the broker refuses the subscription to NCMD: no host can ask for a rebirth");
    }
    if (mid == self->test_mid) {
        self->test_mid = 0;
        api_sink_tested(&self->sink, NULL);
    }
    if (mid == self->ask_mid)
        take_flights(self);
}

/* A retained command would be obeyed again at each connection. */
static void take_message(void *arg, const struct mosquitto_message *message,
                         const mosquitto_property *properties) {
    struct sparkplug *self = arg;
    struct insp_error error = {0};
    bool rebirth = false;
    (void)properties;
    if (message->retain || self->closing || message->payloadlen < 0)
        return;
    if (message->payloadlen > COMMAND_BYTES_MAX)
        insp_fail(&error, INSP_E_TOO_LARGE, "a command has at most %d bytes", COMMAND_BYTES_MAX);
    else
        api_sparkplug_flag(message->payload, (size_t)message->payloadlen, "Node Control/Rebirth", &rebirth,
                           &error);
    if (error.code)
        api_sink_error(&self->sink, error.detail);
    if (!rebirth)
        return;
    self->rebirth = true;
    uv_timer_start(&self->turn, on_turn, 0, 0);
}

/* --- operations --- */

/* Writes an NDEATH, which is the only message without a sequence number. ret has API_MQTT_WILL_BYTES bytes. */
static size_t death_of(const struct sparkplug *self, void *ret) {
    struct api_sparkplug_writer writer;
    int64_t now_us = insp_wall_us();
    api_sparkplug_begin(&writer, ret, API_MQTT_WILL_BYTES, now_us);
    api_sparkplug_add(
        &writer, &(struct api_sparkplug_metric){
                     .name = "bdSeq", .type = API_SPARKPLUG_INT64, .at_us = now_us, .number = self->bdseq.number});
    return api_sparkplug_end(&writer, -1);
}

static size_t will(void *arg, void *ret) {
    struct sparkplug *self = arg;
    api_sparkplug_bdseq_next(&self->bdseq);
    return death_of(self, ret);
}

static void start(struct api_sink *sink) {
    struct sparkplug *self = sparkplug_of(sink);
    struct insp_error error;
    const struct api_mqtt_link_config config = {
        .loop = sink->server->loop,
        .lanes = sink->server->config.lanes,
        .identity = &self->identity,
        .arg = self,
        .trying = trying,
        .up = up,
        .down = down,
        .acknowledged = acknowledged,
        .message = take_message,
        .subscribed = subscribed,
    };
    self->started = true;
    uv_timer_init(sink->server->loop, &self->turn);
    self->turn.data = self;
    if (api_mqtt_link_new(&config, &self->link, &error))
        api_sink_error(sink, error.detail);
}

static void tick(struct api_sink *sink, int64_t now_us) {
    struct sparkplug *self = sparkplug_of(sink);
    (void)now_us;
    if (!self->link)
        return;
    api_mqtt_link_tick(self->link);
    if (!self->up)
        return;
    maybe_tell_births(self);
    if (api_server_ready(sink->server) != self->ready_told)
        tell_ready(self);
}

/* The test is the node's data once more, and the broker's word that it has read it. */
static int test(struct api_sink *sink, struct insp_error *reterr) {
    struct sparkplug *self = sparkplug_of(sink);
    if (!self->up)
        return insp_fail(reterr, INSP_E_SINK_AWAY, "%s is not connected: %s", sink->target,
                         sink->condition.error[0] ? sink->condition.error : "the first attempt has not ended");
    tell_ready(self);
    self->test_mid = api_mqtt_link_subscribe(self->link, self->command_topic, true);
    return self->test_mid
               ? 0
               : insp_fail(reterr, INSP_E_SINK_AWAY, "the connection to %s has just failed", sink->target);
}

static void handle_closed(struct sparkplug *self) {
    if (!--self->closing_handles)
        api_sink_closed(&self->sink);
}

static void link_closed(void *arg) {
    struct sparkplug *self = arg;
    self->link = NULL;
    handle_closed(self);
}

static void turn_closed(uv_handle_t *handle) {
    handle_closed(handle->data);
}

/* The node publishes its death itself before it disconnects in order; the will remains for all other ends. */
static void close_sink(struct api_sink *sink) {
    struct sparkplug *self = sparkplug_of(sink);
    char death[API_MQTT_WILL_BYTES];
    insp_feed_shut(sink->feed);
    if (self->up) {
        const struct api_mqtt_publish publish = {
            .topic = self->death_topic, .payload = death, .bytes = death_of(self, death), .qos = 1};
        api_mqtt_link_publish(self->link, &publish, NULL);
    }
    self->closing = true;
    self->up = false;
    self->closing_handles = 1 + (self->link != NULL);
    uv_close((uv_handle_t *)&self->turn, turn_closed);
    if (self->link)
        api_mqtt_link_close(self->link, link_closed, self);
}

static void free_sink(struct api_sink *sink) {
    struct sparkplug *self = sparkplug_of(sink);
    api_mqtt_identity_clear(&self->identity);
    api_sparkplug_bdseq_clear(&self->bdseq);
    free(self);
    mosquitto_lib_cleanup();
}

static const struct api_sink_ops ops = {
    .start = start, .tick = tick, .test = test, .close = close_sink, .free = free_sink};

/* --- settings --- */

static void set_names(struct sparkplug *self, const struct api_mqtt_config *config) {
    char host[64] = "";
    gethostname(host, sizeof host - 1);
    snprintf(self->group, sizeof self->group, "%s", config->sparkplug_group);
    api_mqtt_level(*config->sparkplug_node ? config->sparkplug_node : host, self->node);
    snprintf(self->death_topic, sizeof self->death_topic, "spBv1.0/%s/NDEATH/%s", self->group, self->node);
    snprintf(self->command_topic, sizeof self->command_topic, "spBv1.0/%s/NCMD/%s", self->group, self->node);
    api_mqtt_target(&self->identity.address, self->sink.target, sizeof self->sink.target);
}

int api_sparkplug_new(struct api_server *server, struct api_sink **ret, struct insp_error *reterr) {
    const struct api_mqtt_config *config = &server->config.mqtt;
    *ret = NULL;
    if (!*config->url || !*config->sparkplug_group)
        return 0;
    struct sparkplug *self = calloc(1, sizeof *self);
    if (!self)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the Sparkplug sink");
    mosquitto_lib_init();
    self->sink = (struct api_sink){
        .ops = &ops, .server = server, .name = "sparkplug", .feed_ops = {.render = render, .send = send_result}};
    int code = api_mqtt_identity_read(&server->config, "-sparkplug", &self->identity, reterr);
    if (code == 0)
        code = api_sparkplug_bdseq_init(&self->bdseq, server->config.state_dir, reterr);
    if (code < 0) {
        free_sink(&self->sink);
        return code;
    }
    set_names(self, config);
    self->identity.clean = true;
    self->identity.will_topic = self->death_topic;
    self->identity.will = will;
    self->identity.arg = self;
    *ret = &self->sink;
    return 0;
}
