/* One connection of a PLC: accepting it, its frames, and its end. */
#include "api/cameras/cameras.h"
#include "api/modbus/modbus_internal.h"
#include "api/modbus/modbus_map.h"
#include "api/server/server.h"
#include "core/base/clock.h"
#include "core/base/log.h"

#include <stdlib.h>
#include <string.h>

enum {
    KEEPALIVE_S = 30,
    SEND_BYTES = 64 << 10, /* in the kernel, for a client that does not read */
    ANSWERS_BYTES = 8 << 10,
};

const char *const api_modbus_cut_name[API_MODBUS_CUTS] = {"frame", "idle", "unread", "limit", "address"};

static void client_closed(uv_handle_t *handle) {
    struct api_modbus_client *client = handle->data;
    struct api_modbus *modbus = client->modbus;
    free(client);
    api_modbus_handle_closed(modbus);
}

void api_modbus_cut(struct api_modbus_client *client, enum api_modbus_cut reason) {
    struct api_modbus *modbus = client->modbus;
    if (client->closing)
        return;
    client->closing = true;
    if (client->previous)
        client->previous->next = client->next;
    else
        modbus->clients = client->next;
    if (client->next)
        client->next->previous = client->previous;
    modbus->client_count--;
    if (reason != API_MODBUS_CUTS) {
        char text[64];
        modbus->cut[reason]++;
        snprintf(text, sizeof text, "a client was disconnected: %s", api_modbus_cut_name[reason]);
        insp_sink_error(&modbus->condition, text, insp_wall_us());
        insp_log_debug("modbus: a client was disconnected reason=%s", api_modbus_cut_name[reason]);
    }
    api_modbus_look(modbus);
    uv_close((uv_handle_t *)&client->tcp, client_closed);
}

/* --- requests --- */

/* Says whether the product that the PLC expects has a model that passed its self-test. */
static bool product_ready(const struct api_server *server, const struct insp_station *station) {
    char product[INSP_NAME_BYTES];
    if (!api_station_product(server->stations, station, product))
        return false;
    for (size_t i = 0; product[0] && i < insp_models_count(server->models); i++) {
        const struct insp_served_model *item = insp_models_at(server->models, i);
        if (!strcmp(item->product, product))
            return item->model && item->passed;
    }
    return !product[0];
}

static struct api_modbus_view view_of(const struct api_modbus *modbus, const struct insp_station *station,
                                      const char *camera) {
    const struct api_server *server = modbus->server;
    double progress;
    return (struct api_modbus_view){
        .heartbeat = modbus->heartbeat,
        .ready = station && api_server_ready(server) && product_ready(server, station) &&
                 !api_camera_silent(server->cameras, camera),
        .queue_high = server->held[API_PLACE_INSPECTION] > server->config.inflight / 2,
        .training = insp_jobs_running(server->jobs, &progress),
        .now_us = insp_mono_us(),
    };
}

/* Answers to the frames of one read, which leave together: each alone would take a whole block of the kernel. */
struct answers {
    size_t bytes;
    uint8_t data[ANSWERS_BYTES];
};

/* Sends them. Returns false if the client does not read: they are far fewer than the kernel holds for it. */
static bool send_answers(struct api_modbus_client *client, struct answers *answers) {
    uv_buf_t buffer = uv_buf_init((char *)answers->data, (unsigned)answers->bytes);
    size_t bytes = answers->bytes;
    answers->bytes = 0;
    return !bytes || uv_try_write((uv_stream_t *)&client->tcp, &buffer, 1) == (int)bytes;
}

static void answer(struct api_modbus_client *client, const uint8_t *frame, size_t bytes, struct answers *answers) {
    enum { UNIT = 6 };
    struct api_modbus *modbus = client->modbus;
    struct insp_station *station = api_stations_unit(modbus->server->stations, frame[UNIT]);
    const char *camera = api_stations_camera(modbus->server->stations, frame[UNIT]);
    const struct api_modbus_view view = view_of(modbus, station, camera);
    const uint64_t triggers = station ? station->triggers : 0;
    enum api_modbus_exception exception;
    answers->bytes += api_modbus_answer(station, &client->writer, &view, frame, bytes,
                                        answers->data + answers->bytes, &exception);
    modbus->requests++;
    modbus->exceptions += exception != API_MODBUS_DONE;
    client->active_us = view.now_us;
    if (station && station->triggers != triggers)
        api_cameras_pull(modbus->server, camera, station->triggered.id);
}

