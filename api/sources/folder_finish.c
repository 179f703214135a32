#include "api/sources/folder_turn.h"

#include "api/http/response.h"
#include "api/inspections/inspection_json.h"
#include "api/sources/folder_tree.h"

#include "core/base/log.h"
#include "core/store/store.h"

#include <errno.h>
#include <stdlib.h>

enum { ENDS = 64, RESULT_MODE = 0666 };

/* --- inspected files --- */

struct line {
    char *text;
    size_t bytes;
};

static int render(void *arg, const struct insp_record *record) {
    struct line *line = arg;
    line->text = api_json_line(api_inspection_json(record), &line->bytes);
    return 1;
}

/* Reads the JSON of an inspection of an earlier run. Returns false if there is none to be written: retention has
 * removed it, or (an error is noted) the store does not answer. */
static bool fetch_line(struct api_folder_turn *turn, struct api_file *file, bool *ret_failed) {
    struct line line = {0};
    struct insp_error error;
    int r = insp_store_get(turn->rules.store, file->id, render, &line, &error);
    file->line = line.text;
    file->line_bytes = line.bytes;
    *ret_failed = !file->line && r != INSP_E_NOT_FOUND;
    if (*ret_failed && !turn->error.code && r)
        turn->error = error;
    return file->line != NULL;
}

static int write_text(struct api_folder_turn *turn, const struct api_file *file, const char *below, mode_t mode) {
    char path[INSP_PATH_BYTES];
    int n = snprintf(path, sizeof path, "%s%s.json", below, api_folder_relative(turn, file->path));
    if (n < 0 || (size_t)n >= sizeof path)
        return -ENAMETOOLONG;
    return api_tree_write(turn->root, path, file->line, file->line_bytes, mode & RESULT_MODE);
}

static bool write_result(struct api_folder_turn *turn, struct api_file *file, mode_t mode) {
    bool failed = false;
    if (turn->rules.result == API_RESULT_NONE || (!file->line && !fetch_line(turn, file, &failed)))
        return !failed;
    const char *below = turn->rules.result == API_RESULT_FOLDER ? API_FOLDER_RESULTS "/" : "";
    int r = write_text(turn, file, below, mode);
    if (r < 0)
        api_folder_trouble(turn, api_folder_relative(turn, file->path), -r, "write the result of");
    return r == 0;
}

static int move_away(struct api_folder_turn *turn, const struct api_file *file) {
    char to[INSP_PATH_BYTES], free_path[INSP_PATH_BYTES];
    const char *path = api_folder_relative(turn, file->path);
    int n = snprintf(to, sizeof to, API_FOLDER_DONE "/%s", path);
    int r =
        n < 0 || (size_t)n >= sizeof to ? -ENAMETOOLONG : api_tree_free_path(turn->root, to, file->id, free_path);
    return r < 0 ? r : api_tree_move(turn->root, path, free_path);
}

/* Says whether the file is as it was read; it may have been replaced or removed meanwhile. */
static bool is_there(const struct api_folder_turn *turn, const struct api_file *file, mode_t *ret_mode) {
    struct insp_file_identity now;
    *ret_mode = RESULT_MODE;
    return api_tree_stat(turn->root, api_folder_relative(turn, file->path), &now, ret_mode) == 0 &&
           insp_file_same(&now, &file->watched.identity);
}

/* Does what is due, which may have been done before in part. Returns whether all of it is done. */
static bool finish_inspected(struct api_folder_turn *turn, struct api_file *file, struct insp_watched_end *ret) {
    mode_t mode;
    bool there = is_there(turn, file, &mode);
    /* An earlier run wrote the result before the file went. */
    if ((there || !file->recovered) && !write_result(turn, file, mode))
        return false;
    int r = 0;
    if (there && turn->rules.after == API_AFTER_DELETE)
        r = api_tree_remove(turn->root, api_folder_relative(turn, file->path));
    else if (there && turn->rules.after == API_AFTER_MOVE)
        r = move_away(turn, file);
    if (r < 0) {
        api_folder_trouble(turn, api_folder_relative(turn, file->path), -r,
                           turn->rules.after == API_AFTER_DELETE ? "delete" : "move");
        return false;
    }
    *ret = (struct insp_watched_end){.row_path = file->row_path ? file->row_path : file->path,
                                     .path = file->path,
                                     .stays = !there || turn->rules.after == API_AFTER_KEEP};
    return true;
}

/* --- failed files --- */

static bool finish_failed(struct api_folder_turn *turn, struct api_file *file) {
    char to[INSP_PATH_BYTES], free_path[INSP_PATH_BYTES], reason[INSP_PATH_BYTES], spare[INSP_UUID_BYTES];
    const char *path = api_folder_relative(turn, file->path);
    mode_t mode;
    if (!is_there(turn, file, &mode))
        return true; /* another content is another file, found by the next scan */
    insp_uuid7(spare);
    int n = snprintf(to, sizeof to, API_FOLDER_FAILED "/%s", path);
    int r = n < 0 || (size_t)n >= sizeof to ? -ENAMETOOLONG : api_tree_free_path(turn->root, to, spare, free_path);
    n = snprintf(reason, sizeof reason, "%s.json", free_path);
    if (r == 0 && (n < 0 || (size_t)n >= sizeof reason))
        r = -ENAMETOOLONG;
    if (r == 0 && file->line)
        r = api_tree_write(turn->root, reason, file->line, file->line_bytes, mode & RESULT_MODE);
    if (r == 0)
        r = api_tree_move(turn->root, path, free_path);
    if (r < 0) {
        api_folder_trouble(turn, path, -r, "move aside");
        return false;
    }
    turn->failed++;
    insp_log_warning("a watched file was moved to failed file=%s reason=%s", INSP_LOG_QUOTED(path),
                     INSP_LOG_QUOTED(file->line ? file->line : ""));
    return true;
}

/* --- all --- */

struct batch {
    struct api_file *file[ENDS];
    struct insp_watched_end end[ENDS];
    size_t count;
};

/* Lets a file go. Another content that has come under its name meanwhile is another file. */
static void leave(struct api_folder_turn *turn, struct api_file *file) {
    if (api_folder_changed(file))
        api_folder_renew(file);
    else
        api_files_remove(&turn->files, file);
}

static void end_rows(struct api_folder_turn *turn, struct batch *batch) {
    struct insp_error error;
    int r = batch->count ? insp_watched_finish(turn->rules.store, batch->end, batch->count, &error) : 0;
    if (r < 0 && !turn->error.code)
        turn->error = error;
    for (size_t i = 0; i < batch->count; i++) {
        if (r < 0)
            api_folder_retry(turn, batch->file[i]);
        else
            leave(turn, batch->file[i]);
    }
    batch->count = 0;
}

void api_folder_finish(struct api_folder_turn *turn) {
    struct batch batch = {.count = 0};
    for (struct api_file *file = turn->files.head, *next; file; file = next) {
        next = file->next;
        if (file->retry_us > turn->now_us && !turn->ending)
            continue;
        if (file->state == API_FILE_FAILED && finish_failed(turn, file)) {
            leave(turn, file);
        } else if (file->state == API_FILE_INSPECTED && finish_inspected(turn, file, &batch.end[batch.count])) {
            batch.file[batch.count++] = file;
            if (batch.count == ENDS)
                end_rows(turn, &batch);
        } else if (file->state == API_FILE_FAILED || file->state == API_FILE_INSPECTED) {
            api_folder_retry(turn, file);
        }
    }
    end_rows(turn, &batch);
}
