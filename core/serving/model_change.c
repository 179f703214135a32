#include "core/serving/model_change.h"

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/model/bundle.h"
#include "core/model/float_json.h"
#include "core/model/registry.h"
#include "core/store/changes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { FIELDS = 3, TEXT_BYTES = 160, FOLDER_MODE = 0755, FILE_MODE = 0644 };

/* Locks the state folder's models. Closing *ret_fd releases the lock. */
static int lock(const char *state_dir, int *ret_fd, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r = insp_path(path, reterr, "%s/models", state_dir);
    if (r == 0)
        r = insp_mkdir_all(path, FOLDER_MODE, reterr);
    if (r == 0)
        r = insp_path(path, reterr, "%s/models/lock", state_dir);
    return r < 0 ? r : insp_lock_file(path, FILE_MODE, ret_fd, reterr);
}

static int apply(const struct insp_changer *changer, const struct insp_change *changes, size_t count,
                 const struct insp_change_work *work, struct insp_error *reterr) {
    return changer->store ? insp_changes_apply(changer->store, changes, count, work, reterr)
                          : work->apply(work->arg, reterr);
}

/* Writes a version's name as JSON text; "null" for none. */
static void quote(const char *version, char text[TEXT_BYTES]) {
    if (*version)
        snprintf(text, TEXT_BYTES, "\"%s\"", version);
    else
        snprintf(text, TEXT_BYTES, "null");
}

/* --- the active version --- */

struct serving {
    const char *state_dir, *product, *version;
    char before[INSP_NAME_BYTES];
    char *saved; /* owned by change_serving */
};

static int do_activate(void *arg, struct insp_error *reterr) {
    const struct serving *s = arg;
    return insp_registry_set_active(s->state_dir, s->product, s->version, reterr);
}

static int do_rollback(void *arg, struct insp_error *reterr) {
    const struct serving *s = arg;
    char version[INSP_NAME_BYTES];
    return insp_registry_set_back(s->state_dir, s->product, version, reterr);
}

/* Restores the history too: a rollback must not lead to a version that never served. */
static void undo_activate(void *arg) {
    const struct serving *s = arg;
    struct insp_error error;
    if (insp_registry_restore(s->state_dir, s->product, s->saved, &error) < 0)
        insp_log_error("a change that could not be recorded could not be undone product=%s active=%s detail=%s",
                       s->product, s->version, INSP_LOG_QUOTED(error.detail));
}

static int64_t later_ms(int64_t than_us) {
    int64_t now_us = insp_wall_us() / 1000 * 1000;
    return now_us > than_us ? now_us : than_us + 1000;
}

/* Keeps a shadow truthful after a change of the version that it is compared with, or of itself: its counts begin
 * anew, for its rule too. Removes one that may run no more. A failure is logged: the change itself has been made.
 */
static void follow_change(const char *state_dir, const char *product, bool may_run,
                          struct insp_shadow_choice *choice) {
    struct insp_error error;
    if (may_run)
        choice->since_us = later_ms(choice->since_us);
    else
        *choice = (struct insp_shadow_choice){.version = ""};
    if (insp_shadow_write(state_dir, product, choice, &error) < 0)
        insp_log_warning("the shadow could not follow a change product=%s detail=%s", product,
                         INSP_LOG_QUOTED(error.detail));
}

/* A version that becomes active is a shadow no more; one that was active may have been left behind as a shadow by
 * a crash. */
static void follow_serving(const struct serving *s) {
    struct insp_shadow_choice choice;
    struct insp_error error;
    if (insp_shadow_read(s->state_dir, s->product, &choice, &error) == 0 && *choice.version)
        follow_change(s->state_dir, s->product,
                      strcmp(choice.version, s->version) != 0 && strcmp(choice.version, s->before) != 0, &choice);
}

