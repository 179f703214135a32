#include "api/sources/folder.h"

#include "api/http/response.h"
#include "api/inspections/publish.h"
#include "api/modbus/stations.h"
#include "api/server/server.h"
#include "api/sources/folder_state.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/inspect/pipeline.h"
#include "core/line/backoff.h"
#include "core/line/takt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

static const int64_t FULL_US = 200000, LOADING_US = 1000000, UNKNOWN_US = 10000000;

static void begin_turn(struct api_folder *folder);

/* --- files that come back from the pipeline --- */

/* Says whether the file is the reason, and not the daemon. */
static bool is_of_the_file(int code) {
    return code == INSP_E_IMAGE || code == INSP_E_IMAGE_LIMIT || code == INSP_E_MEDIA_TYPE;
}

static void on_timer(uv_timer_t *timer) {
    begin_turn(timer->data);
}

/* Begins a turn in the next turn of the loop: all files of a commit go into one. */
static void kick(struct api_folder *folder) {
    if (!folder->turning && !folder->closing)
        uv_timer_start(&folder->timer, on_timer, 0, 0);
}

static void log_stored(const struct insp_inspection *job, const struct api_file *file) {
    insp_log_info("inspected a file file=%s id=%s product=%s verdict=%s probability=%.4f total_ms=%.1f",
                  INSP_LOG_QUOTED(file->path), job->id, job->model->manifest->product,
                  insp_verdict_name(job->verdict), (double)job->score.probability, (double)job->total_us / 1000);
}

static void done(struct insp_inspection *job) {
    struct api_folder *folder = job->owner;
    struct api_stations *stations = folder->server->stations;
    struct api_ended *ended = &folder->ended[folder->ended_count++];
    *ended = (struct api_ended){.file = job->data, .error = job->error};
    ended->error.code = job->code;
    folder->out--;
    api_stations_end(stations, job->camera);
    if (job->code == 0) {
        ended->line = api_inspection_publish(folder->server, job, &ended->line_bytes);
        log_stored(job, ended->file);
        folder->inspected++;
        folder->failures = 0;
    } else {
        api_stations_undecided(stations, job->camera, job->part, job->id, job->code, job->started_us);
    }
    insp_inspection_free(job);
    kick(folder);
}

static void note_error(struct api_folder *folder, const struct insp_error *error) {
    if (insp_sink_error(&folder->condition, error->detail, insp_wall_us()))
        insp_log_warning("the watched folder has trouble detail=%s", INSP_LOG_QUOTED(error->detail));
}

/* Waits after a failure of the daemon itself, such as a full disk; the file is inspected again. */
static void pause_reading(struct api_folder *folder, struct api_file *file, const struct insp_error *error) {
    file->state = API_FILE_WAITING;
    api_folder_retry(&folder->turn, file);
    folder->turn.pause_us =
        folder->turn.now_us + (int64_t)insp_backoff_ms(++folder->failures, (uint64_t)insp_mono_us()) * 1000;
    note_error(folder, error);
}

static void take_ended(struct api_folder *folder) {
    struct api_folder_turn *turn = &folder->turn;
    turn->now_us = insp_mono_us();
    for (size_t i = 0; i < folder->ended_count; i++) {
        struct api_ended *ended = &folder->ended[i];
        struct api_file *file = ended->file;
        if (ended->error.code == 0) {
            file->state = API_FILE_INSPECTED;
            file->line = ended->line;
            file->line_bytes = ended->line_bytes;
        } else if (is_of_the_file(ended->error.code)) {
            api_folder_fail(turn, file, &ended->error);
        } else {
            pause_reading(folder, file, &ended->error);
        }
    }
    folder->ended_count = 0;
}

/* --- files that go to the pipeline --- */

/* Leaves the files of a product alone for a while: it has no model, or its model is being loaded. */
static void hold(struct api_folder *folder, const char *product, const struct insp_error *error) {
    struct api_folder_turn *turn = &folder->turn;
    int64_t now_us = insp_mono_us();
    size_t place = 0;
    for (size_t i = 1; i < API_FOLDER_HELD_MAX; i++)
        if (turn->held[i].until_us < turn->held[place].until_us)
            place = i;
    bool loading = error->code == INSP_E_NOT_READY;
    int64_t until_us = now_us + (loading ? LOADING_US : UNKNOWN_US);
    snprintf(turn->held[place].product, sizeof turn->held[place].product, "%s", product);
    turn->held[place].until_us = until_us;
    turn->scan_us = until_us < turn->scan_us ? until_us : turn->scan_us;
    turn->next_us = until_us < turn->next_us ? until_us : turn->next_us;
    if (!loading)
        note_error(folder, error);
}

