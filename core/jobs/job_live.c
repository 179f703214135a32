#include "core/jobs/job_live.h"

#include "core/base/clock.h"

#include <pthread.h>
#include <string.h>

enum { LOG_LINES_MAX = 500, STAGE_BYTES = 128 };

struct insp_job_live {
    pthread_mutex_t lock;
    bool running, cancelled;
    enum insp_job_kind kind;
    enum insp_job_state state;
    char job_product[INSP_NAME_BYTES];
    char id[INSP_UUID_BYTES];
    char stage[STAGE_BYTES];
    double progress;
    int64_t started_us;           /* monotonic */
    json_t *epochs, *folds, *log; /* arrays of the running or last job */
    json_t *new_epochs, *new_log; /* entries that no brief has contained yet */
    json_t *ended;                /* briefs of ended jobs that were not collected yet; NULL: none */
    bool activated;
    char product[INSP_NAME_BYTES], version[INSP_NAME_BYTES];
};

struct insp_job_live *insp_job_live_new(void) {
    struct insp_job_live *live = calloc(1, sizeof *live);
    if (live)
        pthread_mutex_init(&live->lock, NULL);
    return live;
}

static void drop_documents(struct insp_job_live *live) {
    json_decref(live->epochs);
    json_decref(live->folds);
    json_decref(live->log);
    json_decref(live->new_epochs);
    json_decref(live->new_log);
    live->epochs = live->folds = live->log = live->new_epochs = live->new_log = NULL;
}

void insp_job_live_free(struct insp_job_live *live) {
    if (!live)
        return;
    drop_documents(live);
    json_decref(live->ended);
    pthread_mutex_destroy(&live->lock);
    free(live);
}

void insp_job_live_begin(struct insp_job_live *live, const char *id, enum insp_job_kind kind,
                         const char *product) {
    pthread_mutex_lock(&live->lock);
    drop_documents(live);
    live->running = true;
    live->state = INSP_JOB_RUNNING;
    live->kind = kind;
    snprintf(live->job_product, sizeof live->job_product, "%s", product);
    live->cancelled = false;
    live->progress = 0;
    live->started_us = insp_mono_us();
    snprintf(live->id, sizeof live->id, "%s", id);
    snprintf(live->stage, sizeof live->stage, "starting");
    live->epochs = json_array();
    live->folds = json_array();
    live->log = json_array();
    live->new_epochs = json_array();
    live->new_log = json_array();
    pthread_mutex_unlock(&live->lock);
}

static void add_log(struct insp_job_live *live, const char *text) {
    char now[INSP_RFC3339_BYTES];
    insp_rfc3339(insp_wall_us(), now);
    json_t *const line = json_pack("{s:s, s:s}", "at", now, "text", text);
    json_t *const lists[] = {live->log, live->new_log};
    for (size_t i = 0; i < INSP_COUNT(lists); i++) {
        if (json_array_size(lists[i]) >= LOG_LINES_MAX)
            json_array_remove(lists[i], 0);
        /* A copy for each: the loop thread hides paths in a brief's lines while another thread reads the log. */
        json_array_append_new(lists[i], json_deep_copy(line));
    }
    json_decref(line);
}

/* Returns the list for epochs of a fold and creates it for the first one; fold 0 is a training. */
static json_t *epochs_of(struct insp_job_live *live, size_t fold) {
    if (fold == 0)
        return live->epochs;
    while (json_array_size(live->folds) < fold) {
        json_t *entry = json_pack("{s:I, s:[]}", "fold", (json_int_t)json_array_size(live->folds) + 1, "epochs");
        if (!entry || json_array_append_new(live->folds, entry) < 0)
            return NULL;
    }
    return json_object_get(json_array_get(live->folds, fold - 1), "epochs");
}

static void add_epoch(struct insp_job_live *live, const struct insp_progress_event *event) {
    json_array_append_new(epochs_of(live, event->fold),
                          json_pack("{s:I, s:f, s:f, s:f}", "epoch", (json_int_t)event->epoch, "loss", event->loss,
                                    "accuracy", event->accuracy, "seconds", event->seconds));
    json_array_append_new(live->new_epochs,
                          json_pack("{s:I, s:I, s:f, s:f}", "fold", (json_int_t)event->fold, "epoch",
                                    (json_int_t)event->epoch, "loss", event->loss, "accuracy", event->accuracy));
}

void insp_job_live_event(struct insp_job_live *live, const struct insp_progress_event *event) {
    pthread_mutex_lock(&live->lock);
    if (event->overall > live->progress)
        live->progress = event->overall;
    switch (event->kind) {
    case INSP_PROGRESS_STAGE:
        snprintf(live->stage, sizeof live->stage, "%s", event->text);
        break;
    case INSP_PROGRESS_EPOCH:
        add_epoch(live, event);
        break;
    case INSP_PROGRESS_LOG:
        add_log(live, event->text);
        break;
    case INSP_PROGRESS_STEP:
        break;
    }
    pthread_mutex_unlock(&live->lock);
}

bool insp_job_live_cancelled(struct insp_job_live *live) {
    pthread_mutex_lock(&live->lock);
    bool cancelled = live->cancelled;
    pthread_mutex_unlock(&live->lock);
    return cancelled;
}