static int change_serving(const struct insp_changer *changer, struct serving *s,
                          int (*work)(void *arg, struct insp_error *reterr), struct insp_error *reterr) {
    char from[TEXT_BYTES], to[TEXT_BYTES], folder[INSP_PATH_BYTES];
    int r = insp_bundle_folder(s->state_dir, s->product, s->version, folder, reterr);
    if (r == 0 && changer->prove)
        r = changer->prove(changer->arg, s->product, s->version, reterr);
    if (r == 0)
        r = insp_registry_active(s->state_dir, s->product, s->before, reterr);
    if (r < 0 || !strcmp(s->before, s->version))
        return r;
    quote(s->before, from);
    quote(s->version, to);
    const struct insp_change change = {.who = changer->who,
                                       .product = s->product,
                                       .version = s->version,
                                       .field = "active",
                                       .from = from,
                                       .to = to};
    r = insp_registry_save(s->state_dir, s->product, &s->saved, reterr);
    if (r == 0)
        r = apply(changer, &change, 1, &(struct insp_change_work){work, undo_activate, s}, reterr);
    free(s->saved);
    if (r == 0)
        follow_serving(s);
    return r;
}

int insp_change_activate(const struct insp_changer *changer, const char *product, const char *version,
                         struct insp_error *reterr) {
    struct serving s = {.state_dir = changer->state_dir, .product = product, .version = version};
    _cleanup_close_ int fd = -1;
    int r = lock(changer->state_dir, &fd, reterr);
    return r < 0 ? r : change_serving(changer, &s, do_activate, reterr);
}

int insp_change_promote(const struct insp_changer *changer, const char *product, const char *version,
                        struct insp_error *reterr) {
    struct serving s = {.state_dir = changer->state_dir, .product = product, .version = version};
    struct insp_shadow_choice choice;
    _cleanup_close_ int fd = -1;
    int r = lock(changer->state_dir, &fd, reterr);
    if (r == 0)
        r = insp_shadow_read(changer->state_dir, product, &choice, reterr);
    if (r == 0 && (strcmp(choice.version, version) != 0 ||
                   (changer->shadow_since_us && choice.since_us != changer->shadow_since_us)))
        r = insp_fail(reterr, INSP_E_CONFLICT, "%s is no longer the shadow of %s, or its run began anew", version,
                      product);
    return r < 0 ? r : change_serving(changer, &s, do_activate, reterr);
}

int insp_change_rollback(const struct insp_changer *changer, const char *product, const char *version,
                         struct insp_error *reterr) {
    struct serving s = {.state_dir = changer->state_dir, .product = product, .version = version};
    char target[INSP_NAME_BYTES];
    _cleanup_close_ int fd = -1;
    int r = lock(changer->state_dir, &fd, reterr);
    if (r == 0)
        r = insp_registry_rollback_target(changer->state_dir, product, target, reterr);
    if (r == 0 && strcmp(target, version) != 0)
        r = insp_fail(reterr, INSP_E_CONFLICT,
                      "the active model was changed meanwhile: a rollback would now lead to %s", target);
    return r < 0 ? r : change_serving(changer, &s, do_rollback, reterr);
}

/* --- the shadow --- */

struct shadowing {
    const char *state_dir, *product;
    struct insp_shadow_choice before, after;
};

static int do_shadow(void *arg, struct insp_error *reterr) {
    const struct shadowing *s = arg;
    return insp_shadow_write(s->state_dir, s->product, &s->after, reterr);
}

static void undo_shadow(void *arg) {
    const struct shadowing *s = arg;
    struct insp_error error;
    if (insp_shadow_write(s->state_dir, s->product, &s->before, &error) < 0)
        insp_log_error("a change that could not be recorded could not be undone product=%s shadow=%s detail=%s",
                       s->product, s->after.version, INSP_LOG_QUOTED(error.detail));
}

/* The pass hides from both versions what the active one ignores. */
static int check_regions(const struct insp_changer *changer, const char *product, const char *version,
                         const char *active, struct insp_error *reterr) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *one = NULL, *other = NULL;
    int r = insp_bundle_read_manifest(changer->state_dir, product, version, &one, reterr);
    if (r == 0)
        r = insp_bundle_read_manifest(changer->state_dir, product, active, &other, reterr);
    if (r < 0 || (one && other && insp_field_set_equal(one->fields, other->fields) &&
                  insp_tiles_equal(one->tiles, other->tiles)))
        return r;
    return insp_fail(
        reterr, INSP_E_CONFLICT,
        "%s was trained with other regions or tiles than the active version %s: a shadow must have the same",
        version, active);
}

