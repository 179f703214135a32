#include "core/jobs/process/job_wire.h"

#include "core/base/base64.h"
#include "core/base/cleanup.h"
#include "core/base/fs.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { PIECE = 64 << 10 };

/* --- paths --- */

/* Encodes a path; the path NULL becomes a JSON null. Returns NULL without memory. */
static json_t *path_json(const char *path) {
    if (!path)
        return json_null();
    size_t n = 0, bytes = strlen(path);
    _cleanup_free_ char *text = malloc(2 * bytes + 1);
    if (!text)
        return NULL;
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)path[i];
        if (c >= 0x80)
            text[n++] = (char)(0xC0 | c >> 6);
        text[n++] = (char)(c >= 0x80 ? 0x80 | (c & 0x3F) : c);
    }
    return json_stringn(text, n);
}

/* Decodes a path of path_json; the caller frees *ret, which is NULL for a JSON null. Returns false without memory
 * and for other values. */
static bool path_parse(const json_t *value, char **ret) {
    *ret = NULL;
    if (json_is_null(value))
        return true;
    const unsigned char *text = (const unsigned char *)json_string_value(value);
    char *path = text ? strdup((const char *)text) : NULL;
    if (!path)
        return false;
    size_t n = 0;
    for (; *text; text++) {
        if (*text < 0x80) {
            path[n++] = (char)*text;
        } else if ((*text & 0xFC) == 0xC0 && text[1]) {
            path[n++] = (char)((*text & 0x03) << 6 | (text[1] & 0x3F));
            text++;
        } else {
            free(path);
            return false;
        }
    }
    path[n] = '\0';
    *ret = path;
    return true;
}

/* --- the request --- */

static json_t *item_json(const struct insp_feedback_item *item) {
    _cleanup_free_ char *type = NULL;
    if (insp_base64_encode(&item->type, sizeof item->type, &type, NULL) < 0)
        return NULL;
    return json_pack("{s:s, s:s, s:o, s:s, s:i, s:s, s:s, s:s, s:i, s:f, s:I}", "id", item->id, "sha256",
                     item->sha256, "path", path_json(item->path), "type", type, "label", item->label, "camera",
                     item->camera, "defect", item->defect, "model", item->model, "verdict", (int)item->verdict,
                     "probability", (double)item->probability, "labelled_us", (json_int_t)item->labelled_us);
}

static json_t *feedback_json(const struct insp_feedback *feedback) {
    json_t *items = json_array();
    for (size_t i = 0; items && i < feedback->count; i++)
        if (json_array_append_new(items, item_json(&feedback->item[i])) < 0) {
            json_decref(items);
            return NULL;
        }
    return json_pack("{s:o, s:I}", "items", items, "left_out", (json_int_t)feedback->left_out);
}

/* Sends the struct's bytes with pointers cleared. The other end is the same binary, and no member can be
 * forgotten. */
static json_t *machine_json(const struct insp_job_machine *m) {
    struct insp_job_machine plain = *m;
    _cleanup_free_ char *bytes = NULL;
    plain.state_dir = plain.dataset_roots = plain.cache_folder = plain.device.name = NULL;
    plain.limits = insp_image_limits_alone(&m->limits);
    if (insp_base64_encode(&plain, sizeof plain, &bytes, NULL) < 0)
        return NULL;
    return json_pack("{s:o, s:o, s:o, s:s, s:s}", "state_dir", path_json(m->state_dir), "dataset_roots",
                     path_json(m->dataset_roots), "cache_folder", path_json(m->cache_folder), "device",
                     m->device.name, "plain", bytes);
}

json_t *insp_job_request_json(const struct insp_job_row *row, const struct insp_job_machine *machine,
                              const struct insp_feedback *feedback) {
    return json_pack("{s:{s:s, s:s, s:s, s:o, s:o, s:o}}", "request", "id", row->id, "kind",
                     insp_job_kind_name(row->kind), "product", row->product, "params",
                     insp_job_params_json(row->kind, &row->params), "machine", machine_json(machine), "feedback",
                     feedback_json(feedback));
}

static bool copy_text(const json_t *object, const char *name, char *ret, size_t bytes) {
    const char *text = json_string_value(json_object_get(object, name));
    size_t n = text ? strlen(text) : bytes;
    if (n >= bytes)
        return false;
    memcpy(ret, text, n + 1);
    return true;
}

