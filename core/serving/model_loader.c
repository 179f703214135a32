#include "core/serving/model_loader.h"

#include "core/base/log.h"
#include "core/inspect/scoring.h"
#include "core/model/bundle.h"
#include "core/model/registry.h"
#include "core/serving/prove.h"

#include <malloc.h>
#include <pthread.h>
#include <string.h>

struct insp_model_loader {
    struct insp_engine *engine;
    const char *state_dir;
    pthread_mutex_t packing; /* one thread at a time loads onto the device */
    pthread_mutex_t lock;
    struct insp_model *offered; /* under the lock; owned reference or NULL */
    struct serving_name {
        char product[INSP_NAME_BYTES], version[INSP_NAME_BYTES];
    } * serving; /* under the lock; owned */
    size_t serving_count;
};

int insp_model_loader_new(struct insp_engine *engine, const char *state_dir, struct insp_model_loader **ret,
                          struct insp_error *reterr) {
    struct insp_model_loader *loader = calloc(1, sizeof *loader);
    if (!loader)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the models");
    loader->engine = engine;
    loader->state_dir = state_dir;
    pthread_mutex_init(&loader->lock, NULL);
    pthread_mutex_init(&loader->packing, NULL);
    *ret = loader;
    return 0;
}

void insp_model_loader_free(struct insp_model_loader *loader) {
    if (!loader)
        return;
    insp_model_unref(loader->offered);
    free(loader->serving);
    pthread_mutex_destroy(&loader->lock);
    pthread_mutex_destroy(&loader->packing);
    free(loader);
}

/* --- serving versions --- */

bool insp_model_loader_serves(struct insp_model_loader *loader, const char *product, const char *version) {
    bool found = false;
    pthread_mutex_lock(&loader->lock);
    for (size_t i = 0; i < loader->serving_count; i++)
        found = found ||
                (!strcmp(loader->serving[i].product, product) && !strcmp(loader->serving[i].version, version));
    pthread_mutex_unlock(&loader->lock);
    return found;
}

int insp_model_loader_note_serving(struct insp_model_loader *loader, const struct insp_model_list *list) {
    struct serving_name *names = calloc(2 * list->count + 1, sizeof *names);
    size_t n = 0;
    if (!names)
        return INSP_E_NOMEM;
    for (size_t i = 0; i < list->count; i++) {
        const struct insp_model *models[] = {list->item[i].model, list->item[i].shadow};
        for (size_t k = 0; k < INSP_COUNT(models); k++) {
            if (!models[k])
                continue;
            memcpy(names[n].product, list->item[i].product, INSP_NAME_BYTES);
            memcpy(names[n++].version, models[k]->manifest->version, INSP_NAME_BYTES);
        }
    }
    pthread_mutex_lock(&loader->lock);
    struct serving_name *before = loader->serving;
    loader->serving = names;
    loader->serving_count = n;
    pthread_mutex_unlock(&loader->lock);
    free(before);
    return 0;
}

/* --- proving a version --- */

static void offer(struct insp_model_loader *loader, struct insp_model *model) {
    pthread_mutex_lock(&loader->lock);
    struct insp_model *before = loader->offered;
    loader->offered = model;
    pthread_mutex_unlock(&loader->lock);
    insp_model_unref(before);
}

void insp_model_loader_withdraw(struct insp_model_loader *loader) {
    offer(loader, NULL);
}

/* Takes the model offered for this product out of the loader; NULL for none. */
static struct insp_model *take_offered(struct insp_model_loader *loader, const char *product) {
    struct insp_model *taken = NULL;
    pthread_mutex_lock(&loader->lock);
    if (loader->offered && !strcmp(loader->offered->manifest->product, product)) {
        taken = loader->offered;
        loader->offered = NULL;
    }
    pthread_mutex_unlock(&loader->lock);
    return taken;
}

/* Holds a picture to be scored on the inference thread. */
struct question {
    struct insp_model *model;
    const uint8_t *rgb;
    float *probability, *map;
};

static int ask_work(struct insp_device *device, struct insp_trunk *trunk, void *arg, struct insp_error *reterr) {
    struct question *q = arg;
    (void)device;
    if (!trunk)
        return insp_fail(reterr, INSP_E_NOT_READY, "no trunk is loaded");
    const struct insp_shot shot = {q->model, q->rgb, insp_field_of(q->model->manifest->fields, NULL)};
    return insp_model_score(trunk, &shot, 1, q->probability, q->map, NULL, reterr);
}

static int ask(void *arg, struct insp_model *model, const uint8_t *rgb, float *ret_probability, float *ret_map,
               struct insp_error *reterr) {
    struct question question = {model, rgb, ret_probability, ret_map};
    return insp_engine_call(arg, ask_work, NULL, &question, true, reterr);
}

