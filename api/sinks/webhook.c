#include "api/sinks/webhook.h"

#include "api/http/response.h"
#include "api/inspections/inspection_json.h"
#include "api/server/server.h"
#include "api/sinks/webhook_call.h"
#include "api/sinks/webhook_rules.h"

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/uuid.h"
#include "core/line/backoff.h"

#include <stdlib.h>
#include <string.h>

enum { SECRET_BYTES_MAX = 4096, CA_BYTES_MAX = 1 << 20, GONE = 410 };

/* A rendered inspection. */
struct message {
    size_t bytes;
    bool wanted; /* its verdict and its product are among those of the settings */
    char json[];
};

/* An inspection that the feed has handed over; the feed owns the message. */
struct waiting {
    struct waiting *next;
    int64_t place;
    const struct message *message;
};

/* The files of the settings, as an attempt has read them. */
struct files {
    char *secret, *ca; /* owned; NULL: none */
    size_t secret_bytes, ca_bytes;
};

struct webhook {
    struct api_sink sink;                         /* first */
    char *url, *secret_file, *ca_file, *products; /* owned */
    unsigned verdicts;
    struct api_curl_loop *curl; /* NULL before the start and once it is closed */
    struct api_webhook_call call, test_call;
    char test_body[128];
    struct waiting *head, *tail;
    bool open;        /* the feed hands inspections over */
    uv_timer_t timer; /* the next attempt */
    unsigned failures;
    struct insp_task task; /* reads the files in lane BACK */
    bool closing;
    int code;
    struct insp_error error;
    struct files files, fresh; /* fresh: belongs to the task */
    unsigned pending;
};

static struct webhook *webhook_of(struct api_sink *sink) {
    return (struct webhook *)sink;
}

/* --- inspections --- */

static void *render(void *arg, int64_t place, const struct insp_record *record, size_t *ret_bytes) {
    struct webhook *webhook = arg;
    size_t bytes = 0;
    bool wanted =
        webhook->verdicts >> record->verdict & 1 && api_webhook_product_wanted(webhook->products, record->product);
    json_t *json = wanted ? api_inspection_json(record) : json_object();
    if (!json || json_object_set_new(json, "seq", json_integer(place))) {
        json_decref(json);
        return NULL;
    }
    _cleanup_free_ char *line = api_json_line(json, &bytes);
    struct message *message = line ? malloc(sizeof *message + bytes) : NULL;
    if (!message)
        return NULL;
    message->wanted = wanted;
    message->bytes = bytes - 1; /* without the line's end */
    memcpy(message->json, line, message->bytes);
    *ret_bytes = sizeof *message + bytes;
    return message;
}

static int post(struct webhook *webhook, struct api_webhook_call *call, const char *event, const void *body,
                size_t bytes, struct insp_error *reterr) {
    const struct api_webhook_post post = {.url = webhook->url,
                                          .event = event,
                                          .body = body,
                                          .bytes = bytes,
                                          .secret = webhook->files.secret,
                                          .secret_bytes = webhook->files.secret_bytes,
                                          .ca = webhook->files.ca,
                                          .ca_bytes = webhook->files.ca_bytes};
    return api_webhook_call_begin(call, webhook->curl, &post, reterr);
}

/* Posts the first inspection that waits, one at a time, so that they arrive in order. */
static int post_next(struct webhook *webhook, struct insp_error *reterr) {
    if (!webhook->head || webhook->call.running || !webhook->open)
        return 0;
    const struct message *message = webhook->head->message;
    return post(webhook, &webhook->call, "inspection", message->json, message->bytes, reterr);
}

static void on_no_memory(uv_timer_t *timer);

static int send_one(void *arg, int64_t place, const void *rendered) {
    struct webhook *webhook = arg;
    const struct message *message = rendered;
    if (!message->wanted) {
        insp_feed_done(webhook->sink.feed, place, INSP_FEED_SKIPPED);
        return 0;
    }
    struct insp_error error;
    struct waiting *waiting = calloc(1, sizeof *waiting);
    if (!waiting) {
        uv_timer_start(&webhook->timer, on_no_memory, 0, 0); /* the feed must not be shut inside this call */
        return -1;
    }
    waiting->place = place;
    waiting->message = message;
    if (webhook->tail)
        webhook->tail->next = waiting;
    else
        webhook->head = waiting;
    webhook->tail = waiting;
    if (post_next(webhook, &error) == 0)
        return 0;
    uv_timer_start(&webhook->timer, on_no_memory, 0, 0);
    return -1;
}

/* --- the state --- */

static void read_files(struct webhook *webhook);

static void on_retry(uv_timer_t *timer) {
    read_files(timer->data);
}

