/* api/watch/events_get.c - opens an event stream. If the ring no longer holds the client's Last-Event-ID, a task
 * in lane BACK reads the inspections since then from the store first.
 *
 * An inspection gets its id when it begins and its event when it ends, so the event of a smaller id may follow
 * that of a larger one. A replay therefore begins 30 s (overtake.h) before the client's last id and leaves out
 * inspections that had certainly ended before that one: no inspection is missed, a few may come twice. */
#include "api/inspections/inspection_json.h"
#include "api/resources/handlers.h"
#include "api/server/server.h"
#include "api/server/slots.h"
#include "api/watch/events.h"
#include "api/watch/late_refusal.h"
#include "api/watch/overtake.h"

#include <string.h>

enum { REPLAY_MAX = 500 };

/* The part of a request of this route. */
struct follow {
    struct api_stream *stream;       /* owned until its response is queued */
    struct api_replay replay;        /* its text is owned until the stream takes it */
    char resume_id[INSP_UUID_BYTES]; /* the client's Last-Event-ID */
};

static void drop(struct api_request *request) {
    struct follow *follow = request->part;
    api_events_drop(follow->stream);
    free(follow->replay.text);
    free(follow);
}

/* Makes the response, which owns the stream from now on. */
static struct MHD_Response *respond(struct api_request *request) {
    struct follow *follow = request->part;
    struct MHD_Response *response = api_events_response(follow->stream);
    if (response)
        follow->stream = NULL;
    return response;
}

/* Never stalled: a stream may be idle for hours, and libmicrohttpd closes it if its client does not read. */
static bool stalled(const struct api_request *request, int64_t now_us) {
    (void)request, (void)now_us;
    return false;
}

static const struct api_part_ops follow_ops = {.drop = drop, .respond = respond, .stalled = stalled};

struct replay {
    const struct api_request *request;
    FILE *out;
    const char *resume_id;
    /* Inspections that ended before this time had their event before resume_id. INT64_MIN if no inspection has
     * that id (it is a job's or a model's, or retention removed the row): then all since 30 s before it are
     * replayed. */
    int64_t ended_us;
    size_t count; /* inspections with an id above resume_id */
};

static int add(void *arg, const struct insp_record *record) {
    struct replay *replay = arg;
    int order = strcmp(record->id, replay->resume_id);
    if (api_server_unwanted(replay->request))
        return 1;
    if (order == 0 || (order < 0 && api_overtake_ended(record) < replay->ended_us))
        return 0;
    json_t *json = api_inspection_json(record);
    fprintf(replay->out, "id: %s\nevent: inspection\ndata: ", record->id);
    int failed = !json || json_dumpf(json, replay->out, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(json);
    fputs("\n\n", replay->out);
    replay->count += order > 0; /* counting the others, a replay could be full before it reaches resume_id */
    return failed || ferror(replay->out) || replay->count == REPLAY_MAX;
}

static int read_store(struct api_request *request, struct insp_error *reterr) {
    struct insp_store *store = request->server->config.store;
    struct follow *follow = request->part;
    size_t bytes;
    char from[INSP_UUID_BYTES];
    struct replay replay = {.request = request, .resume_id = follow->resume_id};
    int code = api_server_check_wanted(request, reterr);
    if (!code)
        code = api_overtake_since(store, follow->resume_id, from, &replay.ended_us, reterr);
    if (code)
        return code;
    const struct insp_filter filter = {.verdict = -1, .label = -1, .after_id = from, .limit = INT32_MAX};
    replay.out = open_memstream(&follow->replay.text, &bytes);
    if (!replay.out)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the events since then");
    code = insp_store_list(store, &filter, add, &replay, reterr);
    if ((ferror(replay.out) | fclose(replay.out)) && !code)
        code = insp_fail(reterr, INSP_E_NOMEM, "no memory for the events since then");
    follow->replay.partial = replay.count == REPLAY_MAX;
    return code ? code : api_server_check_wanted(request, reterr);
}

static void read_work(struct insp_task *task) {
    struct api_request *request = task->data;
    struct insp_error error = {0};
    if (read_store(request, &error))
        api_response_problem(&request->response, &error);
}

static int open_stream(struct api_request *request, const char *last_id, struct insp_error *reterr) {
    struct follow *follow = request->part;
    int code = api_events_open(request->server->events, request->connection, request->fd, last_id, &follow->replay,
                               &follow->stream, reterr);
    if (code)
        return code;
    request->response.status = 200;
    request->response.streamed = true;
    snprintf(request->response.content_type, sizeof request->response.content_type, "text/event-stream");
    api_response_header(&request->response, "Cache-Control", "no-store");
    return 0;
}

static void read_done(struct insp_task *task) {
    struct api_request *request = task->data;
    struct insp_error error = {0};
    if (!request->response.status && open_stream(request, NULL, &error))
        api_response_problem(&request->response, &error);
    api_server_finish(request);
}

int api_events_get(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {"last_event_id", NULL};
    const char *last_id = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Last-Event-ID");
    int code = api_query_allow(&request->query, known, reterr);
    if (code)
        return code;
    if (!last_id)
        last_id = api_query_get(&request->query, "last_event_id");
    if (last_id && !insp_uuid_valid(last_id))
        return insp_fail(reterr, INSP_E_QUERY, "Last-Event-ID is not the id of an event");
    if ((code = api_stream_take(request, reterr)) < 0)
        return code == INSP_E_QUEUE_FULL ? api_refuse_late(request, reterr, reterr) : code;
    struct follow *follow = calloc(1, sizeof *follow);
    if (!follow)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for an event stream");
    api_request_attach(request, follow, &follow_ops);
    if (!last_id || api_events_has(request->server->events, last_id))
        return open_stream(request, last_id, reterr);
    snprintf(follow->resume_id, sizeof follow->resume_id, "%s", last_id);
    follow->replay.head = api_events_head(request->server->events);
    code = api_server_work(request, INSP_WORK_QUICK, read_work, read_done, reterr);
    if (!code)
        api_server_suspend(request);
    return code;
}
