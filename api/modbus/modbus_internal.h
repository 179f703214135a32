/* api/modbus/modbus_internal.h - declare the server's state for the files of api/modbus/. Loop thread. */
#ifndef INSP_API_MODBUS_MODBUS_INTERNAL_H
#define INSP_API_MODBUS_MODBUS_INTERNAL_H

#include "api/access/proxies.h"
#include "api/modbus/modbus_frame.h"
#include "api/modbus/stations.h"
#include "core/line/sink.h"

#include <uv.h>

enum { API_MODBUS_BUFFER_BYTES = 2 * API_MODBUS_FRAME_BYTES };

/* Reasons why the daemon disconnects a PLC, or does not take it. */
enum api_modbus_cut {
    API_MODBUS_CUT_FRAME,   /* no Modbus/TCP */
    API_MODBUS_CUT_IDLE,    /* no complete request for modbus.idle_s */
    API_MODBUS_CUT_UNREAD,  /* does not read its answers */
    API_MODBUS_CUT_LIMIT,   /* modbus.connections */
    API_MODBUS_CUT_ADDRESS, /* not in modbus.clients */
    API_MODBUS_CUTS
};
extern const char *const api_modbus_cut_name[API_MODBUS_CUTS];

struct api_modbus_client {
    uv_tcp_t tcp;
    struct api_modbus *modbus;
    struct api_modbus_client *previous, *next;
    struct insp_station_writer writer; /* its address */
    int64_t active_us;                 /* monotonic: accepted, or last complete request */
    bool closing;
    size_t bytes; /* in the buffer: the beginning of a frame */
    uint8_t buffer[API_MODBUS_BUFFER_BYTES];
};

struct api_modbus {
    struct api_server *server;
    struct sockaddr_storage address;
    struct api_networks clients_allowed; /* none: all */
    uv_tcp_t listener;
    uv_timer_t timer;           /* heartbeat, idle clients, the next try to bind */
    struct insp_sink condition; /* connected while a PLC is */
    bool listener_open, listening, heartbeat, closing;
    int64_t retry_us; /* monotonic */
    int failed_why;   /* of the last try, so that the log says it once */
    size_t handles;   /* open or being closed */
    void (*closed)(void *arg);

    struct api_modbus_client *clients;
    size_t client_count; /* without those that are being closed */
    uint64_t requests, exceptions, cut[API_MODBUS_CUTS];
};

/* Accepts a client from the listener. */
void api_modbus_accept(struct api_modbus *modbus);

/* Disconnects a client and counts the reason; API_MODBUS_CUTS: the client has left. */
void api_modbus_cut(struct api_modbus_client *client, enum api_modbus_cut reason);

/* Brings the condition up to date after a client has come or gone. */
void api_modbus_look(struct api_modbus *modbus);

/* Called after each handle that libuv has closed. */
void api_modbus_handle_closed(struct api_modbus *modbus);

#endif
