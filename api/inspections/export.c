#include "api/inspections/export.h"

#include "api/http/accept.h"
#include "api/inspections/export_rows.h"
#include "api/listen/client.h"
#include "api/resources/handlers.h"
#include "api/server/server.h"
#include "api/server/slots.h"

#include "core/base/clock.h"
#include "core/base/log.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
    PAGE_ROWS = 500,
    PAGE_BYTES = 256 << 10, /* a page ends with the row that reaches this */
    BLOCK_BYTES = 32 << 10,
};

enum format { FORMAT_JSON, FORMAT_CSV, FORMAT_LINES }; /* in the order of `types` */
static const char *const types[] = {"application/json", "text/csv", "application/x-ndjson", NULL};

struct api_export {
    enum format format;
    struct insp_filter filter; /* its before_id points to last_id from the second page on */
    char last_id[INSP_UUID_BYTES];
    bool bounded, ended, failed;
    size_t left; /* rows still to send, if bounded */
    char *page;  /* owned; `bytes` of text, `at` of them sent */
    size_t bytes, at;
    int64_t ready_us; /* monotonic: when the page was complete */
};

/* Not called while a task reads a page: the request lives until then. */
static void drop(struct api_request *request) {
    struct api_export *exporting = request->part;
    free(exporting->page);
    free(exporting);
}

static struct MHD_Response *respond(struct api_request *request);

/* Says whether the client has taken longer than api_receive_deadline allows to read the present page. */
static bool stalled(const struct api_request *request, int64_t now_us) {
    const struct api_export *exporting = request->part;
    return exporting->ready_us &&
           now_us > api_receive_deadline(exporting->ready_us, request->server->config.request_timeout_s,
                                         exporting->bytes);
}

/* Cuts the export off: it may take an hour, and the client notices that its file is incomplete. */
static void stop(struct api_request *request, enum api_stop why) {
    if (why == API_STOP_SERVER)
        shutdown(request->fd, SHUT_RDWR);
}

static const struct api_part_ops export_ops = {.drop = drop, .respond = respond, .stalled = stalled, .stop = stop};

int api_export_before(struct api_request *request, struct insp_error *reterr) {
    enum format format = (enum format)api_accept_choose(request->accept, types);
    api_response_header(&request->response, "Vary", "Accept");
    if (format == FORMAT_JSON)
        return 0;
    int code = api_export_take(request, reterr);
    if (code)
        return code;
    struct api_export *exporting = calloc(1, sizeof *exporting);
    if (!exporting)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for an export");
    exporting->format = format;
    api_request_attach(request, exporting, &export_ops);
    return 0;
}

bool api_export_wanted(const struct api_request *request) {
    return api_request_part(request, &export_ops) != NULL;
}

/* --- a page, in lane BACK --- */

struct page {
    struct api_export *exporting;
    FILE *out;
    size_t rows;
    bool full; /* it reached PAGE_BYTES before the list ended */
};

static int add_row(void *arg, const struct insp_record *record) {
    struct page *page = arg;
    int failed = 0;
    if (page->exporting->format == FORMAT_CSV)
        api_export_csv_row(page->out, record);
    else
        failed = api_export_json_row(page->out, record);
    snprintf(page->exporting->last_id, sizeof page->exporting->last_id, "%s", record->id);
    page->rows++;
    page->full = ftell(page->out) >= PAGE_BYTES;
    return failed || ferror(page->out) ? -1 : page->full;
}

/* Appends the next rows to `out`. */
static int read_rows(struct insp_store *store, struct api_export *exporting, FILE *out,
                     struct insp_error *reterr) {
    struct page page = {.exporting = exporting, .out = out};
    struct insp_filter filter = exporting->filter;
    filter.limit = exporting->bounded && exporting->left < PAGE_ROWS ? exporting->left : PAGE_ROWS;
    int code = insp_store_list(store, &filter, add_row, &page, reterr);
    if (code)
        return code;
    exporting->left -= exporting->bounded ? page.rows : 0;
    exporting->ended = (page.rows < filter.limit && !page.full) || (exporting->bounded && !exporting->left);
    exporting->filter.before_id = page.rows ? exporting->last_id : exporting->filter.before_id;
    return 0;
}

static int read_page(struct insp_store *store, struct api_export *exporting, const char *head,
                     struct insp_error *reterr) {
    free(exporting->page);
    exporting->page = NULL;
    exporting->bytes = exporting->at = 0;
    FILE *out = open_memstream(&exporting->page, &exporting->bytes);
    if (!out)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a page of the export");
    fputs(head, out);
    int code = read_rows(store, exporting, out, reterr);
    bool failed = ferror(out); /* a stream in memory fails only without memory */
    failed |= fclose(out) != 0;
    exporting->ready_us = insp_mono_us();
    return code || !failed ? code : insp_fail(reterr, INSP_E_NOMEM, "no memory for a page of the export");
}

static void name_file(struct api_request *request, const char *extension) {
    char stamp[32];
    time_t now = (time_t)(insp_wall_us() / 1000000);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
    api_response_header(&request->response, "Content-Disposition", "attachment; filename=\"inspections-%s.%s\"",
                        stamp, extension);
}

int api_export_begin(struct api_request *request, const struct insp_filter *filter, struct insp_error *reterr) {
    struct api_export *exporting = request->part;
    bool csv = exporting->format == FORMAT_CSV;
    exporting->filter = *filter;
    exporting->bounded = filter->limit > 0;
    exporting->left = filter->limit;
    if (filter->before_id) {
        snprintf(exporting->last_id, sizeof exporting->last_id, "%s", filter->before_id);
        exporting->filter.before_id = exporting->last_id;
    }
    int code = read_page(request->server->config.store, exporting, csv ? api_export_csv_header : "", reterr);
    if (code)
        return code;
    request->response.status = 200;
    request->response.streamed = true;
    snprintf(request->response.content_type, sizeof request->response.content_type, "%s",
             csv ? "text/csv; charset=utf-8; header=present" : "application/x-ndjson");
    name_file(request, csv ? "csv" : "ndjson");
    api_response_header(&request->response, "Cache-Control", "no-store");
    return 0;
}

/* --- sending, on the loop --- */

static void next_page(struct insp_task *task) {
    struct api_request *request = task->data;
    struct api_export *exporting = request->part;
    struct insp_error error = {0};
    if (!read_page(request->server->config.store, exporting, "", &error))
        return;
    exporting->failed = true;
    insp_log_error("export cut off code=%s detail=%s", insp_code_wire(error.code), INSP_LOG_QUOTED(error.detail));
}

static void page_ready(struct insp_task *task) {
    api_server_finish(task->data);
}

static ssize_t reader(void *arg, uint64_t position, char *buf, size_t room) {
    struct api_request *request = arg;
    struct api_export *exporting = request->part;
    (void)position;
    if (exporting->failed)
        return MHD_CONTENT_READER_END_WITH_ERROR; /* without the last chunk the client sees that the file is cut
                                                     off */
    size_t count = exporting->bytes - exporting->at < room ? exporting->bytes - exporting->at : room;
    if (count) {
        memcpy(buf, exporting->page + exporting->at, count);
        exporting->at += count;
        return (ssize_t)count;
    }
    if (exporting->ended)
        return MHD_CONTENT_READER_END_OF_STREAM;
    api_server_suspend(request);
    api_server_work_on(request, next_page, page_ready);
    return 0;
}

static struct MHD_Response *respond(struct api_request *request) {
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, reader, request, NULL);
}
