#include "core/dataset/dataset_change.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/dataset/class_name.h"
#include "core/dataset/dataset_name.h"
#include "core/dataset/trash/trash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const step_names[] = {[INSP_STEP_DONE] = "done",
                                         [INSP_STEP_ALREADY] = "already",
                                         [INSP_STEP_GONE] = "gone",
                                         [INSP_STEP_REFUSED] = "refused"};

const char *insp_step_name(enum insp_step outcome) {
    return step_names[outcome];
}

static void decrefp(json_t **json) {
    json_decref(*json);
}
#define _cleanup_json_ _cleanup_(decrefp)

static void refuse(struct insp_dataset_step *step, const struct insp_error *why) {
    step->outcome = why->code == INSP_E_NOT_FOUND ? INSP_STEP_GONE : INSP_STEP_REFUSED;
    snprintf(step->why, sizeof step->why, "%.255s", why->detail);
}

/* --- the description --- */

/* Tells an image from another one that has its name later: a rename keeps it, an upload does not. */
struct mark {
    json_int_t bytes, mtime_ns;
};

static struct mark mark_of(const struct stat *st) {
    uint64_t ns = (uint64_t)st->st_mtim.tv_sec * 1000000000 + (uint64_t)st->st_mtim.tv_nsec; /* may wrap */
    return (struct mark){(json_int_t)st->st_size, (json_int_t)ns};
}

static json_t *describe(const struct insp_dataset_step *step, const struct mark *mark, size_t count,
                        const char *class) {
    char at[INSP_RFC3339_BYTES];
    json_t *steps = json_array();
    insp_rfc3339(insp_wall_us(), at);
    for (size_t i = 0; steps && i < count; i++)
        if (step[i].outcome == INSP_STEP_DONE)
            json_array_append_new(steps,
                                  json_pack("{s:i, s:s, s:s, s:I, s:I}", "n", (int)i, "from", step[i].from, "to",
                                            step[i].to, "bytes", mark[i].bytes, "mtime_ns", mark[i].mtime_ns));
    return json_pack("{s:i, s:s, s:s, s:s?, s:o}", "format", 1, "at", at, "action", class ? "move" : "delete",
                     "class", class, "steps", steps);
}

/* --- one image --- */

/* Opens the folder of a place and gives its file name: that of the trash for "". */
static int open_end(const char *set, const char *id, size_t number, const char *place, bool make, int *ret_fd,
                    char ret_name[INSP_FILE_NAME_BYTES], struct insp_error *reterr) {
    struct insp_dataset_place_text text;
    if (!*place) {
        snprintf(ret_name, INSP_FILE_NAME_BYTES, "%zu", number);
        return insp_trash_open(set, id, make, ret_fd, reterr);
    }
    int r = insp_dataset_place_split(place, &text, reterr);
    if (r == 0)
        r = insp_dataset_place_check(&text.place, reterr);
    if (r < 0)
        return r;
    snprintf(ret_name, INSP_FILE_NAME_BYTES, "%.255s", text.place.name);
    return insp_dataset_place_folder(set, &text.place, make, ret_fd, reterr);
}

static int read_mark(int folder, const char *name, struct mark *ret, struct insp_error *reterr) {
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT
                   ? insp_fail(reterr, INSP_E_NOT_FOUND, "the image is no longer there")
                   : insp_fail_errno(reterr, errno, "cannot read the status of an image of the dataset");
    if (!S_ISREG(st.st_mode))
        return insp_fail(reterr, INSP_E_CONFLICT, "the image is a link or a folder; move it by hand");
    *ret = mark_of(&st);
    return 0;
}