struct loading {
    struct insp_model_files *files;
    struct insp_model *model;
};

static int load_work(struct insp_device *device, struct insp_trunk *trunk, void *arg, struct insp_error *reterr) {
    struct loading *loading = arg;
    (void)trunk;
    return insp_model_new(device, loading->files, &loading->model, reterr);
}

/* Loads a model. The packed kernels pack on the calling thread, so the line does not wait. libtorch keeps a
 * team of threads for each calling thread, so there the inference thread copies the weights. */
static int load_model(struct insp_model_loader *loader, struct insp_model_files *files, struct insp_model **ret,
                      struct insp_error *reterr) {
    struct insp_device *device = insp_engine_device(loader->engine);
    struct loading loading = {.files = files};
    int r;
    if (insp_device_is_packed(device)) {
        pthread_mutex_lock(&loader->packing);
        r = load_work(device, NULL, &loading, reterr);
        pthread_mutex_unlock(&loader->packing);
    } else {
        r = insp_engine_call(loader->engine, load_work, NULL, &loading, true, reterr);
    }
    *ret = loading.model;
    return r;
}

/* Loads and proves a model. Each sample is a separate pass, so inspections run between them. */
static int make_proved(struct insp_model_loader *loader, struct insp_model_files *files, struct insp_model **ret,
                       struct insp_error *reterr) {
    _cleanup_(insp_model_unrefp) struct insp_model *model = NULL;
    const struct insp_prover prover = {
        .score = ask, .arg = loader->engine, .cuda = insp_device_is_cuda(insp_engine_device(loader->engine))};
    int r = load_model(loader, files, &model, reterr);
    if (r == 0)
        r = insp_prove_by(&prover, model, files->golden, reterr);
    if (r == 0 && !model->sampled)
        insp_log_warning("a model without golden samples serves: its self-test only shows that it tells two drawn "
                         "pictures apart "
                         "product=%s version=%s",
                         model->manifest->product, model->manifest->version);
    if (r == 0)
        *ret = insp_take_ptr(model);
    return r;
}

/* Checks that a version belongs to the loaded trunk; the daemon serves only one. A daemon that started without
 * a trunk loads that of the first version. */
static int check_trunk(const struct insp_model_loader *loader, const struct insp_manifest *manifest, int code,
                       struct insp_error *reterr) {
    int r = 0;
    if (!*insp_engine_trunk_sha256(loader->engine))
        r = insp_engine_open_trunk(loader->engine, loader->state_dir, manifest->trunk_sha256, reterr);
    if (r < 0 && r != INSP_E_CONFLICT)
        return r;
    const char *loaded = insp_engine_trunk_sha256(loader->engine);
    if (!strcmp(manifest->trunk_sha256, loaded))
        return 0;
    return insp_fail(
        reterr, code,
        "%s %s was trained on trunk %.12s, but the daemon serves trunk %.12s: change the default trunk (`inspectd "
        "trunk list` shows them) and restart the daemon, or train again",
        manifest->product, manifest->version, manifest->trunk_sha256, loaded);
}

int insp_model_loader_prove(struct insp_model_loader *loader, const char *product, const char *version,
                            struct insp_error *reterr) {
    struct insp_model_files files = {0};
    struct insp_model *model = NULL;
    int r = insp_model_read(loader->state_dir, product, version, &files, reterr);
    if (r == 0)
        r = check_trunk(loader, files.manifest, INSP_E_CONFLICT, reterr);
    if (r == 0)
        r = make_proved(loader, &files, &model, reterr);
    if (r == 0)
        offer(loader, model);
    insp_model_files_clear(&files);
    return r;
}

/* --- reading all versions --- */

static bool same_decision(const struct insp_manifest *a, const struct insp_manifest *b) {
    const struct insp_review *x = &a->review, *y = &b->review;
    const struct insp_heat_params *p = &a->heatmap, *q = &b->heatmap;
    return a->threshold == b->threshold && x->on == y->on && x->low == y->low && x->high == y->high &&
           p->scale == q->scale && p->threshold == q->threshold && p->low == q->low && p->high == q->high;
}

