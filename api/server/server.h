/* api/server/server.h - declares the server's state for the files of api/. It belongs to the loop thread, except
 * `config`, which is constant while the server runs and may be read by tasks, and members marked otherwise. All
 * functions: loop thread. */
#ifndef INSP_API_SERVER_SERVER_H
#define INSP_API_SERVER_SERVER_H

#include "api/access/gate.h"
#include "api/access/tokens.h"
#include "api/api.h"
#include "api/http/log_credit.h"
#include "api/http/request.h"
#include "api/listen/linger.h"
#include "api/listen/peers.h"
#include "api/watch/drift_watch.h"
#include "api/watch/meters.h"
#include "api/watch/storage.h"
#include "core/jobs/jobs.h"
#include "core/serving/models.h"

struct api_cameras;
struct api_events;
struct api_folder;
struct api_listener;
struct api_modbus;
struct api_reload;
struct api_shadow;
struct api_sinks;
struct api_stations;

/* One TCP connection; libmicrohttpd's socket context. */
struct api_connection {
    struct api_server *server;
    struct MHD_Connection *mhd;
    int fd;
    int64_t quiet_since_us;      /* monotonic: accepted, or end of the last request */
    uint64_t requests;           /* answered on it */
    bool inspected;              /* the last one was an inspection with a verdict */
    bool cut;                    /* shut down by the daemon; libmicrohttpd frees it when it runs */
    struct api_peer *peer;       /* the entry that counts it; NULL once it is cut */
    struct api_request *request; /* NULL between requests */
    struct api_connection *previous, *next;
};

struct api_server {
    uv_loop_t *loop;
    struct api_config config;
    char *listen_text, *state_dir, *certificate, *key, *hosts, *origins, *dataset_roots, *cache_folder, *takt,
        *modbus_text[4]; /* owned; config points here */
    bool tls;
    char address[80];
    struct api_hidden hidden; /* folders of the configuration that answers must not name */
    struct api_gate gate;
    int listen_fd;

    struct api_listener *listener;
    struct api_peers peers; /* addresses with open connections */
    struct api_lingers lingers;
    struct MHD_Daemon *mhd;
    uv_poll_t poll;          /* libmicrohttpd's epoll descriptor */
    bool kicked;             /* api_server_kick was called since libmicrohttpd last began to run */
    uv_timer_t mhd_timer;    /* libmicrohttpd's timeouts, and api_server_kick */
    uv_timer_t sweep;        /* clients that left, stalled senders, sign of life for the watchdog */
    uv_timer_t deadline;     /* nearest deadline of the running inspections */
    uv_timer_t housekeeping; /* the chore */
    uv_timer_t selftest;
    uv_timer_t grace;
    uv_timer_t ping;         /* comments on event streams */
    uv_timer_t shadow_group; /* the next parts of shadows are counted */

    struct insp_pipeline *pipeline;
    struct insp_models *models;
    struct api_tokens tokens;
    struct api_reload *reload;
    struct api_meters *meters;
    struct insp_jobs *jobs;
    struct api_events *events;
    struct api_cameras *cameras;
    struct api_shadow *shadow;     /* plain memory */
    size_t opinions;               /* of shadows that are out, and tasks that count them: a stop waits for them */
    struct api_stations *stations; /* NULL: Modbus is off */
    struct api_modbus *modbus;     /* likewise */
    struct api_sinks *sinks;
    struct api_folder *folder; /* NULL: none is watched */

    struct api_request *requests; /* all open requests */
    struct api_connection *connections;
    size_t connection_count, cut_count; /* connection_count includes those that are cut */
    size_t request_count;
    unsigned held[API_PLACES]; /* scarce places in use (slots.h) */
    struct api_log_credit log_credit;
    int64_t turned_us; /* monotonic: last sweep */
    unsigned sweeps;
    uint64_t slow_uploads;      /* uploads cut off for another inspection */
    struct api_storage storage; /* as the last chore left it */
    struct api_drift drift;     /* the same */
    bool chore_running;
    /* owned by the chore while it runs */
    struct insp_task chore;
    int64_t retention_due_us; /* monotonic; 0: set when the chore ends */
    struct api_storage chore_storage;
    struct api_drift chore_drift;
    bool storage_told; /* a chore has logged the state of the storage */

    bool jobs_closed;
    bool stopping, mhd_stopped, grace_over, closing;
    _Atomic bool hurry;   /* the grace time is over: tasks in lanes end early. Any thread */
    unsigned grace_turns; /* turns of the loop since the end of the grace time */
    int handles_open;
    void (*after_run)(
        struct api_server *server); /* called after each run of libmicrohttpd; NULL until the server stops */
    void (*stopped)(void *arg);
    void *stopped_arg;
};

/* Bytes to discard after a refusal: inside libmicrohttpd, and after it (linger.h) on top of limits.body_bytes. */
enum { API_DISCARD_BYTES_MAX = 8 << 20 };

/* Returns the server's entry of a connection; NULL if there was no memory for one. */
struct api_connection *api_connection_of(struct MHD_Connection *connection);

/* Answers a request whose response is filled, and resumes its connection if it is suspended. */
void api_server_finish(struct api_request *request);

/* Does the same with the problem of an error. */
void api_server_fail(struct api_request *request, const struct insp_error *error);

/* Suspends the connection of a request (API_WORKING or API_FETCHING). Only inside a callback of libmicrohttpd. */
void api_server_suspend(struct api_request *request);

/* Runs `run` in lane BACK, then `done` on the loop; the task's data is the request. The caller suspends the
 * request. Fails with INSP_E_QUEUE_FULL. */
typedef void api_work(struct insp_task *task);
int api_server_work(struct api_request *request, enum insp_weight weight, api_work *run, api_work *done,
                    struct insp_error *reterr);

/* Does the same for the next step of an answer that has begun; never refused. */
void api_server_work_on(struct api_request *request, api_work *run, api_work *done);

/* Says whether a task in a lane may end early: the client of a request that only reads has left, or the grace time
 * of a stop is over. Any thread. */
bool api_server_unwanted(const struct api_request *request);

/* Does the same and fails with INSP_E_CANCELLED or INSP_E_SHUTTING_DOWN. */
int api_server_check_wanted(const struct api_request *request, struct insp_error *reterr);

/* Returns the limits for images that a handler decodes or draws: the background's share of the budget, and an
 * early end after the grace time of a stop, or if the request only reads and its client has left. They borrow the
 * request. Any thread. */
struct insp_image_limits api_server_image_limits(const struct api_request *request);

/* Lets libmicrohttpd run in the next turn of the loop. */
void api_server_kick(struct api_server *server);

/* Runs libmicrohttpd now. Not inside one of its callbacks. */
void api_server_run(struct api_server *server);

/* Gives back the scarce place that the request holds, if any. */
void api_place_release(struct api_request *request);

#endif
