#include "core/serving/model_reading.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/model/bundle.h"
#include "core/model/registry.h"
#include "core/serving/loading.h"

#include <string.h>

/* Compares all that a manifest's file says: a part that is left out here would be served as it was before. */
static bool same_manifest(const struct insp_manifest *a, const struct insp_manifest *b) {
    json_t *x = insp_manifest_json(a), *y = insp_manifest_json(b);
    const bool same = json_equal(x, y);
    json_decref(x);
    json_decref(y);
    return same;
}

/* Fills the item from a model on the device, if it has the weights of the version, and its regions. */
static bool reuse(struct insp_model *model, struct insp_manifest **manifest, struct insp_served_model *item,
                  int *ret_code, struct insp_error *reterr) {
    if (!model || strcmp(model->manifest->version, (*manifest)->version) != 0 ||
        strcmp(model->manifest->weights_sha256, (*manifest)->weights_sha256) != 0 ||
        strcmp(model->manifest->good_only.sha256, (*manifest)->good_only.sha256) != 0 ||
        strcmp(model->manifest->logistic.sha256, (*manifest)->logistic.sha256) != 0 ||
        model->manifest->logistic.use != (*manifest)->logistic.use ||
        !insp_field_set_equal(model->manifest->fields, (*manifest)->fields) ||
        !insp_tiles_equal(model->manifest->tiles, (*manifest)->tiles))
        return false;
    *ret_code = 0;
    if (same_manifest(*manifest, model->manifest))
        item->model = insp_model_ref(model);
    else
        *ret_code = insp_model_with_manifest(model, insp_take_ptr(*manifest), &item->model, reterr);
    item->passed = *ret_code == 0 && model->proved;
    return true;
}

/* Reads which version of a product is active, and its manifest. */
static int read_active(const struct insp_model_reading *reading, const char *product, struct insp_manifest **ret,
                       struct insp_error *reterr) {
    const char *state_dir = reading->loader->state_dir;
    char version[INSP_NAME_BYTES] = "";
    int r = insp_registry_active(state_dir, product, version, reterr);
    if (r == 0 && !version[0])
        r = insp_fail(reterr, INSP_E_NOT_READY, "no version is active");
    return r ? r : insp_bundle_read_manifest(state_dir, product, version, ret, reterr);
}

static int load_version(const struct insp_model_reading *reading, const char *product, const char *version,
                        struct insp_model **ret, struct insp_error *reterr) {
    struct insp_model_files files = {0};
    int r = insp_model_read(reading->loader->state_dir, product, version, &files, reterr);
    if (r == 0)
        r = insp_model_loader_check_trunk(reading->loader, files.manifest, INSP_E_MODEL, reterr);
    if (r == 0)
        r = insp_model_loader_make(reading->loader, &files, ret, reterr);
    insp_model_files_clear(&files);
    return r;
}

/* Loads the active version. The manifest alone says whether it belongs to the loaded trunk. ret_version: the
 * version that it tried to load; "" if it could not be read which one. */
static int load(struct insp_model_reading *reading, struct insp_served_model *item,
                char ret_version[INSP_NAME_BYTES], struct insp_error *reterr) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    int r = read_active(reading, item->product, &manifest, reterr);
    ret_version[0] = '\0';
    if (r == 0)
        memcpy(ret_version, manifest->version, INSP_NAME_BYTES);
    if (r == 0)
        r = insp_model_loader_check_trunk(reading->loader, manifest, INSP_E_MODEL, reterr);
    if (r == 0)
        r = load_version(reading, item->product, manifest->version, &item->model, reterr);
    item->passed = r == 0;
    reading->loaded += r == 0;
    return r;
}

/* Checks the files of a serving model. The model stays in memory, but the next start needs its files. */
static void verify_files(const struct insp_model_reading *reading, struct insp_served_model *item) {
    const struct insp_manifest *serving = item->model->manifest;
    const char *state_dir = reading->loader->state_dir;
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    _cleanup_(insp_golden_freep) struct insp_golden *golden = NULL;
    struct insp_error error;
    int r = insp_bundle_read(state_dir, serving->product, serving->version, &manifest, NULL, &error);
    if (r == 0)
        r = insp_bundle_read_golden(state_dir, manifest, &golden, &error);
    item->damage[0] = '\0';
    if (r == 0)
        return;
    memcpy(item->damage, error.detail, sizeof item->damage);
    insp_log_error(
        "files of a serving model are damaged; it keeps serving from memory, but a restart could not load it "
        "product=%s version=%s detail=%s",
        serving->product, serving->version, INSP_LOG_QUOTED(error.detail));
}