/* Does not sync: sync_folders does, once for all steps, and a failing sync takes no step back. */
static int rename_file(int from, const char *name, int to, const char *new_name, const struct mark *expected,
                       struct insp_error *reterr) {
    struct mark mark;
    int r = read_mark(from, name, &mark, reterr);
    if (r < 0)
        return r;
    if (expected && (mark.bytes != expected->bytes || mark.mtime_ns != expected->mtime_ns))
        return insp_fail(reterr, INSP_E_NOT_FOUND, "another image has this name now");
    if (faccessat(to, new_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return insp_fail(reterr, INSP_E_CONFLICT, "another image already has this name");
    if (renameat(from, name, to, new_name) < 0)
        return insp_fail_errno(reterr, errno, "cannot move an image of the dataset");
    return 0;
}

/* Moves one image between two places, of which one may be the trash (""). expected: NULL: any image. */
static int move(const char *set, const char *id, size_t number, const char *from, const char *to,
                const struct mark *expected, struct insp_error *reterr) {
    _cleanup_close_ int old_folder = -1, new_folder = -1;
    char name[INSP_FILE_NAME_BYTES], new_name[INSP_FILE_NAME_BYTES];
    struct insp_dataset_place_text left;
    int r = open_end(set, id, number, from, false, &old_folder, name, reterr);
    if (r == 0)
        r = open_end(set, id, number, to, true, &new_folder, new_name, reterr);
    if (r == 0)
        r = rename_file(old_folder, name, new_folder, new_name, expected, reterr);
    /* No class without images stays behind: the old one, or a new one that was made for nothing. */
    if (insp_dataset_place_split(r < 0 ? to : from, &left, NULL) == 0)
        insp_dataset_place_drop_empty(set, &left.place);
    return r;
}

static bool same_folder(const char *place, const char *other) {
    const char *slash = strrchr(place, '/');
    size_t folder = slash ? (size_t)(slash - place) + 1 : 1; /* 1: the NUL of "", the trash */
    return !strncmp(place, other, folder) && !(slash && strchr(other + folder, '/'));
}

/* Says whether an earlier step that was done has an end in the folder of `place`. */
static bool synced(const struct insp_dataset_step *step, size_t count, const char *place) {
    for (size_t i = 0; i < count; i++)
        if (step[i].outcome == INSP_STEP_DONE &&
            (same_folder(place, step[i].from) || same_folder(place, step[i].to)))
            return true;
    return false;
}

static int sync_end(const char *set, const char *id, const char *place, struct insp_error *reterr) {
    _cleanup_close_ int folder = -1;
    char name[INSP_FILE_NAME_BYTES];
    struct insp_error why = {0};
    int r = open_end(set, id, 0, place, false, &folder, name, &why);
    if (r == INSP_E_NOT_FOUND) /* it was empty and has been removed */
        return 0;
    if (r < 0)
        return insp_fail(reterr, r, "%s", why.detail);
    return fsync(folder) < 0 ? insp_fail_errno(reterr, errno, "cannot sync a folder of the dataset") : 0;
}

/* Syncs each folder that the steps moved an image into or out of, once. */
static int sync_folders(const char *set, const char *id, const struct insp_dataset_step *step, size_t count,
                        struct insp_error *reterr) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        if (step[i].outcome != INSP_STEP_DONE)
            continue;
        if (!synced(step, i, step[i].to))
            r = sync_end(set, id, step[i].to, reterr);
        if (r == 0 && !synced(step, i, step[i].from))
            r = sync_end(set, id, step[i].from, reterr);
    }
    return r;
}

/* --- making a change --- */

struct change {
    struct insp_dataset_step *step;
    size_t count;
    const char *class, *set;
    char *id;
    struct mark *mark; /* [count] */
};

static bool same_class(const char *have, const char *want) {
    return insp_class_name_good(have) ? insp_class_name_good(want) : !strcmp(have, want);
}

/* Chooses where an image goes. A name that the class or an earlier step has gets a number. */
static void plan(struct change *change, size_t number, const struct insp_dataset *dataset) {
    struct insp_dataset_step *step = &change->step[number];
    struct insp_dataset_place_text from;
    char name[INSP_FILE_NAME_BYTES];
    insp_dataset_place_split(step->from, &from, NULL); /* checked */
    if (change->class && same_class(from.place.class, change->class)) {
        step->outcome = INSP_STEP_ALREADY;
        snprintf(step->to, sizeof step->to, "%s", step->from);
        return;
    }
    if (!change->class)
        return;
    struct insp_dataset_place to = insp_dataset_place_of(change->class, from.place.name);
    insp_dataset_free_name(dataset, &to, false, name);
    snprintf(step->to, sizeof step->to, "%s/%s/%s", to.split, to.class, name);
    for (size_t i = 0; i < number; i++)
        if (!strcmp(change->step[i].to, step->to)) {
            char front[24];
            snprintf(front, sizeof front, "%zu-", number);
            insp_dataset_join_name(front, from.place.name, "", name);
            snprintf(step->to, sizeof step->to, "%s/%s/%s", to.split, to.class, name);
        }
}

/* Notes which image a step means; one that is missing or a link is not part of the change. */
static void mark_step(struct change *change, size_t number) {
    struct insp_dataset_step *step = &change->step[number];
    _cleanup_close_ int folder = -1;
    char name[INSP_FILE_NAME_BYTES];
    struct insp_error why = {0};
    int r = open_end(change->set, NULL, 0, step->from, false, &folder, name, &why);
    if (r == 0)
        r = read_mark(folder, name, &change->mark[number], &why);
    if (r < 0)
        refuse(step, &why);
}