static bool parse_plain(const json_t *object, const char *name, void *ret, size_t bytes) {
    const char *text = json_string_value(json_object_get(object, name));
    return text && insp_base64_decode(text, ret, bytes);
}

static bool parse_item(const json_t *value, struct insp_feedback_item *item) {
    item->label = (uint8_t)json_integer_value(json_object_get(value, "label"));
    item->verdict = (enum insp_verdict)json_integer_value(json_object_get(value, "verdict"));
    item->probability = (float)json_number_value(json_object_get(value, "probability"));
    item->labelled_us = json_integer_value(json_object_get(value, "labelled_us"));
    return copy_text(value, "id", item->id, sizeof item->id) &&
           copy_text(value, "sha256", item->sha256, sizeof item->sha256) &&
           copy_text(value, "camera", item->camera, sizeof item->camera) &&
           copy_text(value, "defect", item->defect, sizeof item->defect) &&
           copy_text(value, "model", item->model, sizeof item->model) &&
           parse_plain(value, "type", &item->type, sizeof item->type) &&
           path_parse(json_object_get(value, "path"), &item->path) && item->path;
}

static bool parse_feedback(const json_t *value, struct insp_feedback *ret) {
    const json_t *items = json_object_get(value, "items");
    size_t count = json_array_size(items);
    ret->left_out = (size_t)json_integer_value(json_object_get(value, "left_out"));
    ret->item = json_is_array(items) ? calloc(count + 1, sizeof *ret->item) : NULL;
    while (ret->item && ret->count < count) {
        struct insp_feedback_item *item = &ret->item[ret->count++]; /* counted first: clear frees its path */
        if (!parse_item(json_array_get(items, ret->count - 1), item))
            return false;
    }
    return ret->item != NULL;
}

static bool parse_machine(const json_t *value, struct insp_job_request *ret) {
    struct insp_job_machine *m = &ret->machine;
    const char *device = json_string_value(json_object_get(value, "device"));
    if (!parse_plain(value, "plain", m, sizeof *m))
        return false;
    m->state_dir = m->dataset_roots = m->cache_folder = m->device.name = NULL;
    if (!device || !path_parse(json_object_get(value, "state_dir"), &ret->owned[0]) ||
        !path_parse(json_object_get(value, "dataset_roots"), &ret->owned[1]) ||
        !path_parse(json_object_get(value, "cache_folder"), &ret->owned[2]))
        return false;
    m->state_dir = ret->owned[0];
    m->dataset_roots = ret->owned[1];
    m->cache_folder = ret->owned[2];
    m->device.name = ret->owned[3] = strdup(device);
    return m->state_dir && m->dataset_roots && m->device.name;
}

void insp_job_request_clear(struct insp_job_request *request) {
    insp_feedback_clear(&request->feedback);
    for (size_t i = 0; i < INSP_COUNT(request->owned); i++)
        free(request->owned[i]);
    *request = (struct insp_job_request){0};
}

int insp_job_request_parse(const json_t *value, struct insp_job_request *ret, struct insp_error *reterr) {
    struct insp_job_request request = {0};
    const char *kind = json_string_value(json_object_get(value, "kind"));
    bool whole = kind && insp_job_kind_parse(kind, &request.row.kind) &&
                 copy_text(value, "id", request.row.id, sizeof request.row.id) &&
                 copy_text(value, "product", request.row.product, sizeof request.row.product) &&
                 insp_job_params_parse(request.row.kind, json_object_get(value, "params"), &request.row.params,
                                       reterr) == 0 &&
                 parse_machine(json_object_get(value, "machine"), &request) &&
                 parse_feedback(json_object_get(value, "feedback"), &request.feedback);
    if (whole) {
        *ret = request;
        return 0;
    }
    insp_job_request_clear(&request);
    return insp_fail(reterr, INSP_E_INTERNAL, "the request of a job cannot be read");
}

/* --- events and errors --- */

json_t *insp_job_event_json(const struct insp_progress_event *e) {
    return json_pack("{s:{s:i, s:s, s:f, s:I, s:I, s:I, s:I, s:f, s:f, s:f}}", "event", "kind", (int)e->kind,
                     "text", e->text ? e->text : "", "overall", e->overall, "done", (json_int_t)e->done, "total",
                     (json_int_t)e->total, "fold", (json_int_t)e->fold, "epoch", (json_int_t)e->epoch, "loss",
                     e->loss, "accuracy", e->accuracy, "seconds", e->seconds);
}