static void take_frames(struct api_modbus_client *client) {
    struct answers answers = {.bytes = 0};
    size_t at = 0;
    int length;
    bool reads = true;
    while (reads && (length = api_modbus_frame_bytes(client->buffer + at, client->bytes - at)) > 0) {
        answer(client, client->buffer + at, (size_t)length, &answers);
        at += (size_t)length;
        if (sizeof answers.data - answers.bytes < API_MODBUS_FRAME_BYTES)
            reads = send_answers(client, &answers);
    }
    if (!reads || !send_answers(client, &answers)) {
        api_modbus_cut(client, API_MODBUS_CUT_UNREAD);
        return;
    }
    if (length < 0) {
        api_modbus_cut(client, API_MODBUS_CUT_FRAME);
        return;
    }
    client->bytes -= at;
    memmove(client->buffer, client->buffer + at, client->bytes);
}

/* Offers the rest of the buffer, which is never empty: a frame takes at most half of it. */
static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *ret) {
    struct api_modbus_client *client = handle->data;
    (void)wanted;
    *ret = uv_buf_init((char *)client->buffer + client->bytes, (unsigned)(sizeof client->buffer - client->bytes));
}

static void on_bytes(uv_stream_t *stream, ssize_t bytes, const uv_buf_t *buffer) {
    struct api_modbus_client *client = stream->data;
    (void)buffer;
    if (bytes < 0) {
        api_modbus_cut(client, API_MODBUS_CUTS);
        return;
    }
    client->bytes += (size_t)bytes;
    take_frames(client);
}

/* --- accepting --- */

static bool read_address(struct api_modbus_client *client) {
    struct sockaddr_storage peer;
    int bytes = sizeof peer;
    if (uv_tcp_getpeername(&client->tcp, (struct sockaddr *)&peer, &bytes))
        return false;
    uint8_t *address = client->writer.address;
    if (peer.ss_family == AF_INET6) {
        memcpy(address, &((struct sockaddr_in6 *)&peer)->sin6_addr, 16);
    } else {
        address[10] = address[11] = 0xff;
        memcpy(address + 12, &((struct sockaddr_in *)&peer)->sin_addr, 4);
    }
    const struct api_networks *allowed = &client->modbus->clients_allowed;
    return !allowed->count || api_networks_hold(allowed, (struct sockaddr *)&peer);
}

/* Makes room for one client: a PLC that was switched off leaves a connection that is silent. Returns false if all
 * are in use. */
static bool make_room(struct api_modbus *modbus, const struct api_modbus_client *newest, int64_t now_us) {
    struct api_modbus_client *silent = NULL;
    if (modbus->client_count <= modbus->server->config.modbus.connections)
        return true;
    for (struct api_modbus_client *client = modbus->clients; client; client = client->next)
        if (client != newest && (!silent || client->active_us < silent->active_us))
            silent = client;
    if (!silent || now_us - silent->active_us < (int64_t)modbus->server->config.modbus.heartbeat_s * 1000000)
        return false;
    api_modbus_cut(silent, API_MODBUS_CUT_LIMIT);
    return true;
}

static void enter(struct api_modbus_client *client) {
    struct api_modbus *modbus = client->modbus;
    client->next = modbus->clients;
    if (client->next)
        client->next->previous = client;
    modbus->clients = client;
    modbus->client_count++;
    modbus->handles++;
}

void api_modbus_accept(struct api_modbus *modbus) {
    struct api_modbus_client *client = calloc(1, sizeof *client);
    if (!client || uv_tcp_init(modbus->server->loop, &client->tcp)) {
        free(client); /* the connection waits in the backlog */
        return;
    }
    client->modbus = modbus;
    client->tcp.data = client;
    client->active_us = insp_mono_us();
    enter(client);
    if (uv_accept((uv_stream_t *)&modbus->listener, (uv_stream_t *)&client->tcp)) {
        api_modbus_cut(client, API_MODBUS_CUTS);
    } else if (!read_address(client)) {
        api_modbus_cut(client, API_MODBUS_CUT_ADDRESS);
    } else if (!make_room(modbus, client, client->active_us)) {
        api_modbus_cut(client, API_MODBUS_CUT_LIMIT);
    } else {
        int send_bytes = SEND_BYTES;
        uv_send_buffer_size((uv_handle_t *)&client->tcp, &send_bytes);
        uv_tcp_nodelay(&client->tcp, 1);
        uv_tcp_keepalive(&client->tcp, 1, KEEPALIVE_S);
        api_modbus_look(modbus);
        uv_read_start((uv_stream_t *)&client->tcp, on_room, on_bytes);
    }
}
