/* api/server/server.h - the server's inside, shared by the files of api/ only. All state here belongs to the loop
 * thread; `config` is constant once the server runs, so pool threads may read it. */
#ifndef INSP_API_SERVER_SERVER_H
#define INSP_API_SERVER_SERVER_H

#include "api/access/gate.h"
#include "api/access/tokens.h"
#include "api/api.h"
#include "api/http/request.h"
#include "api/listen/linger.h"
#include "api/listen/peers.h"
#include "api/watch/meters.h"
#include "api/watch/storage.h"
#include "core/jobs/jobs.h"
#include "core/serving/models.h"

struct api_events;
struct api_listener;
struct api_reload;

struct api_connection { /* one per TCP connection; libmicrohttpd's socket context */
    struct MHD_Connection *mhd;
    bool head_comes; /* the request line is there, the last header is not */
    int fd;
    int64_t quiet_since_us;      /* monotonic: accepted, or the last request ended */
    uint64_t requests;           /* that were answered on it */
    bool cut;                    /* shut down by us; libmicrohttpd frees it as soon as it runs */
    struct api_peer *peer;       /* counted there; NULL once it is cut */
    struct api_request *request; /* NULL between requests */
    struct api_connection *previous, *next;
};

struct api_server {
    uv_loop_t *loop;
    struct api_config config;
    char *listen_text, *state_dir, *certificate, *key, *hosts, *origins, *dataset_roots,
        *cache_folder; /* owned; config points here */
    bool tls;
    char address[80];
    struct api_hidden hidden; /* folders of the configuration, which answers do not name */
    struct api_gate gate;     /* who needs a token, by which names the daemon may be called */
    int listen_fd;

    struct api_listener *listener;
    struct api_peers peers; /* the addresses that have connections open */
    struct api_lingers lingers;
    struct MHD_Daemon *mhd;
    uv_poll_t poll;          /* libmicrohttpd's epoll descriptor */
    bool kicked;             /* api_server_kick was called since libmicrohttpd last began to run */
    uv_timer_t mhd_timer;    /* its timeouts, and "run again now" */
    uv_timer_t sweep;        /* departed clients, stalled senders, watchdog's sign of life */
    uv_timer_t deadline;     /* the nearest deadline of the inspections at work */
    uv_timer_t housekeeping; /* usage, retention */
    uv_timer_t selftest;
    uv_timer_t grace;
    uv_timer_t ping; /* event clients */

    struct insp_pipeline *pipeline;
    struct insp_models *models;
    struct api_tokens tokens;
    struct api_reload *reload;
    struct api_meters *meters;
    struct insp_jobs *jobs;
    struct api_events *events;

    struct api_request *requests; /* all open ones */
    struct api_connection *connections;
    size_t connection_count, cut_count; /* cut_count: of connection_count, those that are cut */
    size_t request_count;
    unsigned held[API_PLACES]; /* scarce places that requests hold (slots.h) */
    int64_t turned_us;         /* monotonic: last time that the loop ran the sweep */
    unsigned sweeps;
    uint64_t slow_uploads;      /* cut off for another inspection */
    struct api_storage storage; /* as the last chore left it */
    bool chore_running;
    /* the chore's while it runs */
    struct insp_task chore;
    int64_t retention_due_us; /* monotonic; 0: set anew when the chore ends */
    struct api_storage chore_storage;
    bool storage_told; /* a chore has said how the storage is */

    bool jobs_closed;
    bool stopping, mhd_stopped, grace_over, closing;
    _Atomic bool hurry;   /* the grace time is over: lanes' threads end reads early. Any thread */
    unsigned grace_turns; /* turns of the loop since the grace time ended */
    int handles_open;
    void (*after_run)(
        struct api_server *server); /* after each run of libmicrohttpd; NULL until the server stops */
    void (*stopped)(void *arg);
    void *stopped_arg;
};

/* The response of a request is filled: it is answered, and resumed where it is suspended. */
void api_server_finish(struct api_request *request);
/* The same with a problem. */
void api_server_fail(struct api_request *request, const struct insp_error *error);
/* Suspends the connection: the request is at work, or its next piece is being fetched. Inside a callback of
 * libmicrohttpd only. */
void api_server_suspend(struct api_request *request);
/* Runs work for a suspended request in lane BACK, then done on the loop; the task's data is the request.
 * INSP_E_QUEUE_FULL when too many wait. */
typedef void api_work(struct insp_task *task);
int api_server_work(struct api_request *request, enum insp_weight weight, api_work *run, api_work *done,
                    struct insp_error *reterr);
/* The same for the next step of an answer that has begun: it is never refused. */
void api_server_work_on(struct api_request *request, api_work *run, api_work *done);
/* Lets libmicrohttpd run soon. */
void api_server_kick(struct api_server *server);
/* Lets libmicrohttpd run now. Never inside one of its callbacks. */
void api_server_run(struct api_server *server);

/* Gives back the scarce place that the request holds; fine where it holds none. */
void api_place_release(struct api_request *request);

#endif