static void drop_waiting(struct webhook *webhook) {
    while (webhook->head) {
        struct waiting *waiting = webhook->head;
        webhook->head = waiting->next;
        free(waiting);
    }
    webhook->tail = NULL;
}

static void shut(struct webhook *webhook) {
    webhook->open = false;
    drop_waiting(webhook);
    insp_feed_shut(webhook->sink.feed); /* frees the messages */
}

/* Notes a failure and plans the next attempt. */
static void fail(struct webhook *webhook, const char *why) {
    char seed[INSP_UUID_BYTES];
    api_webhook_call_clear(&webhook->call, webhook->curl);
    shut(webhook);
    insp_uuid7(seed); /* ends in random digits */
    api_sink_error(&webhook->sink, why);
    api_sink_enter(&webhook->sink, INSP_SINK_WAITING);
    uv_timer_start(&webhook->timer, on_retry, insp_backoff_ms(++webhook->failures, strtoull(seed + 28, NULL, 16)),
                   0);
}

static void on_no_memory(uv_timer_t *timer) {
    fail(timer->data, "no memory for a request");
}

static void take_answer(struct webhook *webhook, long status, const char *why) {
    struct waiting *waiting = webhook->head;
    struct insp_error error;
    if (status == GONE) {
        shut(webhook);
        api_sink_error(&webhook->sink,
                       "the receiver answers 410: the webhook is off until the daemon starts again");
        api_sink_enter(&webhook->sink, INSP_SINK_OFF);
        return;
    }
    if (status / 100 != 2) {
        fail(webhook, why);
        return;
    }
    webhook->failures = 0;
    api_sink_enter(&webhook->sink, INSP_SINK_CONNECTED);
    webhook->head = waiting->next;
    if (!webhook->head)
        webhook->tail = NULL;
    insp_feed_done(webhook->sink.feed, waiting->place, INSP_FEED_DELIVERED);
    free(waiting);
    if (post_next(webhook, &error))
        fail(webhook, error.detail);
}

static void ended(void *arg, CURL *transfer, CURLcode code) {
    struct webhook *webhook = arg;
    bool test = transfer == webhook->test_call.handle;
    struct insp_error error;
    char why[256];
    long status;
    if (!api_webhook_call_over(test ? &webhook->test_call : &webhook->call, webhook->curl, code, &status, why,
                               sizeof why))
        return;
    if (!test) {
        take_answer(webhook, status, why);
        return;
    }
    insp_fail(&error, INSP_E_SINK_AWAY, "%s: %s", webhook->sink.target, why);
    api_sink_tested(&webhook->sink, status / 100 == 2 ? NULL : &error);
}

/* --- an attempt begins with the files: a new secret needs no restart --- */

static void forget(struct files *files) {
    if (files->secret)
        explicit_bzero(files->secret, files->secret_bytes);
    free(files->secret);
    free(files->ca);
    *files = (struct files){0};
}

static int read_secret(const char *path, struct files *ret, struct insp_error *reterr) {
    int code = insp_read_file(path, SECRET_BYTES_MAX, &ret->secret, &ret->secret_bytes, reterr);
    while (code == 0 && ret->secret_bytes && strchr("\r\n", ret->secret[ret->secret_bytes - 1]))
        ret->secret_bytes--;
    if (code == 0 && !ret->secret_bytes)
        code = insp_fail(reterr, INSP_E_CONFIG, "%s is empty", path);
    return code;
}

static void files_run(struct insp_task *task) {
    struct webhook *webhook = task->data;
    struct files *fresh = &webhook->fresh;
    webhook->code = 0;
    if (*webhook->secret_file)
        webhook->code = read_secret(webhook->secret_file, fresh, &webhook->error);
    if (webhook->code == 0 && *webhook->ca_file)
        webhook->code =
            insp_read_file(webhook->ca_file, CA_BYTES_MAX, &fresh->ca, &fresh->ca_bytes, &webhook->error);
}

static void begin(struct webhook *webhook) {
    webhook->open = true;
    /* After a failure the next answer decides. */
    api_sink_enter(&webhook->sink, webhook->failures ? INSP_SINK_CONNECTING : INSP_SINK_CONNECTED);
    insp_feed_open(webhook->sink.feed);
}

static void maybe_closed(struct webhook *webhook) {
    if (webhook->closing && !webhook->pending)
        api_sink_closed(&webhook->sink);
}

static void files_done(struct insp_task *task) {
    struct webhook *webhook = task->data;
    webhook->pending--;
    if (webhook->closing || webhook->code < 0)
        forget(&webhook->fresh);
    if (webhook->closing) {
        maybe_closed(webhook);
        return;
    }
    if (webhook->code < 0) {
        fail(webhook, webhook->error.detail);
        return;
    }
    forget(&webhook->files);
    webhook->files = webhook->fresh;
    webhook->fresh = (struct files){0};
    begin(webhook);
}