static void verify_trunk(struct insp_model_reading *reading) {
    const char *sha256 = insp_engine_trunk_sha256(reading->loader->engine);
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = NULL;
    struct insp_error error;
    if (!*sha256 || insp_trunk_open(reading->loader->state_dir, sha256, &arrays, &error) == 0)
        return;
    memcpy(reading->trunk_damage, error.detail, sizeof reading->trunk_damage);
    insp_log_error("the trunk's file is damaged; it keeps serving from memory, but a restart could not load it "
                   "detail=%s",
                   INSP_LOG_QUOTED(error.detail));
}

/* Makes an item that serves on as before. Its shadow is read anew. */
static void take_over(const struct insp_served_model *old, struct insp_served_model *item) {
    struct insp_served_model fresh = *item;
    *item = *old;
    item->pending = false;
    item->shadow = fresh.shadow;
    item->shadow_pending = fresh.shadow_pending;
    item->shadow_choice = fresh.shadow_choice;
    memcpy(item->refused, fresh.refused, sizeof item->refused);
    memcpy(item->shadow_failure, fresh.shadow_failure, sizeof item->shadow_failure);
    memcpy(item->shadow_refused, fresh.shadow_refused, sizeof item->shadow_refused);
    if (item->model)
        insp_model_ref(item->model);
}

/* Fills an item whose version is on the device, or was tried by the reading that this one continues. Returns 1 if
 * it must be loaded; `refused` says then whether that failed before. */
static int find_loaded(struct insp_model_reading *reading, struct insp_model *offered,
                       struct insp_served_model *item, struct insp_error *reterr) {
    const struct insp_served_model *old = insp_model_list_find(&reading->old, item->product);
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    int r = read_active(reading, item->product, &manifest, reterr);
    if (r)
        return r;
    if (old && reuse(old->model, &manifest, item, &r, reterr)) {
        item->passed = item->passed && old->passed;
        memcpy(item->failure, old->failure, sizeof item->failure);
        memcpy(item->damage, old->damage, sizeof item->damage);
        return r;
    }
    if (reuse(offered, &manifest, item, &r, reterr))
        return r;
    if (old && reuse(old->shadow, &manifest, item, &r, reterr)) /* it is promoted */
        return r;
    if (!old || strcmp(old->refused, manifest->version) != 0)
        return 1;
    memcpy(item->refused, old->refused, sizeof item->refused);
    if (!reading->chained || old->pending)
        return 1;
    take_over(old, item);
    return 0;
}

/* Says whether the reading that this one continues has logged a failure. */
static bool logged(const struct insp_model_reading *reading, bool pending, const char *known,
                   const struct insp_error *error) {
    return reading->chained && !pending && !strcmp(known, error->detail);
}

/* Keeps the model that served in place of a version that cannot be loaded, and notes the error until a reading
 * succeeds. */
static void keep_serving(const struct insp_model_reading *reading, struct insp_served_model *item,
                         const struct insp_error *error) {
    const struct insp_served_model *old = insp_model_list_find(&reading->old, item->product);
    if (!old || !logged(reading, old->pending, old->model ? old->reload_failure : old->failure, error))
        insp_log_warning("model not loaded product=%s code=%s detail=%s", item->product,
                         insp_code_wire(error->code), INSP_LOG_QUOTED(error->detail));
    if (!old || !old->model) {
        memcpy(item->failure, error->detail, sizeof item->failure);
        return;
    }
    take_over(old, item);
    memcpy(item->reload_failure, error->detail, sizeof item->reload_failure);
}

