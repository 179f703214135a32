#include "core/serving/model_loader.h"

#include "core/base/log.h"
#include "core/inspect/scoring.h"
#include "core/model/bundle.h"
#include "core/model/registry.h"
#include "core/serving/loading.h"
#include "core/serving/prove.h"

#include <malloc.h>
#include <string.h>

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

static bool serves(struct insp_model_loader *loader, const char *product, const char *version, bool as_shadow) {
    bool found = false;
    pthread_mutex_lock(&loader->lock);
    for (size_t i = 0; i < loader->serving_count; i++)
        found = found || (!strcmp(loader->serving[i].product, product) &&
                          !strcmp(loader->serving[i].version, version) && loader->serving[i].shadow == as_shadow);
    pthread_mutex_unlock(&loader->lock);
    return found;
}

bool insp_model_loader_judges(struct insp_model_loader *loader, const char *product, const char *version) {
    return serves(loader, product, version, false);
}

bool insp_model_loader_serves(struct insp_model_loader *loader, const char *product, const char *version) {
    return serves(loader, product, version, false) || serves(loader, product, version, true);
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
            names[n].shadow = k == 1;
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

struct insp_model *insp_model_loader_take(struct insp_model_loader *loader, const char *product) {
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
    const struct insp_shot shot = {.model = q->model,
                                   .rgb = q->rgb,
                                   .field = insp_field_of(q->model->manifest->fields, NULL),
                                   .single = true};
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

int insp_model_loader_make(struct insp_model_loader *loader, struct insp_model_files *files,
                           struct insp_model **ret, struct insp_error *reterr) {
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

int insp_model_loader_check_trunk(const struct insp_model_loader *loader, const struct insp_manifest *manifest,
                                  int code, struct insp_error *reterr) {
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
        r = insp_model_loader_check_trunk(loader, files.manifest, INSP_E_CONFLICT, reterr);
    if (r == 0)
        r = insp_model_loader_make(loader, &files, &model, reterr);
    if (r == 0)
        offer(loader, model);
    insp_model_files_clear(&files);
    return r;
}