/* Checks that a version may become the shadow, and proves it. */
static int check_shadow(const struct insp_changer *changer, const char *product, const char *version,
                        struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES], active[INSP_NAME_BYTES] = "";
    int r = insp_bundle_folder(changer->state_dir, product, version, folder, reterr);
    if (r == 0)
        r = insp_registry_active(changer->state_dir, product, active, reterr);
    if (r == 0 && !*active)
        r = insp_fail(reterr, INSP_E_CONFLICT, "%s has no active version that %s could run beside", product,
                      version);
    if (r == 0 && !strcmp(active, version))
        r = insp_fail(reterr, INSP_E_CONFLICT, "%s is the active version of %s: a shadow is another one", version,
                      product);
    if (r == 0)
        r = check_regions(changer, product, version, active, reterr);
    return r == 0 && changer->prove ? changer->prove(changer->arg, product, version, reterr) : r;
}

int insp_change_shadow(const struct insp_changer *changer, const char *product,
                       const struct insp_shadow_choice *choice, struct insp_error *reterr) {
    struct shadowing s = {.state_dir = changer->state_dir, .product = product, .after = *choice};
    char from[TEXT_BYTES], to[TEXT_BYTES];
    struct insp_error damage;
    _cleanup_close_ int fd = -1;
    int r = lock(changer->state_dir, &fd, reterr);
    if (r == 0 && *choice->version)
        r = check_shadow(changer, product, choice->version, reterr);
    if (r < 0)
        return r;
    if (insp_shadow_read(changer->state_dir, product, &s.before, &damage) < 0) { /* a new one replaces it */
        insp_log_warning("a damaged shadow.json is replaced detail=%s", INSP_LOG_QUOTED(damage.detail));
        s.before = (struct insp_shadow_choice){0};
    } else if (!*choice->version && !*s.before.version) {
        return insp_fail(reterr, INSP_E_NOT_FOUND, "%s has no shadow", product);
    }
    s.after.since_us = insp_wall_us() / 1000 * 1000;
    snprintf(s.after.by, sizeof s.after.by, "%s", changer->who);
    quote(s.before.version, from);
    quote(s.after.version, to);
    const struct insp_change change = {.who = changer->who,
                                       .product = product,
                                       .version = *s.after.version ? s.after.version : s.before.version,
                                       .field = "shadow",
                                       .from = from,
                                       .to = to};
    return apply(changer, &change, 1, &(struct insp_change_work){do_shadow, undo_shadow, &s}, reterr);
}

/* --- removal --- */

/* Fails if the version is the shadow of its product. */
static int check_no_shadow(const struct serving *s, struct insp_error *reterr) {
    struct insp_shadow_choice choice;
    struct insp_error damage;
    if (insp_shadow_read(s->state_dir, s->product, &choice, &damage) < 0 ||
        strcmp(choice.version, s->version) != 0)
        return 0;
    return insp_fail(reterr, INSP_E_CONFLICT, "model %s of product %s runs as its shadow: end the shadow first",
                     s->version, s->product);
}

static int do_remove(void *arg, struct insp_error *reterr) {
    const struct serving *s = arg;
    return insp_registry_remove(s->state_dir, s->product, s->version, reterr);
}

int insp_change_remove(const struct insp_changer *changer, const char *product, const char *version,
                       struct insp_error *reterr) {
    struct serving s = {.state_dir = changer->state_dir, .product = product, .version = version};
    const struct insp_change change = {.who = changer->who,
                                       .product = product,
                                       .version = version,
                                       .field = "deleted",
                                       .from = "false",
                                       .to = "true"};
    _cleanup_close_ int fd = -1;
    int r = lock(changer->state_dir, &fd, reterr);
    if (r == 0 && changer->keep)
        r = changer->keep(changer->arg, product, version, reterr);
    if (r == 0)
        r = check_no_shadow(&s, reterr);
    return r < 0 ? r : apply(changer, &change, 1, &(struct insp_change_work){do_remove, NULL, &s}, reterr);
}