/* Fills in the shadow from a model on the device. Returns 1, and fills nothing, if it must be loaded. */
static int find_shadow(const struct insp_model_reading *reading, struct insp_model *offered,
                       struct insp_served_model *item, struct insp_error *reterr) {
    const struct insp_served_model *old = insp_model_list_find(&reading->old, item->product);
    const char *state_dir = reading->loader->state_dir, *version = item->shadow_choice.version;
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    struct insp_served_model found = {0};
    int r = insp_bundle_read_manifest(state_dir, item->product, version, &manifest, reterr);
    if (r < 0)
        return r;
    if ((old && (reuse(old->shadow, &manifest, &found, &r, reterr) ||
                 reuse(old->model, &manifest, &found, &r, reterr))) ||
        reuse(offered, &manifest, &found, &r, reterr)) {
        item->shadow = found.model;
        return r;
    }
    return 1;
}

/* A shadow's failure concerns no verdict: the API shows it, and the log has it. */
static void note_shadow_failure(const struct insp_model_reading *reading, struct insp_served_model *item,
                                const struct insp_error *error) {
    const struct insp_served_model *old = insp_model_list_find(&reading->old, item->product);
    memcpy(item->shadow_failure, error->detail, sizeof item->shadow_failure);
    if (!old || !logged(reading, old->shadow_pending, old->shadow_failure, error))
        insp_log_warning("shadow not loaded product=%s version=%s code=%s detail=%s", item->product,
                         item->shadow_choice.version, insp_code_wire(error->code), INSP_LOG_QUOTED(error->detail));
}

/* Says whether a shadow must be loaded. If the reading that this one continues failed to, its failure stays. */
static bool must_load_shadow(const struct insp_model_reading *reading, struct insp_served_model *item) {
    const struct insp_served_model *old = insp_model_list_find(&reading->old, item->product);
    if (!old || strcmp(old->shadow_refused, item->shadow_choice.version) != 0)
        return true;
    memcpy(item->shadow_refused, old->shadow_refused, sizeof item->shadow_refused);
    if (!reading->chained || old->shadow_pending)
        return true;
    memcpy(item->shadow_failure, old->shadow_failure, sizeof item->shadow_failure);
    return false;
}

/* Finds the shadow of a product; pending, if it must be loaded. */
static void add_shadow(const struct insp_model_reading *reading, struct insp_model *offered,
                       struct insp_served_model *item) {
    const char *state_dir = reading->loader->state_dir;
    char active[INSP_NAME_BYTES] = "";
    struct insp_error error;
    int r = insp_shadow_read(state_dir, item->product, &item->shadow_choice, &error);
    if (r == 0)
        r = insp_registry_active(state_dir, item->product, active, &error);
    if (r == 0 && !strcmp(active, item->shadow_choice.version))
        item->shadow_choice = (struct insp_shadow_choice){0}; /* it has become active */
    if (r == 0 && *item->shadow_choice.version)
        r = find_shadow(reading, offered, item, &error);
    item->shadow_pending = r == 1 && must_load_shadow(reading, item);
    if (r < 0)
        note_shadow_failure(reading, item, &error);
}

/* Adds a product to the list; pending, if its version must be loaded. */
static void add_product(struct insp_model_reading *reading, const char *product) {
    struct insp_served_model *item = &reading->fresh.item[reading->fresh.count++];
    struct insp_error error;
    memcpy(item->product, product, INSP_NAME_BYTES);
    _cleanup_(insp_model_unrefp) struct insp_model *offered = insp_model_loader_take(reading->loader, product);
    add_shadow(reading, offered, item);
    int r = find_loaded(reading, offered, item, &error);
    if (r < 0)
        keep_serving(reading, item, &error);
    item->pending = r == 1;
}

static void load_pending(struct insp_model_reading *reading, struct insp_served_model *item) {
    char version[INSP_NAME_BYTES];
    struct insp_error error;
    item->pending = false;
    item->refused[0] = '\0';
    reading->tried++;
    if (load(reading, item, version, &error) == 0)
        return;
    keep_serving(reading, item, &error);
    memcpy(item->refused, version, sizeof item->refused);
}