static void read_files(struct webhook *webhook) {
    webhook->task = (struct insp_task){.run = files_run, .done = files_done, .data = webhook};
    webhook->pending++;
    insp_work_always(webhook->sink.server->config.lanes, INSP_LANE_BACK, &webhook->task);
}

/* --- operations --- */

static void start(struct api_sink *sink) {
    struct webhook *webhook = webhook_of(sink);
    struct insp_error error;
    uv_timer_init(sink->server->loop, &webhook->timer);
    webhook->timer.data = webhook;
    if (api_curl_loop_new(sink->server->loop, ended, webhook, &webhook->curl, &error)) {
        api_sink_error(sink, error.detail);
        return;
    }
    read_files(webhook);
}

static void tick(struct api_sink *sink, int64_t now_us) {
    (void)sink;
    (void)now_us;
}

static int test(struct api_sink *sink, struct insp_error *reterr) {
    struct webhook *webhook = webhook_of(sink);
    char at[INSP_RFC3339_BYTES];
    if (!webhook->curl || (*webhook->secret_file && !webhook->files.secret) ||
        (*webhook->ca_file && !webhook->files.ca))
        return insp_fail(reterr, INSP_E_SINK_AWAY, "the webhook cannot call: %s", sink->condition.error);
    if (webhook->test_call.running)
        return insp_fail(reterr, INSP_E_CONFLICT, "the test before still waits for its answer");
    insp_rfc3339(insp_wall_us(), at);
    snprintf(webhook->test_body, sizeof webhook->test_body, "{\"test\":true,\"at\":\"%s\"}", at);
    return post(webhook, &webhook->test_call, "test", webhook->test_body, strlen(webhook->test_body), reterr);
}

static void on_closed(void *arg) {
    struct webhook *webhook = arg;
    webhook->curl = NULL;
    webhook->pending--;
    maybe_closed(webhook);
}

static void on_timer_closed(uv_handle_t *handle) {
    struct webhook *webhook = handle->data;
    webhook->pending--;
    maybe_closed(webhook);
}

/* A call that runs is given up; its inspection is posted again after the next start. */
static void close_sink(struct api_sink *sink) {
    struct webhook *webhook = webhook_of(sink);
    webhook->closing = true;
    if (webhook->curl) {
        api_webhook_call_clear(&webhook->call, webhook->curl);
        api_webhook_call_clear(&webhook->test_call, webhook->curl);
        webhook->pending++;
        api_curl_loop_close(webhook->curl, on_closed, webhook);
    }
    shut(webhook);
    webhook->pending++;
    uv_close((uv_handle_t *)&webhook->timer, on_timer_closed);
}

static void free_sink(struct api_sink *sink) {
    struct webhook *webhook = webhook_of(sink);
    forget(&webhook->files);
    free(webhook->url);
    free(webhook->secret_file);
    free(webhook->ca_file);
    free(webhook->products);
    free(webhook);
    curl_global_cleanup();
}

static const struct api_sink_ops ops = {
    .start = start, .tick = tick, .test = test, .close = close_sink, .free = free_sink};

static int set_up(struct webhook *webhook, const struct api_webhook_config *config, struct insp_error *reterr) {
    int code = api_webhook_url_check(config->url, reterr);
    if (code == 0)
        code = api_webhook_verdicts(config->verdicts, &webhook->verdicts, reterr);
    webhook->url = strdup(config->url);
    webhook->secret_file = strdup(config->secret_file);
    webhook->ca_file = strdup(config->ca_file);
    webhook->products = strdup(config->products);
    if (code == 0)
        code = api_webhook_products_check(config->products, reterr);
    if (code == 0 && (!webhook->url || !webhook->secret_file || !webhook->ca_file || !webhook->products))
        code = insp_fail(reterr, INSP_E_NOMEM, "no memory for the webhook");
    return code;
}

int api_webhook_new(struct api_server *server, struct api_sink **ret, struct insp_error *reterr) {
    const struct api_webhook_config *config = &server->config.webhook;
    *ret = NULL;
    if (!*config->url)
        return 0;
    struct webhook *webhook = calloc(1, sizeof *webhook);
    if (!webhook)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the webhook");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    webhook->sink = (struct api_sink){
        .ops = &ops, .server = server, .name = "webhook", .feed_ops = {.render = render, .send = send_one}};
    webhook->call.private_redirects = webhook->test_call.private_redirects = config->private_redirects;
    api_webhook_target(config->url, webhook->sink.target, sizeof webhook->sink.target);
    int code = set_up(webhook, config, reterr);
    if (code < 0) {
        free_sink(&webhook->sink);
        return code;
    }
    *ret = &webhook->sink;
    return 0;
}
