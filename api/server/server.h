/* api/server/server.h - the server's inside, shared by the files of api/ only. All state here belongs to the loop
 * thread; `config` is constant once the server runs, so pool threads may read it. */
#ifndef INSP_API_HTTP_SERVER_H
#define INSP_API_HTTP_SERVER_H

#include "api/access/gate.h"
#include "api/access/tokens.h"
#include "api/api.h"
#include "api/http/request.h"
#include "api/listen/linger.h"
#include "api/listen/listener.h"
#include "api/server/reload.h"
#include "api/watch/events.h"
#include "api/watch/meters.h"
#include "api/watch/storage.h"
#include "core/jobs/jobs.h"
#include "core/serving/models.h"

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

    struct api_listener listener;
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
    struct api_reload reload;
    struct api_meters *meters;
    struct insp_jobs *jobs;
    struct api_events *events;

    struct api_request *requests; /* all open ones */
    struct api_connection *connections;
    size_t connection_count, cut_count; /* cut_count: of connection_count, those that are cut */
    size_t request_count, slots;        /* slots: inspections between headers and answer */
    unsigned exports;                   /* that run, of config.exports */
    size_t uploads;                     /* into datasets, from headers to the end of the request */
    int64_t turned_us;                  /* monotonic: last time that the loop ran the sweep */
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
    void (*stopped)(void *arg);
    void *stopped_arg;
};

/* connection.c: libmicrohttpd's callbacks. */
enum MHD_Result api_connection_access(void *arg, struct MHD_Connection *connection, const char *url,
                                      const char *method, const char *version, const char *data, size_t *bytes,
                                      void **context);
void api_connection_completed(void *arg, struct MHD_Connection *connection, void **context,
                              enum MHD_RequestTerminationCode code);
void api_connection_notify(void *arg, struct MHD_Connection *connection, void **socket_context,
                           enum MHD_ConnectionNotificationCode code);

/* The request line has come, the headers follow. */
void api_connection_head(struct MHD_Connection *connection);
/* libmicrohttpd is about to say something in its log, and perhaps to refuse a request by itself. A Content-Length
 * that is none is answered here first. */
void api_connection_refused(struct api_server *server);

/* A suspended request's response is filled: resume and send. */
void api_server_finish(struct api_request *request);
/* The same with a problem. */
void api_server_fail(struct api_request *request, const struct insp_error *error);
/* Suspends the connection and marks the request as at work. Inside the access handler only. */
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

/* sweep.c */
void api_sweep(uv_timer_t *timer);
/* True where the client has closed its side: the kernel's state, which TLS and unread bytes do not hide. One that
 * only shuts its sending side counts as gone: on the wire it looks the same. all_read: and nothing that it sent
 * before lies unread. */
bool api_client_left(int fd, bool all_read);
/* Shuts a connection down; where a request was coming in the client is told why. Not while it is suspended. */
void api_connection_cut(struct api_server *server, struct api_connection *connection,
                        const struct insp_error *why);
/* When a request that began at start_us with so many bytes received must be complete, in the clock of start_us:
 * the configured time plus one second for each 16 KiB that came. */
int64_t api_receive_deadline(int64_t start_us, unsigned timeout_s, size_t bytes);

/* inspections_post.c */
void api_inspections_deadline(uv_timer_t *timer); /* answers 504 where it has passed, re-arms */
/* Ends the inspection that the request waits for, nothing stored, and frees its slot; the caller answers. False
 * when it is too late, because the record is being stored: the verdict comes in a moment. */
bool api_inspection_abandon(struct api_request *request);
/* The request goes: it waits for nothing any more. An inspection that is being stored is counted and published all
 * the same. */
void api_inspection_forget(struct api_request *request);

/* datasets.c */
void api_dataset_release(struct api_request *request); /* its place for an upload, where it has one */

/* housekeeping.c */
void api_housekeeping(uv_timer_t *timer);
void api_housekeeping_now(void *server); /* the disk is full: retention at once */

/* stop.c */
void api_stop_check(struct api_server *server); /* moves the stop sequence on where it can */
void api_stop_handle_closed(void *server);      /* a handle that libuv had is closed: the last one ends the stop */
void api_server_free(struct api_server *server);

#endif