/* Fills the item from a model on the device, if it has the weights of the version, and its regions. */
static bool reuse(struct insp_model *model, struct insp_manifest **manifest, struct insp_served_model *item,
                  int *ret_code, struct insp_error *reterr) {
    if (!model || strcmp(model->manifest->version, (*manifest)->version) != 0 ||
        strcmp(model->manifest->weights_sha256, (*manifest)->weights_sha256) != 0 ||
        strcmp(model->manifest->good_only.sha256, (*manifest)->good_only.sha256) != 0 ||
        strcmp(model->manifest->logistic.sha256, (*manifest)->logistic.sha256) != 0 ||
        model->manifest->logistic.use != (*manifest)->logistic.use ||
        !insp_field_set_equal(model->manifest->fields, (*manifest)->fields))
        return false;
    *ret_code = 0;
    if (same_decision(*manifest, model->manifest))
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

static int load(struct insp_model_reading *reading, struct insp_served_model *item, struct insp_error *reterr) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    struct insp_model_files files = {0};
    int r = read_active(reading, item->product, &manifest, reterr);
    if (r == 0)
        r = check_trunk(reading->loader, manifest, INSP_E_MODEL, reterr);
    if (r == 0)
        r = insp_model_read(reading->loader->state_dir, item->product, manifest->version, &files, reterr);
    if (r == 0)
        r = make_proved(reading->loader, &files, &item->model, reterr);
    insp_model_files_clear(&files);
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

/* Fills an item whose version is on the device. Returns 1, and fills nothing, if it must be loaded. */
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
    return old && reuse(old->shadow, &manifest, item, &r, reterr) ? r : 1; /* it is promoted */
}

/* Makes an item that serves on as before. Its shadow is read anew. */
static void take_over(const struct insp_served_model *old, struct insp_served_model *item) {
    struct insp_served_model fresh = *item;
    *item = *old;
    item->shadow = fresh.shadow;
    item->shadow_choice = fresh.shadow_choice;
    memcpy(item->shadow_failure, fresh.shadow_failure, sizeof item->shadow_failure);
    insp_model_ref(item->model);
}

/* Keeps the model that served in place of a version that cannot be loaded, and notes the error until a reading
 * succeeds. */
static void keep_serving(const struct insp_model_reading *reading, struct insp_served_model *item,
                         const struct insp_error *error) {
    const struct insp_served_model *old = insp_model_list_find(&reading->old, item->product);
    insp_log_warning("model not loaded product=%s code=%s detail=%s", item->product, insp_code_wire(error->code),
                     INSP_LOG_QUOTED(error->detail));
    if (!old || !old->model) {
        memcpy(item->failure, error->detail, sizeof item->failure);
        return;
    }
    take_over(old, item);
    item->pending = false;
    memcpy(item->reload_failure, error->detail, sizeof item->reload_failure);
}

/* Loads a version that is no active one. */
static int load_version(struct insp_model_reading *reading, const char *product, const char *version,
                        struct insp_model **ret, struct insp_error *reterr) {
    struct insp_model_files files = {0};
    int r = insp_model_read(reading->loader->state_dir, product, version, &files, reterr);
    if (r == 0)
        r = check_trunk(reading->loader, files.manifest, INSP_E_MODEL, reterr);
    if (r == 0)
        r = make_proved(reading->loader, &files, ret, reterr);
    insp_model_files_clear(&files);
    return r;
}

static int find_shadow(struct insp_model_reading *reading, struct insp_model *offered,
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
    return load_version(reading, item->product, version, &item->shadow, reterr);
}

/* Finds or loads the shadow of a product. Its failure concerns no verdict: the API shows it, and the log has it.
 */
static void add_shadow(struct insp_model_reading *reading, struct insp_model *offered,
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
    if (r == 0)
        return;
    memcpy(item->shadow_failure, error.detail, sizeof item->shadow_failure);
    insp_log_warning("shadow not loaded product=%s version=%s code=%s detail=%s", item->product,
                     item->shadow_choice.version, insp_code_wire(r), INSP_LOG_QUOTED(error.detail));
}

/* Adds a product to the list; pending, if its version must be loaded. */
static void add_product(struct insp_model_reading *reading, const char *product) {
    struct insp_served_model *item = &reading->fresh.item[reading->fresh.count++];
    struct insp_error error;
    memcpy(item->product, product, INSP_NAME_BYTES);
    _cleanup_(insp_model_unrefp) struct insp_model *offered = take_offered(reading->loader, product);
    add_shadow(reading, offered, item);
    int r = find_loaded(reading, offered, item, &error);
    if (r < 0)
        keep_serving(reading, item, &error);
    item->pending = r == 1;
}

static void load_pending(struct insp_model_reading *reading, struct insp_served_model *item) {
    struct insp_error error;
    item->pending = false;
    if (load(reading, item, &error) < 0)
        keep_serving(reading, item, &error);
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

/* Loads pending versions, the one that was asked for first, as many as the reading may. */
static void load_some(struct insp_model_reading *reading) {
    struct insp_served_model *asked = insp_model_list_find(&reading->fresh, reading->asked);
    size_t left = reading->load_most;
    if (asked && asked->pending) {
        load_pending(reading, asked);
        left--;
    }
    for (size_t i = 0; i < reading->fresh.count; i++) {
        struct insp_served_model *item = &reading->fresh.item[i];
        if (!item->pending)
            continue;
        if (left > 0) {
            load_pending(reading, item);
            left--;
        } else {
            put_off(reading, item);
        }
    }
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