double insp_job_eta_s(double progress, double elapsed_s) {
    return progress >= 0.01 && elapsed_s > 0 ? elapsed_s * (1 - progress) / progress : -1;
}

static json_t *eta_of(const struct insp_job_live *live) {
    double eta = insp_job_eta_s(live->progress, (double)(insp_mono_us() - live->started_us) / 1e6);
    return live->running && eta >= 0 ? json_real(eta) : json_null();
}

static json_t *brief_of(struct insp_job_live *live) {
    json_t *brief =
        json_pack("{s:s, s:s, s:s?, s:s, s:s, s:f, s:o, s:o, s:o}", "id", live->id, "kind",
                  insp_job_kind_name(live->kind), "product", *live->job_product ? live->job_product : NULL,
                  "state", insp_job_state_name(live->state), "stage", live->stage, "progress", live->progress,
                  "eta_s", eta_of(live), "epochs", live->new_epochs, "log", live->new_log);
    live->new_epochs = json_array();
    live->new_log = json_array();
    return brief;
}

void insp_job_live_end(struct insp_job_live *live, enum insp_job_state state, const char *product,
                       const char *version) {
    pthread_mutex_lock(&live->lock);
    live->running = false;
    live->state = state;
    snprintf(live->stage, sizeof live->stage, "%s", insp_job_state_name(state));
    if (state == INSP_JOB_SUCCEEDED)
        live->progress = 1;
    if (!live->ended)
        live->ended = json_array();
    json_array_append_new(live->ended, brief_of(live));
    if (product && version) {
        live->activated = true;
        snprintf(live->product, sizeof live->product, "%s", product);
        snprintf(live->version, sizeof live->version, "%s", version);
    }
    pthread_mutex_unlock(&live->lock);
}

/* Copies deeply, because the row is written without the lock while the documents grow. */
void insp_job_live_snapshot(struct insp_job_live *live, char *ret_id, struct insp_job_update *ret) {
    pthread_mutex_lock(&live->lock);
    memcpy(ret_id, live->id, INSP_UUID_BYTES);
    *ret = (struct insp_job_update){
        .state = INSP_JOB_RUNNING,
        .progress = live->progress,
        .stage = strdup(live->stage),
        .epochs = json_deep_copy(live->epochs),
        .folds = json_deep_copy(live->folds),
        .log = json_deep_copy(live->log),
    };
    ret->stage_owned = (char *)(uintptr_t)ret->stage;
    pthread_mutex_unlock(&live->lock);
}

void insp_job_live_release(struct insp_job_update *update) {
    free(update->stage_owned);
    json_decref((json_t *)(uintptr_t)update->epochs);
    json_decref((json_t *)(uintptr_t)update->folds);
    json_decref((json_t *)(uintptr_t)update->log);
}

bool insp_job_live_cancel(struct insp_job_live *live, const char *id) {
    pthread_mutex_lock(&live->lock);
    bool mine = live->running && (!id || !strcmp(id, live->id));
    if (mine)
        live->cancelled = true;
    pthread_mutex_unlock(&live->lock);
    return mine;
}

void insp_job_live_overlay(struct insp_job_live *live, json_t *object, bool documents) {
    const char *id = json_string_value(json_object_get(object, "id"));
    pthread_mutex_lock(&live->lock);
    if (live->running && id && !strcmp(id, live->id)) {
        json_object_set_new(object, "state", json_string(insp_job_state_name(INSP_JOB_RUNNING)));
        json_object_set_new(object, "progress", json_real(live->progress));
        json_object_set_new(object, "stage", json_string(live->cancelled ? "cancelling" : live->stage));
        json_object_set_new(object, "eta_s", eta_of(live));
        if (documents) {
            json_object_set_new(object, "epochs", json_deep_copy(live->epochs));
            json_object_set_new(object, "folds", json_deep_copy(live->folds));
            json_object_set_new(object, "log", json_deep_copy(live->log));
        }
    }
    pthread_mutex_unlock(&live->lock);
}

json_t *insp_job_live_brief(struct insp_job_live *live) {
    pthread_mutex_lock(&live->lock);
    json_t *brief = live->running ? brief_of(live) : NULL;
    pthread_mutex_unlock(&live->lock);
    return brief;
}

json_t *insp_job_live_take_ended(struct insp_job_live *live) {
    pthread_mutex_lock(&live->lock);
    json_t *ended = live->ended;
    live->ended = NULL;
    pthread_mutex_unlock(&live->lock);
    return ended;
}

bool insp_job_live_running(struct insp_job_live *live, double *ret_progress) {
    pthread_mutex_lock(&live->lock);
    bool running = live->running;
    *ret_progress = running ? live->progress : 0;
    pthread_mutex_unlock(&live->lock);
    return running;
}

bool insp_job_live_take_activated(struct insp_job_live *live, char *ret_product, char *ret_version) {
    pthread_mutex_lock(&live->lock);
    bool activated = live->activated;
    if (activated) {
        memcpy(ret_product, live->product, INSP_NAME_BYTES);
        memcpy(ret_version, live->version, INSP_NAME_BYTES);
        live->activated = false;
    }
    pthread_mutex_unlock(&live->lock);
    return activated;
}