static void put_back(struct api_folder *folder, struct api_file *file) {
    insp_inspection_free(insp_take_ptr(file->job));
    file->state = API_FILE_WAITING;
    file->retry_us = insp_mono_us() + FULL_US;
    folder->turn.next_us = file->retry_us < folder->turn.next_us ? file->retry_us : folder->turn.next_us;
}

static void submit(struct api_folder *folder, struct api_file *file) {
    struct api_server *server = folder->server;
    struct insp_inspection *job = file->job;
    struct insp_path_fields fields;
    struct insp_error error;
    insp_pattern_path(&folder->turn.rules.pattern, api_folder_relative(&folder->turn, file->path), &fields);
    if (folder->stopping) {
        put_back(folder, file);
        return;
    }
    if (insp_models_get(server->models, fields.product, &job->model, &error)) {
        hold(folder, fields.product, &error);
        api_files_remove(&folder->turn.files, file); /* the scan finds it again */
        return;
    }
    job->takt_us = insp_takt_us(server->config.takt, fields.product);
    job->data = file;
    job->owner = folder;
    job->done = done;
    if (insp_pipeline_submit(server->pipeline, job, &error)) {
        put_back(folder, file); /* it lies on the disk until there is room */
        return;
    }
    file->job = NULL;
    folder->out++;
    api_stations_begin(server->stations, job->camera);
}

/* --- turns --- */

static void turn_run(struct insp_task *task) {
    api_folder_turn_run(task->data);
}

static void show(struct api_folder *folder) {
    struct api_folder_turn *turn = &folder->turn;
    enum insp_sink_state before = folder->condition.state;
    folder->waiting = turn->waiting;
    folder->ignored = turn->ignored;
    folder->failed = turn->failed;
    if (turn->error.code)
        note_error(folder, &turn->error);
    insp_sink_enter(&folder->condition, turn->here ? INSP_SINK_CONNECTED : INSP_SINK_WAITING, insp_wall_us());
    if (turn->here && before != INSP_SINK_CONNECTED)
        insp_log_info("the watched folder is there folder=%s", INSP_LOG_QUOTED(turn->rules.root));
}

static void finish_close(struct api_folder *folder);

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    uv_poll_stop(poll); /* the turn reads */
    kick(poll->data);
}

static void turn_done(struct insp_task *task) {
    struct api_folder_turn *turn = task->data;
    struct api_folder *folder = api_folder_of(turn);
    folder->turning = false;
    for (size_t i = 0; i < turn->loaded_count; i++)
        submit(folder, turn->loaded[i]);
    show(folder);
    if (folder->closing) {
        finish_close(folder);
        return;
    }
    if (folder->stopping) { /* only what is still stored has to be finished */
        if (folder->ended_count)
            kick(folder);
        return;
    }
    if (turn->notify >= 0)
        uv_poll_start(&folder->poll, UV_READABLE, on_readable);
    int64_t wait_us = turn->next_us - insp_mono_us();
    uint64_t wait_ms = wait_us > 0 ? (uint64_t)(wait_us + 999) / 1000 : 0;
    uv_timer_start(&folder->timer, on_timer, folder->ended_count ? 0 : wait_ms, 0);
}

static void begin_turn(struct api_folder *folder) {
    struct api_folder_turn *turn = &folder->turn;
    if (folder->turning)
        return;
    take_ended(folder);
    turn->room = folder->stopping || folder->out >= folder->out_max ? 0 : folder->out_max - folder->out;
    turn->ending = folder->stopping;
    folder->turning = true;
    folder->task = (struct insp_task){.run = turn_run, .done = turn_done, .data = turn};
    insp_work_always(folder->server->config.lanes, INSP_LANE_FILES, &folder->task);
}

/* --- life --- */

int api_folder_check(const char *path, struct insp_error *reterr) {
    if (!*path)
        return 0;
    if (*path != '/')
        return insp_fail(reterr, INSP_E_CONFIG, "must be an absolute path");
    if (!path[strspn(path, "/")])
        return insp_fail(reterr, INSP_E_CONFIG, "must not be the root of the file system");
    return 0;
}

int api_folder_pattern_check(const char *pattern, struct insp_error *reterr) {
    struct insp_pattern read;
    int code = insp_pattern_read(pattern, &read, reterr);
    if (!code && api_folder_own_name(read.text))
        code = insp_fail(reterr, INSP_E_CONFIG, "begins with \"%s\", a folder that the daemon makes itself",
                         read.text);
    return code;
}