/* --- thresholds and review band --- */

struct fields {
    char text[FIELDS][TEXT_BYTES];
};
static const char *const field_name[FIELDS] = {"threshold", "heatmap_threshold", "review"};

static int describe(const struct insp_manifest *manifest, struct fields *ret, struct insp_error *reterr) {
    const struct insp_review *review = &manifest->review;
    json_t *value[FIELDS] = {insp_float_json(manifest->threshold), insp_float_json(manifest->heatmap.threshold),
                             review->on ? json_pack("{s:o, s:o}", "low", insp_float_json(review->low), "high",
                                                    insp_float_json(review->high))
                                        : json_null()};
    bool complete = true;
    for (size_t i = 0; i < FIELDS; i++) {
        _cleanup_free_ char *text =
            value[i] ? json_dumps(value[i], JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
        complete = complete && text;
        snprintf(ret->text[i], TEXT_BYTES, "%s", text ? text : "");
        json_decref(value[i]);
    }
    return complete ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for the record of a change");
}

struct edit {
    const char *state_dir;
    struct insp_manifest *old, *new;
};

static int do_write(void *arg, struct insp_error *reterr) {
    const struct edit *edit = arg;
    return insp_bundle_update_manifest(edit->state_dir, edit->new, reterr);
}

static void undo_write(void *arg) {
    const struct edit *edit = arg;
    struct insp_error error;
    if (insp_bundle_update_manifest(edit->state_dir, edit->old, &error) < 0)
        insp_log_error("a change that could not be recorded could not be undone product=%s model=%s detail=%s",
                       edit->new->product, edit->new->version, INSP_LOG_QUOTED(error.detail));
}

static int write_edit(const struct insp_changer *changer, struct edit *edit, struct insp_error *reterr) {
    struct insp_change change[FIELDS];
    struct fields from, to;
    size_t count = 0;
    int r = describe(edit->old, &from, reterr);
    if (r < 0 || (r = describe(edit->new, &to, reterr)) < 0)
        return r;
    for (size_t i = 0; i < FIELDS; i++)
        if (strcmp(from.text[i], to.text[i]) != 0)
            change[count++] = (struct insp_change){.who = changer->who,
                                                   .product = edit->new->product,
                                                   .version = edit->new->version,
                                                   .field = field_name[i],
                                                   .from = from.text[i],
                                                   .to = to.text[i]};
    return apply(changer, change, count, &(struct insp_change_work){do_write, undo_write, edit}, reterr);
}

static void follow_edit(const char *state_dir, const char *product, const char *version) {
    struct insp_shadow_choice choice;
    struct insp_error error;
    char active[INSP_NAME_BYTES] = "";
    if (insp_shadow_read(state_dir, product, &choice, &error) < 0 || !*choice.version ||
        insp_registry_active(state_dir, product, active, &error) < 0)
        return;
    if (!strcmp(version, active) || !strcmp(version, choice.version))
        follow_change(state_dir, product, true, &choice);
}

int insp_change_manifest(const struct insp_changer *changer, const char *product, const char *version,
                         insp_manifest_edit *edit, void *arg, struct insp_manifest **ret,
                         struct insp_error *reterr) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *old = NULL, *new = NULL;
    _cleanup_close_ int fd = -1;
    int r = lock(changer->state_dir, &fd, reterr);
    if (r == 0)
        r = insp_bundle_read_manifest(changer->state_dir, product, version, &old, reterr);
    if (r == 0)
        r = insp_bundle_read_manifest(changer->state_dir, product, version, &new, reterr);
    if (r == 0)
        r = edit(arg, new, reterr);
    if (r == 0)
        r = write_edit(changer, &(struct edit){changer->state_dir, old, new}, reterr);
    if (r == 0)
        follow_edit(changer->state_dir, product, version);
    if (r == 0)
        *ret = insp_take_ptr(new);
    return r;
}