static int write_change(const struct change *change, const char *id, struct insp_error *reterr) {
    _cleanup_json_ json_t *json = describe(change->step, change->mark, change->count, change->class);
    return insp_trash_write(change->set, id, json, reterr);
}

static size_t count_done(const struct change *change) {
    size_t done = 0;
    for (size_t i = 0; i < change->count; i++)
        done += change->step[i].outcome == INSP_STEP_DONE;
    return done;
}

static int make_work(struct insp_dataset_view *view, void *arg, struct insp_error *reterr) {
    struct change *change = arg;
    for (size_t i = 0; i < change->count; i++) {
        plan(change, i, view->dataset);
        if (change->step[i].outcome == INSP_STEP_DONE)
            mark_step(change, i);
    }
    *change->id = 0;
    size_t wanted = count_done(change);
    if (!wanted)
        return 0;
    char id[INSP_UUID_BYTES];
    insp_uuid7(id);
    int r = write_change(change, id, reterr);
    if (r < 0) {
        insp_trash_drop(change->set, id);
        return r;
    }
    for (size_t i = 0; i < change->count; i++) {
        struct insp_dataset_step *step = &change->step[i];
        struct insp_error why = {0};
        if (step->outcome == INSP_STEP_DONE &&
            move(change->set, id, i, step->from, step->to, &change->mark[i], &why) < 0)
            refuse(step, &why);
    }
    size_t moved = count_done(change);
    if (!moved) {
        insp_trash_drop(change->set, id); /* nothing to undo */
        return 0;
    }
    memcpy(change->id, id, sizeof id);
    r = sync_folders(change->set, id, change->step, change->count, reterr);
    if (moved < wanted)
        write_change(change, id, NULL); /* without the refused steps; if it fails, undoing finds them gone */
    return r < 0 ? r : 1;
}

int insp_dataset_change_make(const char *set, struct insp_dataset_step *step, size_t count, const char *class,
                             char *ret_id, struct insp_error *reterr) {
    for (size_t i = 0; i < count; i++) {
        struct insp_dataset_place_text text;
        int r = insp_dataset_place_split(step[i].from, &text, reterr);
        if (r == 0)
            r = insp_dataset_place_check(&text.place, reterr);
        if (r < 0)
            return r;
        step[i].outcome = INSP_STEP_DONE;
        step[i].to[0] = step[i].why[0] = 0;
    }
    _cleanup_free_ struct mark *mark = calloc(count + 1, sizeof *mark);
    if (!mark)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a change of %zu images", count);
    struct insp_dataset_view view = {.set = set};
    struct change change = {.step = step, .count = count, .class = class, .set = set, .id = ret_id, .mark = mark};
    int r = insp_dataset_edit(&view, make_work, &change, reterr);
    insp_dataset_view_clear(&view);
    return r;
}

/* --- undoing --- */

struct undo {
    const char *set, *id;
    struct insp_dataset_step *step; /* owned */
    size_t count;
    json_t *steps; /* borrowed */
};