static int set_rules(struct api_folder *folder, const struct api_watch_config *config, struct insp_error *reterr) {
    struct api_folder_rules *rules = &folder->turn.rules;
    int code = api_folder_check(config->folder, reterr);
    if (!code)
        code = api_folder_pattern_check(config->pattern, reterr);
    if (!code)
        code = insp_pattern_read(config->pattern, &rules->pattern, reterr);
    if (code)
        return code;
    folder->root = strdup(config->folder);
    folder->pattern = strdup(config->pattern);
    if (!folder->root || !folder->pattern)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the watched folder");
    for (size_t bytes = strlen(folder->root); folder->root[bytes - 1] == '/';)
        folder->root[--bytes] = 0;
    rules->root = folder->root;
    rules->result = !strcmp(config->result, "beside")   ? API_RESULT_BESIDE
                    : !strcmp(config->result, "folder") ? API_RESULT_FOLDER
                                                        : API_RESULT_NONE;
    rules->after = !strcmp(config->after, "delete") ? API_AFTER_DELETE
                   : !strcmp(config->after, "move") ? API_AFTER_MOVE
                                                    : API_AFTER_KEEP;
    rules->settle_us = (int64_t)config->settle_ms * 1000;
    rules->bytes_max = folder->server->config.image_limits.bytes;
    rules->store = folder->server->config.store;
    return 0;
}

int api_folder_new(struct api_server *server, struct api_folder **ret, struct insp_error *reterr) {
    *ret = NULL;
    if (!*server->config.watch.folder)
        return 0;
    struct api_folder *folder = calloc(1, sizeof *folder);
    if (!folder)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the watched folder");
    folder->server = server;
    folder->turn.notify = folder->turn.root = -1;
    /* A quarter of the slots at most, beside those of requests. */
    folder->out_max = server->config.inflight / 4;
    folder->out_max = folder->out_max < 1                    ? 1
                      : folder->out_max > API_FOLDER_OUT_MAX ? API_FOLDER_OUT_MAX
                                                             : folder->out_max;
    int code = set_rules(folder, &server->config.watch, reterr);
    if (code < 0) {
        api_folder_free(folder);
        return code;
    }
    *ret = folder;
    return 0;
}

void api_folder_start(struct api_folder *folder) {
    if (!folder)
        return;
    uv_loop_t *loop = folder->server->loop;
    struct insp_error error;
    folder->started = true;
    uv_timer_init(loop, &folder->timer);
    folder->timer.data = folder->poll.data = folder;
    folder->handles = 1;
    int notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    int why = notify < 0 ? -errno : uv_poll_init(loop, &folder->poll, notify);
    if (why == 0) {
        folder->turn.notify = notify;
        folder->handles++;
    } else {
        if (notify >= 0)
            close(notify);
        insp_fail_errno(&error, -why, "the folder is scanned once a minute only: no notifications");
        note_error(folder, &error);
    }
    begin_turn(folder);
}

void api_folder_stop(struct api_folder *folder) {
    if (folder)
        folder->stopping = true;
}

static void on_handle_closed(uv_handle_t *handle) {
    struct api_folder *folder = handle->data;
    if (--folder->handles)
        return;
    folder->closed = true;
    folder->on_closed(folder->on_closed_arg);
}

static void finish_close(struct api_folder *folder) {
    if (folder->ended_count || !folder->turn.ending) { /* one more, which finishes */
        begin_turn(folder);
        return;
    }
    if (folder->turn.notify >= 0)
        uv_close((uv_handle_t *)&folder->poll, on_handle_closed);
    uv_close((uv_handle_t *)&folder->timer, on_handle_closed);
}

void api_folder_close(struct api_folder *folder, void (*closed)(void *arg), void *arg) {
    if (!folder || folder->closing || !folder->started)
        return;
    folder->stopping = folder->closing = true;
    folder->on_closed = closed;
    folder->on_closed_arg = arg;
    uv_timer_stop(&folder->timer);
    if (folder->turn.notify >= 0)
        uv_poll_stop(&folder->poll);
    begin_turn(folder);
}

bool api_folder_closed(const struct api_folder *folder) {
    return !folder || !folder->started || folder->closed;
}

void api_folder_free(struct api_folder *folder) {
    if (!folder)
        return;
    api_folder_turn_clear(&folder->turn);
    free(folder->root);
    free(folder->pattern);
    free(folder);
}