static size_t size_of(const json_t *object, const char *name) {
    json_int_t value = json_integer_value(json_object_get(object, name));
    return value > 0 ? (size_t)value : 0;
}

static double number_of(const json_t *object, const char *name) {
    return json_number_value(json_object_get(object, name));
}

bool insp_job_event_parse(const json_t *value, struct insp_progress_event *ret) {
    json_int_t kind = json_integer_value(json_object_get(value, "kind"));
    const char *text = json_string_value(json_object_get(value, "text"));
    size_t fold = size_of(value, "fold");
    if (!text || kind < INSP_PROGRESS_STAGE || kind > INSP_PROGRESS_LOG || fold > INSP_JOB_FOLDS_MAX)
        return false;
    *ret = (struct insp_progress_event){.kind = (enum insp_progress_kind)kind,
                                        .text = text,
                                        .overall = number_of(value, "overall"),
                                        .done = size_of(value, "done"),
                                        .total = size_of(value, "total"),
                                        .fold = fold,
                                        .epoch = size_of(value, "epoch"),
                                        .loss = number_of(value, "loss"),
                                        .accuracy = number_of(value, "accuracy"),
                                        .seconds = number_of(value, "seconds")};
    return true;
}

json_t *insp_job_error_json(int code, const struct insp_error *error) {
    return json_pack("{s:i, s:s}", "code", code, "detail", error->detail);
}

int insp_job_error_parse(const json_t *value, struct insp_error *reterr) {
    json_int_t code = json_integer_value(json_object_get(value, "code"));
    const char *detail = json_string_value(json_object_get(value, "detail"));
    if (code >= 0 || code < -1000 || !detail)
        return insp_fail(reterr, INSP_E_INTERNAL, "the job failed without a valid error");
    return insp_fail(reterr, (int)code, "%s", detail);
}

/* --- lines --- */

void insp_job_inbox_clear(struct insp_job_inbox *inbox) {
    free(inbox->buffer);
    *inbox = (struct insp_job_inbox){0};
}

int insp_job_inbox_read(struct insp_job_inbox *inbox, int fd, struct insp_error *reterr) {
    if (inbox->room - inbox->bytes < PIECE) {
        size_t room = inbox->room ? 2 * inbox->room : 2 * PIECE;
        if (room > INSP_JOB_LINE_MAX)
            return insp_fail(reterr, INSP_E_INTERNAL, "a message of a job is longer than %d bytes",
                             INSP_JOB_LINE_MAX);
        char *grown = realloc(inbox->buffer, room);
        if (!grown)
            return insp_fail(reterr, INSP_E_NOMEM, "no memory for a message of a job");
        inbox->buffer = grown;
        inbox->room = room;
    }
    ssize_t got;
    do
        got = recv(fd, inbox->buffer + inbox->bytes, inbox->room - inbox->bytes, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == ECONNRESET ? 0 : insp_fail_errno(reterr, errno, "cannot read from a job's socket");
    inbox->bytes += (size_t)got;
    return got > 0;
}

int insp_job_inbox_next(struct insp_job_inbox *inbox, json_t **ret, struct insp_error *reterr) {
    *ret = NULL;
    if (inbox->looked == inbox->bytes)
        return 0;
    char *end = memchr(inbox->buffer + inbox->looked, '\n', inbox->bytes - inbox->looked);
    if (!end) {
        inbox->looked = inbox->bytes;
        return 0;
    }
    size_t n = (size_t)(end - inbox->buffer);
    json_t *message = json_loadb(inbox->buffer, n, 0, NULL);
    inbox->bytes -= n + 1;
    inbox->looked = 0;
    memmove(inbox->buffer, end + 1, inbox->bytes);
    if (!json_is_object(message)) {
        json_decref(message);
        return insp_fail(reterr, INSP_E_INTERNAL, "a line of %zu bytes is not a JSON object", n);
    }
    *ret = message;
    return 0;
}

char *insp_job_line(json_t *message, size_t *ret_bytes) {
    char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
    json_decref(message);
    size_t n = text ? strlen(text) : 0;
    char *line = text ? realloc(text, n + 2) : NULL;
    if (!line) {
        free(text);
        return NULL;
    }
    line[n] = '\n';
    line[n + 1] = '\0';
    *ret_bytes = n + 1;
    return line;
}
