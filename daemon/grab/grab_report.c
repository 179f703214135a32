/* Reports to the daemon, and fires the triggers that the answers bring. */
#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/line/backoff.h"
#include "daemon/grab/grab.h"
#include "daemon/grab/grab_http.h"

#include <stdio.h>
#include <string.h>

enum { WAIT_MS = 1000, PATH_BYTES = 600, FRESH_US = 1000000, ANSWER_MS = 10000 };

struct reporter {
    struct grab *grab;
    struct grab_http *http;
    char path[PATH_BYTES];
    json_t *results; /* owned: of the triggers since the last report */
    uint64_t after;
    unsigned failures;
    enum insp_grabber_state told; /* in the log */
};

static void tell_state(struct reporter *r, enum insp_grabber_state state, const char *detail) {
    if (state == INSP_GRABBER_SILENT && r->told != state)
        insp_log_warning("camera silent camera=%s detail=%s", INSP_LOG_WORD(r->grab->options->name),
                         INSP_LOG_QUOTED(detail));
    if (state == INSP_GRABBER_CONNECTED && r->told == INSP_GRABBER_SILENT)
        insp_log_info("the camera is no longer silent camera=%s", INSP_LOG_WORD(r->grab->options->name));
    r->told = state;
}

static json_t *report_json(struct reporter *r, unsigned wait_ms, bool ends) {
    struct grab *grab = r->grab;
    char detail[INSP_GRABBER_TEXT_BYTES];
    pthread_mutex_lock(&grab->lock);
    enum insp_grabber_state state = grab_state(grab, insp_mono_us(), detail);
    const struct grab_account account = grab->account;
    pthread_mutex_unlock(&grab->lock);
    if (!ends)
        tell_state(r, state, detail);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:i,s:b,s:O}", "session", grab->session, "product",
                     grab->options->product, "trigger", insp_grabber_mode_name(grab->options->mode), "state",
                     insp_grabber_state_name(state), "detail", detail, "frames", (json_int_t)account.frames,
                     "verdicts", (json_int_t)grab_account_verdicts(&account), "refused",
                     (json_int_t)grab_account_refused(&account), "after", (json_int_t)r->after, "wait_ms",
                     (int)wait_ms, "ends", ends, "results", r->results);
}

/* Fires one trigger and notes its result. */
static void fire(struct reporter *r, json_t *trigger, int64_t came_us) {
    const char *part = json_string_value(json_object_get(trigger, "part"));
    json_int_t sequence = json_integer_value(json_object_get(trigger, "sequence"));
    struct insp_error error = {0};
    int code;
    if (sequence <= 0)
        return;
    r->after = (uint64_t)sequence;
    if (insp_mono_us() - came_us > FRESH_US)
        code = insp_fail(&error, INSP_E_CAMERA_AWAY, "the triggers before it took too long: its part has gone");
    else
        code = grab_fire(r->grab, part ? part : "", &error);
    json_array_append_new(r->results, code ? json_pack("{s:I,s:s}", "sequence", sequence, "error", error.detail)
                                           : json_pack("{s:I}", "sequence", sequence));
}

/* Sends one report, which waits for triggers. Returns false if the daemon did not take it.
 *   ends  a farewell: the daemon forgets the camera */
static bool report(struct reporter *r, unsigned wait_ms, bool ends) {
    struct insp_error error = {0};
    json_t *answer, *trigger, *json = report_json(r, wait_ms, ends);
    _cleanup_free_ char *body = json ? json_dumps(json, JSON_COMPACT) : NULL;
    long status;
    bool sent;
    size_t i;
    json_decref(json);
    if (!body)
        return false;
    grab_http_post(r->http, r->path, "application/json", body, strlen(body), &status, &answer, &sent, &error);
    const int64_t came_us = insp_mono_us();
    bool taken = status == 200;
    if (taken) {
        json_array_clear(r->results);
        json_array_foreach(json_object_get(answer, "triggers"), i, trigger) fire(r, trigger, came_us);
    } else if (!r->failures) {
        const char *detail = json_string_value(json_object_get(answer, "detail"));
        insp_log_warning("the daemon does not take reports status=%ld detail=%s", status,
                         INSP_LOG_QUOTED(detail ? detail : error.detail));
    }
    json_decref(answer);
    return taken;
}

static bool make_path(struct reporter *r) {
    snprintf(r->path, sizeof r->path, "/v1/cameras/");
    if (!grab_url_append(r->path, sizeof r->path - sizeof "/grabber", r->grab->options->name))
        return false;
    size_t used = strlen(r->path);
    snprintf(r->path + used, sizeof r->path - used, "/grabber");
    return true;
}

static bool over(struct grab *grab) {
    pthread_mutex_lock(&grab->lock);
    bool stop = grab->stopping || grab->draining;
    pthread_mutex_unlock(&grab->lock);
    return stop;
}

static bool unusable(struct grab *grab) {
    pthread_mutex_lock(&grab->lock);
    bool fatal = grab->fatal;
    pthread_mutex_unlock(&grab->lock);
    return fatal;
}

void *grab_report_run(void *arg) {
    struct grab *grab = arg;
    struct reporter r = {.grab = grab, .results = json_array()};
    struct insp_error error;
    if (!r.results || !make_path(&r) || grab_http_new(grab, ANSWER_MS, &r.http, &error)) {
        insp_log_error("no memory for reports to the daemon");
        json_decref(r.results);
        return NULL;
    }
    while (!over(grab)) {
        if (report(&r, WAIT_MS, false)) {
            if (r.failures)
                insp_log_info("the daemon takes reports again");
            r.failures = 0;
        } else {
            grab_pause(grab, insp_backoff_ms(++r.failures < 4 ? r.failures : 4, insp_mono_us() & 0xffff));
        }
    }
    report(&r, 0, !unusable(grab)); /* without a farewell the daemon goes on to tell that the camera is silent */
    json_decref(r.results);
    grab_http_free(r.http);
    return NULL;
}
