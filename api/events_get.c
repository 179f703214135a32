/* api/events_get.c - opens an event stream; behind a Last-Event-ID that the ring no longer has, inspections are
 * replayed from the store by the pool first. */
#include "api/handlers.h"
#include "api/inspection_json.h"
#include "api/server.h"

#include <string.h>

enum { REPLAY_MAX = 500 };

struct replay {
    FILE *out;
    size_t count;
    char last_id[INSP_UUID_BYTES];
};

static int add(void *arg, const struct insp_record *record) {
    struct replay *replay = arg;
    json_t *json = api_inspection_json(record);
    fprintf(replay->out, "id: %s\nevent: inspection\ndata: ", record->id);
    int failed = !json || json_dumpf(json, replay->out, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(json);
    fputs("\n\n", replay->out);
    snprintf(replay->last_id, sizeof replay->last_id, "%s", record->id);
    replay->count++;
    return failed || ferror(replay->out);
}

static int read_store(struct api_request *request, struct insp_error *reterr) {
    size_t bytes;
    const struct insp_filter filter = {
        .verdict = -1, .label = -1, .after_id = request->replayed_to, .limit = REPLAY_MAX};
    struct replay replay = {.out = open_memstream(&request->replay, &bytes)};
    if (!replay.out)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the events since then");
    snprintf(replay.last_id, sizeof replay.last_id, "%s", request->replayed_to);
    int code = insp_store_list(request->server->config.store, &filter, add, &replay, reterr);
    if ((ferror(replay.out) | fclose(replay.out)) && !code)
        code = insp_fail(reterr, INSP_E_NOMEM, "no memory for the events since then");
    memcpy(request->replayed_to, replay.last_id, sizeof request->replayed_to);
    request->replay_partial = replay.count == REPLAY_MAX;
    return code;
}

static void read_work(uv_work_t *work) {
    struct api_request *request = work->data;
    struct insp_error error = {0};
    if (read_store(request, &error))
        api_response_problem(&request->response, &error);
}

static int open_stream(struct api_request *request, const char *last_id, struct insp_error *reterr) {
    char *replay = request->replay;
    request->replay = NULL;
    int code = api_events_open(request->server->events, request, last_id, replay, &request->stream, reterr);
    if (code)
        return code;
    request->response.status = 200;
    snprintf(request->response.content_type, sizeof request->response.content_type, "text/event-stream");
    api_response_header(&request->response, "Cache-Control", "no-store");
    return 0;
}

static void read_done(uv_work_t *work, int status) {
    struct api_request *request = work->data;
    struct insp_error error = {0};
    (void)status;
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
        return insp_fail(reterr, INSP_E_QUERY, "Last-Event-ID is not an id that this stream gave");
    if (!last_id || api_events_has(request->server->events, last_id))
        return open_stream(request, last_id, reterr);
    snprintf(request->replayed_to, sizeof request->replayed_to, "%s", last_id);
    api_server_suspend(request);
    api_server_pool(request, read_work, read_done);
    return 0;
}