/* Says whether the content of an image in the trash is in the dataset again. */
static int is_back(const struct undo *undo, size_t number, struct insp_dataset *dataset, bool *ret,
                   struct insp_error *reterr) {
    char path[INSP_PATH_BYTES], sha256[INSP_SHA256_HEX_BYTES];
    struct stat st;
    size_t at;
    *ret = false;
    int r = insp_path(path, reterr, "%s/" INSP_TRASH "/%s/%zu", undo->set, undo->id, number);
    if (r < 0 || lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return r; /* move() says so */
    r = insp_sha256_file(path, sha256, reterr);
    if (r == 0)
        r = insp_dataset_find(dataset, 0, (uint64_t)st.st_size, sha256, &at, reterr);
    *ret = r == 0 && at < dataset->count;
    return r;
}

static void undo_step(const struct undo *undo, const json_t *json, struct insp_dataset *dataset,
                      struct insp_dataset_step *step) {
    const char *from = json_string_value(json_object_get(json, "from"));
    const char *to = json_string_value(json_object_get(json, "to"));
    size_t number = (size_t)json_integer_value(json_object_get(json, "n"));
    const json_t *bytes = json_object_get(json, "bytes"), *mtime = json_object_get(json, "mtime_ns");
    const struct mark mark = {json_integer_value(bytes), json_integer_value(mtime)};
    /* An older daemon wrote no mark. The trash needs none, because nobody else puts an image there. */
    const bool marked = to && *to && json_is_integer(bytes) && json_is_integer(mtime);
    struct insp_dataset_place_text old;
    struct insp_error why = {0};
    char name[INSP_FILE_NAME_BYTES];
    bool back = false;
    snprintf(step->from, sizeof step->from, "%s", to ? to : "");
    int r = from && to ? insp_dataset_place_split(from, &old, &why)
                       : insp_fail(&why, INSP_E_IO, "the description of the change is damaged");
    if (r == 0 && !*to)
        r = is_back(undo, number, dataset, &back, &why);
    if (r == 0 && !back) {
        insp_dataset_free_name(dataset, &old.place, true, name);
        snprintf(step->to, sizeof step->to, "%s/%s/%s", old.place.split, old.place.class, name);
        r = move(undo->set, undo->id, number, to, step->to, marked ? &mark : NULL, &why);
    }
    if (r < 0) {
        step->to[0] = 0;
        refuse(step, &why);
    } else if (back) {
        step->outcome = INSP_STEP_ALREADY;
    }
}

static int undo_work(struct insp_dataset_view *view, void *arg, struct insp_error *reterr) {
    struct undo *undo = arg;
    bool refused = false;
    for (size_t i = 0; i < undo->count; i++) {
        undo_step(undo, json_array_get(undo->steps, i), view->dataset, &undo->step[i]);
        refused = refused || undo->step[i].outcome == INSP_STEP_REFUSED;
    }
    int r = sync_folders(undo->set, undo->id, undo->step, undo->count, reterr);
    if (r < 0)
        return r;
    if (!refused)
        insp_trash_remove(undo->set, undo->id, NULL); /* a rest is removed when the trash is emptied */
    return 1;
}

int insp_dataset_change_undo(const char *set, const char *id, struct insp_dataset_step **ret_step,
                             size_t *ret_count, struct insp_error *reterr) {
    _cleanup_json_ json_t *json = NULL;
    int r = insp_trash_read(set, id, &json, reterr);
    if (r < 0)
        return r;
    json_t *steps = json_object_get(json, "steps");
    struct undo undo = {.set = set, .id = id, .steps = steps, .count = json_array_size(steps)};
    _cleanup_free_ struct insp_dataset_step *step = calloc(undo.count + 1, sizeof *step);
    if (!step)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to undo a change of %zu images", undo.count);
    undo.step = step;
    struct insp_dataset_view view = {.set = set};
    r = insp_dataset_edit(&view, undo_work, &undo, reterr);
    insp_dataset_view_clear(&view);
    if (r < 0)
        return r;
    *ret_count = undo.count;
    *ret_step = insp_take_ptr(step);
    return 0;
}

/* --- all changes --- */

int insp_dataset_changes_list(const char *set, json_t **ret, struct insp_error *reterr) {
    struct dirent **ids;
    size_t count;
    int r = insp_trash_list(set, &ids, &count, reterr);
    if (r < 0)
        return r;
    json_t *list = json_array();
    for (size_t i = 0; list && i < count && json_array_size(list) < INSP_CHANGES_LISTED; i++) {
        _cleanup_json_ json_t *json = NULL;
        if (insp_trash_read(set, ids[i]->d_name, &json, NULL) < 0) /* half-written by a crash: nothing moved */
            continue;
        json_array_append_new(list,
                              json_pack("{s:s, s:O?, s:O?, s:O?, s:I}", "id", ids[i]->d_name, "at",
                                        json_object_get(json, "at"), "action", json_object_get(json, "action"),
                                        "class", json_object_get(json, "class"), "images",
                                        (json_int_t)json_array_size(json_object_get(json, "steps"))));
    }
    insp_trash_list_free(ids, count);
    if (!list)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to list the changes of a dataset");
    *ret = list;
    return 0;
}

/* An id of version 7 begins with the time in milliseconds. */
static int64_t time_of(const char *id) {
    char digits[13];
    snprintf(digits, sizeof digits, "%.8s%.4s", id, id + 9);
    return (int64_t)strtoull(digits, NULL, 16) * 1000;
}

int insp_dataset_changes_forget(const char *set, int64_t before_us, size_t *ret_count, struct insp_error *reterr) {
    struct dirent **ids;
    size_t count, forgotten = 0;
    int r = insp_trash_list(set, &ids, &count, reterr);
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < count; i++)
        if (time_of(ids[i]->d_name) < before_us) {
            insp_dataset_edit_lock(); /* a change that is being made or undone is finished first */
            r = insp_trash_remove(set, ids[i]->d_name, reterr);
            insp_dataset_edit_unlock();
            forgotten += r == 0;
        }
    insp_trash_list_free(ids, count);
    *ret_count = forgotten;
    return r;
}
