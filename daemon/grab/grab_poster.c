/* Posts the frames of the queue, one at a time in each thread. */
#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "daemon/grab/grab.h"
#include "daemon/grab/grab_http.h"

#include <stdio.h>
#include <string.h>

/* A stop takes at most DRAIN_US + ANSWER_MS and the time in which the camera closes: less than TimeoutStopSec. */
enum { PATH_BYTES = 1500, TELL_US = 10 * 1000000, DRAIN_US = 10 * 1000000, ANSWER_MS = 30000 };

/* Refuses the frames that still wait long after the stop. Under `lock`. */
static void refuse_rest(struct grab *grab) {
    if (!grab->stopping || insp_mono_us() - grab->stop_us < DRAIN_US)
        return;
    for (; grab->queued; grab->queued--) {
        free(grab->queue[grab->first].data);
        grab->first = (grab->first + 1) % GRAB_QUEUE_MAX;
        grab_account_refuse(&grab->account, GRAB_STOPPED);
    }
}

/* Takes the oldest frame, which is the caller's. Returns false at the end. */
static bool take(struct grab *grab, struct grab_frame *ret) {
    bool any;
    pthread_mutex_lock(&grab->lock);
    while (!grab->queued && !grab->draining)
        grab_wait(grab, insp_mono_us() + 1000000);
    refuse_rest(grab);
    any = grab->queued > 0;
    if (any) {
        *ret = grab->queue[grab->first];
        grab->first = (grab->first + 1) % GRAB_QUEUE_MAX;
        grab->queued--;
    }
    pthread_mutex_unlock(&grab->lock);
    return any;
}

/* The part: that of the trigger, else the grabber's count and the camera's number. */
static bool make_path(const struct grab *grab, const struct grab_frame *frame, char ret[PATH_BYTES]) {
    char part[GRAB_PART_BYTES];
    if (frame->part[0])
        snprintf(part, sizeof part, "%s", frame->part);
    else
        snprintf(part, sizeof part, "%llu-%llu", (unsigned long long)frame->count, (unsigned long long)frame->id);
    snprintf(ret, PATH_BYTES, "/v1/inspections?product=");
    return grab_url_append(ret, PATH_BYTES, grab->options->product) &&
           grab_url_query(ret, PATH_BYTES, "camera", grab->options->name) &&
           grab_url_query(ret, PATH_BYTES, "part", part);
}

/* The last reason that the log has, so that it is not told with each frame. */
struct told {
    char text[GRAB_CODE_BYTES];
    int64_t at_us;
};

static void tell(struct told *told, const char *code, const char *detail) {
    const int64_t now_us = insp_mono_us();
    if (!strcmp(told->text, code) && now_us - told->at_us < TELL_US)
        return;
    snprintf(told->text, sizeof told->text, "%s", code);
    told->at_us = now_us;
    insp_log_warning("a frame got no verdict code=%s detail=%s", INSP_LOG_WORD(code), INSP_LOG_QUOTED(detail));
}

static const char *text_of(json_t *json, const char *member) {
    const char *text = json_string_value(json_object_get(json, member));
    return text ? text : "";
}

/* Accounts for the answer. Under `lock`. */
static void count_answer(struct grab *grab, long status, json_t *answer, char ret_code[GRAB_CODE_BYTES]) {
    ret_code[0] = 0;
    if (status == 200 && grab_account_verdict(&grab->account, text_of(answer, "verdict")))
        return;
    const char *code = text_of(answer, "code");
    snprintf(ret_code, GRAB_CODE_BYTES, "%s", code);
    if (!*code)
        snprintf(ret_code, GRAB_CODE_BYTES, "status_%ld", status);
    grab_account_code(&grab->account, ret_code);
}

static void post(struct grab *grab, struct grab_http *http, const struct grab_frame *frame, struct told *told) {
    char path[PATH_BYTES], type[128], code[GRAB_CODE_BYTES] = "";
    struct insp_error error = {0};
    _cleanup_free_ uint8_t *body = NULL;
    size_t bytes = 0;
    long status = 0;
    bool sent = false;
    json_t *answer = NULL;
    enum grab_refusal why = GRAB_FORMAT;
    if (!grab_body(frame, &body, &bytes, type, &error) && make_path(grab, frame, path)) {
        grab_http_post(http, path, type, body, bytes, &status, &answer, &sent, &error);
        why = sent ? GRAB_UNANSWERED : GRAB_AWAY;
    }
    pthread_mutex_lock(&grab->lock);
    if (status)
        count_answer(grab, status, answer, code);
    else
        grab_account_refuse(&grab->account, why);
    pthread_mutex_unlock(&grab->lock);
    if (!status)
        tell(told, grab_refusal_name(why), error.detail);
    else if (code[0])
        tell(told, code, text_of(answer, "detail"));
    json_decref(answer);
}

void *grab_poster_run(void *arg) {
    struct grab *grab = arg;
    struct grab_http *http = NULL;
    struct grab_frame frame;
    struct insp_error error;
    struct told told = {0};
    while (grab_http_new(grab, ANSWER_MS, &http, &error)) /* no memory: the frames wait, or find the queue full */
        grab_pause(grab, 1000);
    while (take(grab, &frame)) {
        post(grab, http, &frame, &told);
        free(frame.data);
    }
    grab_http_free(http);
    return NULL;
}
