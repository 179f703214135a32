#include "api/sources/folder_turn.h"

#include "api/http/response.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const int64_t AWAY_US = 1000000, RETRY_US = 5000000, SCAN_US = 60000000;

/* --- shared --- */

bool api_folder_own_name(const char *name) {
    return !strcmp(name, API_FOLDER_DONE) || !strcmp(name, API_FOLDER_FAILED) || !strcmp(name, API_FOLDER_RESULTS);
}

const char *api_folder_relative(const struct api_folder_turn *turn, const char *path) {
    return path + strlen(turn->rules.root) + 1;
}

void api_folder_trouble(struct api_folder_turn *turn, const char *path, int errnum, const char *doing) {
    char clean[256];
    if (turn->error.code)
        return;
    snprintf(clean, sizeof clean, "%s", path);
    insp_utf8_clean(clean);
    insp_fail_errno(&turn->error, errnum, "cannot %s %s", doing, *clean ? clean : "the folder");
}

void api_folder_see(struct api_folder_turn *turn, struct api_file *file, const struct insp_file_identity *identity,
                    bool closed) {
    if (!insp_file_same(&file->settle.identity, identity))
        file->retry_us = 0;
    insp_settle_see(&file->settle, identity, closed, turn->now_us);
}

bool api_folder_changed(const struct api_file *file) {
    return file->settle.since_us && !insp_file_same(&file->settle.identity, &file->watched.identity);
}

void api_folder_renew(struct api_file *file) {
    free(insp_take_ptr(file->line));
    free(insp_take_ptr(file->row_path));
    file->recovered = false;
    file->retry_us = 0;
    file->state = API_FILE_WAITING;
}

void api_folder_retry(struct api_folder_turn *turn, struct api_file *file) {
    file->retry_us = turn->now_us + RETRY_US;
}

void api_folder_scan_later(struct api_folder_turn *turn) {
    turn->scan_us = turn->now_us + RETRY_US;
    turn->pause_us = turn->scan_us; /* its files wait for the store too */
}

char *api_folder_reason(const char *path, const struct insp_error *error, size_t *ret_bytes) {
    char clean[INSP_PATH_BYTES];
    snprintf(clean, sizeof clean, "%s", path);
    insp_utf8_clean(clean);
    return api_json_line(json_pack("{s:s,s:s,s:s,s:o}", "file", clean, "code", insp_code_wire(error->code),
                                   "detail", error->detail, "at", api_json_time(insp_wall_us())),
                         ret_bytes);
}

void api_folder_fail(struct api_folder_turn *turn, struct api_file *file, const struct insp_error *error) {
    if (api_folder_changed(file)) {
        api_folder_renew(file);
        return;
    }
    int64_t final_us = insp_settle_final_us(&file->settle, turn->rules.settle_us);
    if (final_us > turn->now_us) {
        file->retry_us = final_us; /* or when it changes */
        file->state = API_FILE_WAITING;
        return;
    }
    free(file->line);
    file->line = api_folder_reason(api_folder_relative(turn, file->path), error, &file->line_bytes);
    file->state = API_FILE_FAILED;
}

bool api_folder_holds(const struct api_folder_turn *turn, const char *product) {
    for (size_t i = 0; i < API_FOLDER_HELD_MAX; i++)
        if (turn->held[i].until_us > turn->now_us && !strcmp(turn->held[i].product, product))
            return true;
    return false;
}

/* --- the folder itself --- */

static void leave(struct api_folder_turn *turn) {
    turn->here = false;
    api_files_forget_waiting(&turn->files);
    api_folder_unwatch(turn);
    turn->scan_us = turn->now_us + AWAY_US;
}

/* Opens the folder, and notices when it has gone, or when another stands in its place. */
static bool enter(struct api_folder_turn *turn) {
    struct stat info;
    turn->root = open(turn->rules.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (turn->root < 0 || fstat(turn->root, &info) < 0) {
        api_folder_trouble(turn, "", errno, "open");
        leave(turn);
        return false;
    }
    if (turn->here && turn->device == info.st_dev && turn->inode == info.st_ino)
        return true;
    leave(turn);
    turn->here = true;
    turn->device = info.st_dev;
    turn->inode = info.st_ino;
    turn->scan_us = turn->now_us;
    return true;
}

/* --- what an earlier run of the daemon has left --- */

static void found_pending(void *arg, size_t index, const struct insp_watched_row *row) {
    struct api_folder_turn *turn = arg;
    (void)index;
    if (api_files_find(&turn->files, row->file.path))
        return;
    struct api_file *file = api_files_add(&turn->files, row->file.path);
    if (!file)
        return; /* a scan finds it again */
    file->state = API_FILE_INSPECTED;
    file->watched.identity = row->file.identity;
    file->recovered = true;
    memcpy(file->id, row->id, sizeof file->id);
}

static bool recover(struct api_folder_turn *turn) {
    struct insp_error error;
    if (turn->recovered)
        return true;
    turn->recovered = !insp_watched_pending(turn->rules.store, turn->rules.root, found_pending, turn, &error);
    if (!turn->recovered && !turn->error.code)
        turn->error = error;
    return turn->recovered;
}

/* --- the turn --- */

static int64_t due_us(const struct api_folder_turn *turn, const struct api_file *file) {
    int64_t due = file->retry_us;
    if (file->state == API_FILE_WAITING) {
        int64_t complete_us = insp_settle_due_us(&file->settle, turn->rules.settle_us);
        due = complete_us > due ? complete_us : due;
        due = turn->pause_us > due ? turn->pause_us : due;
    }
    return due;
}

static void plan(struct api_folder_turn *turn) {
    if (turn->here && turn->full && turn->files.count <= API_FILES_MAX / 2)
        turn->scan_us = turn->now_us;
    turn->next_us = turn->scan_us;
    turn->waiting = 0;
    for (const struct api_file *file = turn->files.head; file; file = file->next) {
        if (file->state == API_FILE_OUT)
            continue;
        turn->waiting += file->state == API_FILE_WAITING;
        int64_t due = due_us(turn, file);
        if (!turn->here || (file->state == API_FILE_WAITING && !turn->room && due <= turn->now_us))
            continue; /* until the folder is back; until a file has ended */
        turn->next_us = due < turn->next_us ? due : turn->next_us;
    }
}

void api_folder_turn_run(struct api_folder_turn *turn) {
    turn->now_us = insp_mono_us();
    turn->error.code = 0;
    turn->loaded_count = 0;
    if (enter(turn) && recover(turn)) {
        api_folder_finish(turn);
        if (!turn->ending)
            api_folder_events(turn);
        if (!turn->ending && turn->scan_us <= turn->now_us) {
            turn->scan_us = turn->now_us + SCAN_US;
            api_folder_scan(turn);
        }
        if (!turn->ending && turn->pause_us <= turn->now_us)
            api_folder_read(turn);
    } else if (turn->here) {
        api_folder_scan_later(turn); /* the store does not answer */
    }
    if (turn->root >= 0)
        close(insp_take_fd(turn->root));
    plan(turn);
}

void api_folder_turn_clear(struct api_folder_turn *turn) {
    api_files_clear(&turn->files);
    api_folder_unwatch(turn);
    free(turn->watch);
    free(turn->seen);
    if (turn->notify >= 0)
        close(turn->notify);
}