/* Leaves a product to a later reading. The model that it has goes on serving. */
static void put_off(struct insp_model_reading *reading, struct insp_served_model *item) {
    const struct insp_served_model *old = insp_model_list_find(&reading->old, item->product);
    if (old && old->model) {
        take_over(old, item);
    } else {
        snprintf(item->failure, sizeof item->failure, "the model is being loaded");
    }
    item->pending = true;
    reading->pending++;
}

static void load_shadow(struct insp_model_reading *reading, struct insp_served_model *item) {
    struct insp_error error;
    item->shadow_pending = false;
    item->shadow_refused[0] = '\0';
    reading->tried++;
    if (load_version(reading, item->product, item->shadow_choice.version, &item->shadow, &error) == 0) {
        reading->loaded++;
        return;
    }
    note_shadow_failure(reading, item, &error);
    memcpy(item->shadow_refused, item->shadow_choice.version, sizeof item->shadow_refused);
}

/* Says whether the reading may load one more. */
static bool may_load(const struct insp_model_reading *reading) {
    return reading->tried < reading->load_most &&
           (reading->loaded == 0 || !reading->until_us || insp_mono_us() < reading->until_us);
}

/* again: those that failed before. */
static void load_active_ones(struct insp_model_reading *reading, bool again) {
    for (size_t i = 0; i < reading->fresh.count; i++) {
        struct insp_served_model *item = &reading->fresh.item[i];
        if (!item->pending || (*item->refused != '\0') != again)
            continue;
        if (may_load(reading))
            load_pending(reading, item);
        else
            put_off(reading, item);
    }
}

static void load_shadows(struct insp_model_reading *reading, bool wanted, bool again) {
    for (size_t i = 0; i < reading->fresh.count; i++) {
        struct insp_served_model *item = &reading->fresh.item[i];
        if (!item->shadow_pending || (*item->shadow_refused != '\0') != again)
            continue;
        if (wanted && may_load(reading)) {
            load_shadow(reading, item);
        } else {
            snprintf(item->shadow_failure, sizeof item->shadow_failure, "the shadow is being loaded");
            reading->pending++;
        }
    }
}

/* Loads pending versions, as many as the reading may: the one that was asked for first, and shadows once every
 * active version is loaded. A version that failed before holds up no other one. */
static void load_some(struct insp_model_reading *reading) {
    struct insp_served_model *asked = insp_model_list_find(&reading->fresh, reading->asked);
    if (asked && asked->pending)
        load_pending(reading, asked);
    load_active_ones(reading, false);
    load_active_ones(reading, true);
    const bool shadows = reading->pending == 0 && !reading->active_only;
    load_shadows(reading, shadows, false);
    load_shadows(reading, shadows, true);
}

static bool listed(const struct insp_names *names, const char *name) {
    for (size_t i = 0; i < names->count; i++)
        if (!strcmp(names->name[i], name))
            return true;
    return false;
}

int insp_model_reading_read(struct insp_model_reading *reading, struct insp_error *reterr) {
    struct insp_names products = {0};
    int r = insp_registry_products(reading->loader->state_dir, &products, reterr);
    if (r < 0)
        return r;
    reading->fresh.item = calloc(products.count + reading->old.count + 1, sizeof *reading->fresh.item);
    if (!reading->fresh.item)
        r = insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu products", products.count);
    for (size_t i = 0; r == 0 && i < products.count; i++)
        add_product(reading, products.name[i]);
    /* Treat a product whose folder is gone like one whose version cannot be read: its model keeps serving. */
    for (size_t i = 0; r == 0 && i < reading->old.count; i++)
        if (reading->old.item[i].model && !listed(&products, reading->old.item[i].product))
            add_product(reading, reading->old.item[i].product);
    if (r == 0)
        load_some(reading);
    for (size_t i = 0; r == 0 && reading->verify && i < reading->fresh.count; i++)
        if (reading->fresh.item[i].model)
            verify_files(reading, &reading->fresh.item[i]);
    if (r == 0 && reading->verify)
        verify_trunk(reading);
    insp_names_clear(&products);
    return r;
}

void insp_model_reading_clear(struct insp_model_reading *reading) {
    insp_model_list_clear(&reading->old);
    insp_model_list_clear(&reading->fresh);
}
