#include "core/dataset/dataset_change.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/dataset/class_name.h"
#include "core/dataset/dataset_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TRASH ".trash" /* hidden, so no training reads it */
#define DESCRIPTION "change.json"
enum { DESCRIPTION_BYTES_MAX = 2 << 20 };

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
    snprintf(step->why, sizeof step->why, "%.255s", step->outcome == INSP_STEP_REFUSED ? why->detail : "");
}

/* --- the trash --- */

/* Opens <set>/.trash, or <set>/.trash/<id>; edits never go through links. */
static int open_trash(const char *set, const char *id, bool make, int *ret_fd, struct insp_error *reterr) {
    _cleanup_close_ int root = open(set, O_RDONLY | O_DIRECTORY | O_CLOEXEC), trash = -1;
    if (root < 0)
        return insp_fail_errno(reterr, errno, "cannot open the dataset %s", set);
    int r = insp_dataset_folder_at(root, TRASH, make, &trash, reterr);
    if (r < 0)
        return r;
    if (id)
        return insp_dataset_folder_at(trash, id, make, ret_fd, reterr);
    *ret_fd = trash;
    trash = -1;
    return 0;
}

static int remove_change(const char *set, const char *id, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r = insp_path(path, reterr, "%s/" TRASH "/%s", set, id);
    return r < 0 ? r : insp_remove_tree(path, reterr);
}

/* --- the description --- */

static json_t *describe(const struct insp_dataset_step *step, size_t count, const char *class) {
    char at[INSP_RFC3339_BYTES];
    json_t *steps = json_array();
    insp_rfc3339(insp_wall_us(), at);
    for (size_t i = 0; steps && i < count; i++)
        if (step[i].outcome == INSP_STEP_DONE)
            json_array_append_new(
                steps, json_pack("{s:i, s:s, s:s}", "n", (int)i, "from", step[i].from, "to", step[i].to));
    return json_pack("{s:i, s:s, s:s, s:s?, s:o}", "format", 1, "at", at, "action", class ? "move" : "delete",
                     "class", class, "steps", steps);
}

static int write_description(const char *set, const char *id, json_t *json, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    _cleanup_close_ int folder = -1;
    _cleanup_free_ char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
    if (!text)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to describe a change");
    int r = open_trash(set, id, true, &folder, reterr);
    if (r == 0)
        r = insp_path(path, reterr, "%s/" TRASH "/%s/" DESCRIPTION, set, id);
    return r < 0 ? r : insp_write_file(path, text, strlen(text), 0640, true, reterr);
}

static int read_description(const char *set, const char *id, json_t **ret, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    _cleanup_close_ int folder = -1;
    _cleanup_free_ char *text = NULL;
    size_t bytes = 0;
    struct insp_error why = {0};
    int r = open_trash(set, id, false, &folder, &why);
    if (r == INSP_E_NOT_FOUND)
        return insp_fail(reterr, r, "there is no such change: it has been undone, or the trash was emptied");
    if (r < 0)
        return insp_fail(reterr, r, "%s", why.detail);
    r = insp_path(path, reterr, "%s/" TRASH "/%s/" DESCRIPTION, set, id);
    if (r == 0)
        r = insp_read_file(path, DESCRIPTION_BYTES_MAX, &text, &bytes, reterr);
    if (r < 0)
        return r;
    json_t *json = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_array(json_object_get(json, "steps"))) {
        json_decref(json);
        return insp_fail(reterr, INSP_E_IO, "%s is damaged", path);
    }
    *ret = json;
    return 0;
}

/* --- one image --- */

/* Opens the folder of a place and gives its file name: that of the trash for "". */
static int open_end(const char *set, const char *id, size_t number, const char *place, bool make, int *ret_fd,
                    char ret_name[INSP_FILE_NAME_BYTES], struct insp_error *reterr) {
    struct insp_dataset_place_text text;
    if (!*place) {
        snprintf(ret_name, INSP_FILE_NAME_BYTES, "%zu", number);
        return open_trash(set, id, make, ret_fd, reterr);
    }
    int r = insp_dataset_place_split(place, &text, reterr);
    if (r == 0)
        r = insp_dataset_place_check(&text.place, reterr);
    if (r < 0)
        return r;
    snprintf(ret_name, INSP_FILE_NAME_BYTES, "%.255s", text.place.name);
    return insp_dataset_place_folder(set, &text.place, make, ret_fd, reterr);
}

static int rename_file(int from, const char *name, int to, const char *new_name, struct insp_error *reterr) {
    struct stat st;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT
                   ? insp_fail(reterr, INSP_E_NOT_FOUND, "the dataset has no such image")
                   : insp_fail_errno(reterr, errno, "cannot read the status of an image of the dataset");
    if (!S_ISREG(st.st_mode))
        return insp_fail(reterr, INSP_E_CONFLICT, "the image is a link or a folder; move it by hand");
    if (faccessat(to, new_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return insp_fail(reterr, INSP_E_CONFLICT, "another image already has this name");
    if (renameat(from, name, to, new_name) < 0 || fsync(to) < 0 || fsync(from) < 0)
        return insp_fail_errno(reterr, errno, "cannot move an image of the dataset");
    return 0;
}

/* Moves one image between two places, of which one may be the trash (""). */
static int move(const char *set, const char *id, size_t number, const char *from, const char *to,
                struct insp_error *reterr) {
    _cleanup_close_ int old_folder = -1, new_folder = -1;
    char name[INSP_FILE_NAME_BYTES], new_name[INSP_FILE_NAME_BYTES];
    struct insp_dataset_place_text left;
    int r = open_end(set, id, number, from, false, &old_folder, name, reterr);
    if (r == 0)
        r = open_end(set, id, number, to, true, &new_folder, new_name, reterr);
    if (r == 0)
        r = rename_file(old_folder, name, new_folder, new_name, reterr);
    /* No class without images stays behind: the old one, or a new one that was made for nothing. */
    if (insp_dataset_place_split(r < 0 ? to : from, &left, NULL) == 0)
        insp_dataset_place_drop_empty(set, &left.place);
    return r;
}

/* --- making a change --- */

struct change {
    struct insp_dataset_step *step;
    size_t count;
    const char *class, *set;
    char *id;
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
            snprintf(name, sizeof name, "%zu-%.200s", number, from.place.name);
            snprintf(step->to, sizeof step->to, "%s/%s/%s", to.split, to.class, name);
        }
}

static int make_work(struct insp_dataset_view *view, void *arg, struct insp_error *reterr) {
    struct change *change = arg;
    size_t wanted = 0, moved = 0;
    for (size_t i = 0; i < change->count; i++) {
        plan(change, i, view->dataset);
        wanted += change->step[i].outcome == INSP_STEP_DONE;
    }
    *change->id = 0;
    if (!wanted)
        return 0;
    char id[INSP_UUID_BYTES];
    insp_uuid7(id);
    _cleanup_json_ json_t *json = describe(change->step, change->count, change->class);
    int r = write_description(change->set, id, json, reterr);
    for (size_t i = 0; r == 0 && i < change->count; i++) {
        struct insp_dataset_step *step = &change->step[i];
        struct insp_error why = {0};
        if (step->outcome != INSP_STEP_DONE)
            continue;
        if (move(change->set, id, i, step->from, step->to, &why) < 0)
            refuse(step, &why);
        moved += step->outcome == INSP_STEP_DONE;
    }
    if (!moved)
        remove_change(change->set, id, NULL); /* nothing to undo */
    else
        memcpy(change->id, id, sizeof id);
    return r < 0 ? r : moved > 0;
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
    struct insp_dataset_view view = {.set = set};
    struct change change = {.step = step, .count = count, .class = class, .set = set, .id = ret_id};
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
    int r = insp_path(path, reterr, "%s/" TRASH "/%s/%zu", undo->set, undo->id, number);
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
        r = move(undo->set, undo->id, number, to, step->to, &why);
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
    (void)reterr;
    for (size_t i = 0; i < undo->count; i++) {
        undo_step(undo, json_array_get(undo->steps, i), view->dataset, &undo->step[i]);
        refused = refused || undo->step[i].outcome == INSP_STEP_REFUSED;
    }
    if (!refused)
        remove_change(undo->set, undo->id, NULL); /* a rest is removed when the trash is emptied */
    return 1;
}

int insp_dataset_change_undo(const char *set, const char *id, struct insp_dataset_step **ret_step,
                             size_t *ret_count, struct insp_error *reterr) {
    _cleanup_json_ json_t *json = NULL;
    int r = read_description(set, id, &json, reterr);
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

static int newest_first(const struct dirent **a, const struct dirent **b) {
    return strcmp((*b)->d_name, (*a)->d_name);
}

static int is_change(const struct dirent *entry) {
    return insp_uuid_valid(entry->d_name);
}

/* Lists the ids of all changes; a set without trash has none. */
static int list_ids(const char *set, struct dirent ***ret, size_t *ret_count, struct insp_error *reterr) {
    _cleanup_close_ int trash = -1;
    struct insp_error why = {0};
    *ret = NULL;
    *ret_count = 0;
    int r = open_trash(set, NULL, false, &trash, &why);
    if (r == INSP_E_NOT_FOUND)
        return 0;
    if (r < 0)
        return insp_fail(reterr, r, "%s", why.detail);
    int count = scandirat(trash, ".", ret, is_change, newest_first);
    if (count < 0)
        return insp_fail_errno(reterr, errno, "cannot list the trash of %s", set);
    *ret_count = (size_t)count;
    return 0;
}

static void free_ids(struct dirent **ids, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(ids[i]);
    free(ids);
}

int insp_dataset_changes_list(const char *set, json_t **ret, struct insp_error *reterr) {
    struct dirent **ids;
    size_t count;
    int r = list_ids(set, &ids, &count, reterr);
    if (r < 0)
        return r;
    json_t *list = json_array();
    for (size_t i = 0; list && i < count && json_array_size(list) < INSP_CHANGES_LISTED; i++) {
        _cleanup_json_ json_t *json = NULL;
        if (read_description(set, ids[i]->d_name, &json, NULL) < 0) /* half-written by a crash: nothing moved */
            continue;
        json_array_append_new(list,
                              json_pack("{s:s, s:O?, s:O?, s:O?, s:I}", "id", ids[i]->d_name, "at",
                                        json_object_get(json, "at"), "action", json_object_get(json, "action"),
                                        "class", json_object_get(json, "class"), "images",
                                        (json_int_t)json_array_size(json_object_get(json, "steps"))));
    }
    free_ids(ids, count);
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
    int r = list_ids(set, &ids, &count, reterr);
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < count; i++)
        if (time_of(ids[i]->d_name) < before_us) {
            r = remove_change(set, ids[i]->d_name, reterr);
            forgotten += r == 0;
        }
    free_ids(ids, count);
    *ret_count = forgotten;
    return r;
}
