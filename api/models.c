#include "api/models.h"

#include "core/base/cleanup.h"
#include "core/base/log.h"
#include "core/model/bundle.h"
#include "core/model/registry.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* CPU kernels answer the same bits each time; half precision on CUDA may pick another kernel for another batch
 * size. */
static const float tolerance_cpu = 1e-4f, tolerance_cuda = 2e-2f;

struct list {
    size_t count;
    struct api_model *item;
};

struct api_models {
    struct insp_engine *engine;
    const char *state_dir;
    struct list list;
    bool reloading, testing;
    bool reload_again;
    char failure[INSP_ERROR_DETAIL_BYTES]; /* why the registry itself could not be read again; "" */
    api_models_changed *changed;           /* may be NULL */
    void *changed_arg;
    struct waiter *waiters; /* for the reading after the present one */
    size_t test_place;
    struct insp_score score; /* of the self-test */
    float *pixels;
};

struct waiter {
    api_models_done *done;
    void *arg;
    struct waiter *next;
};

/* One pass over the registry on the inference thread. `old` is a copy of the loop's list with own references. */
struct reload {
    struct api_models *models;
    const char *state_dir;
    struct list old, fresh;
    struct waiter *waiters; /* answered when this pass is through */
};

static void list_clear(struct list *list) {
    for (size_t i = 0; i < list->count; i++)
        insp_model_unref(list->item[i].model);
    free(list->item);
    *list = (struct list){0};
}

static int list_copy(const struct list *list, struct list *ret) {
    struct list copy = {.count = list->count, .item = calloc(list->count + 1, sizeof *copy.item)};
    if (!copy.item)
        return INSP_E_NOMEM;
    for (size_t i = 0; i < list->count; i++) {
        copy.item[i] = list->item[i];
        if (copy.item[i].model)
            insp_model_ref(copy.item[i].model);
    }
    *ret = copy;
    return 0;
}

static struct api_model *list_find(const struct list *list, const char *product) {
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->item[i].product, product))
            return &list->item[i];
    return NULL;
}

static bool same_decision(const struct insp_manifest *a, const struct insp_manifest *b) {
    const struct insp_review *x = &a->review, *y = &b->review;
    return a->threshold == b->threshold && x->on == y->on && x->low == y->low && x->high == y->high &&
           a->heatmap.scale == b->heatmap.scale && a->heatmap.threshold == b->heatmap.threshold &&
           a->heatmap.low == b->heatmap.low && a->heatmap.high == b->heatmap.high;
}

/* The old entry where version, weights and thresholds are as they were. */
static const struct api_model *unchanged(const struct reload *reload, const char *product, const char *version) {
    const struct api_model *old = list_find(&reload->old, product);
    if (!old || !old->model || strcmp(old->model->manifest->version, version))
        return NULL;
    struct insp_manifest *manifest = NULL;
    if (insp_bundle_read(reload->state_dir, product, version, &manifest, NULL, NULL))
        return NULL; /* loading will say what is wrong */
    bool same = same_decision(manifest, old->model->manifest) &&
                !strcmp(manifest->weights_sha256, old->model->manifest->weights_sha256);
    insp_manifest_free(manifest);
    return same ? old : NULL;
}

/* Stripes, a gradient and a spot: every early filter answers to some of it. */
static void draw(const struct insp_transform *transform, float *ret_pixels) {
    uint8_t *rgb = calloc((size_t)INSP_INPUT_SIDE * INSP_INPUT_SIDE, 3);
    if (!rgb) {
        memset(ret_pixels, 0, INSP_INPUT_FLOATS * sizeof *ret_pixels);
        return;
    }
    for (int y = 0; y < INSP_INPUT_SIDE; y++)
        for (int x = 0; x < INSP_INPUT_SIDE; x++) {
            uint8_t *p = rgb + 3 * ((size_t)y * INSP_INPUT_SIDE + (size_t)x);
            bool spot = (x - 150) * (x - 150) + (y - 80) * (y - 80) < 400;
            p[0] = (uint8_t)(x / 8 % 2 ? 190 : 110);
            p[1] = (uint8_t)(y / 6 % 2 ? 170 : 90);
            p[2] = (uint8_t)(spot ? 20 : (x + y) / 2);
        }
    insp_transform_apply(transform, rgb, ret_pixels);
    free(rgb);
}

bool api_models_answer_well(float probability, bool golden_known, float golden, float tolerance) {
    return isfinite(probability) && probability >= 0 && probability <= 1 &&
           (!golden_known || fabsf(probability - golden) <= tolerance);
}

/* A new model's first self-test, before it is swapped in: it serves from its first moment on, and one that answers
 * nonsense never does. Inference thread. */
static int prove(struct insp_trunk *trunk, struct api_model *item, struct insp_error *reterr) {
    float probability, cam[INSP_MAP_FLOATS];
    _cleanup_free_ float *pixels = calloc(INSP_INPUT_FLOATS, sizeof *pixels);
    if (!pixels)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the self-test");
    draw(&item->model->manifest->input, pixels);
    struct insp_tail *tail = item->model->tail;
    int code = insp_score(trunk, &tail, pixels, 1, &probability, cam, reterr);
    if (code)
        return code;
    if (!api_models_answer_well(probability, false, 0, 0))
        return insp_fail(reterr, INSP_E_MODEL, "self-test answered %g, expected 0 to 1", (double)probability);
    item->golden = probability;
    item->golden_known = item->passed = true;
    return 0;
}

static int load_one(struct reload *reload, struct insp_device *device, struct insp_trunk *trunk,
                    struct api_model *item, struct insp_error *reterr) {
    char version[INSP_NAME_BYTES] = "";
    int code = insp_registry_active(reload->state_dir, item->product, version, reterr);
    if (code)
        return code;
    if (!version[0])
        return insp_fail(reterr, INSP_E_NOT_READY, "no version is active");
    const struct api_model *old = unchanged(reload, item->product, version);
    if (old) {
        *item = *old;
        item->reload_failure[0] = 0; /* the active version is the one that serves, whatever was active meanwhile */
        insp_model_ref(item->model);
        return 0;
    }
    struct insp_model *model = NULL;
    if ((code = insp_model_load(device, reload->state_dir, item->product, version, &model, reterr)))
        return code;
    const char *loaded = insp_engine_trunk_sha256(reload->models->engine);
    item->model = model;
    if (strcmp(model->trunk_sha256, loaded))
        code = insp_fail(reterr, INSP_E_MODEL, "version %s was trained on trunk %.12s, loaded is %.12s", version,
                         model->trunk_sha256, loaded[0] ? loaded : "none");
    else
        code = prove(trunk, item, reterr);
    if (code) {
        insp_model_unref(model);
        item->model = NULL;
    }
    return code;
}

/* A version that cannot be loaded does not take the product off the line: the one that served goes on, and says so
 * until a reading goes well. */
static void keep_serving(const struct reload *reload, struct api_model *item, const struct insp_error *error) {
    const struct api_model *old = list_find(&reload->old, item->product);
    if (!old || !old->model) {
        memcpy(item->failure, error->detail, sizeof item->failure);
        return;
    }
    *item = *old;
    insp_model_ref(item->model);
    memcpy(item->reload_failure, error->detail, sizeof item->reload_failure);
}

static int load_all(struct insp_device *device, struct insp_trunk *trunk, void *arg, struct insp_error *reterr) {
    struct reload *reload = arg;
    struct insp_names products = {0};
    int code = insp_registry_products(reload->state_dir, &products, reterr);
    if (code)
        return code;
    reload->fresh.item = calloc(products.count + 1, sizeof *reload->fresh.item);
    if (!reload->fresh.item)
        code = insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu products", products.count);
    for (size_t i = 0; !code && i < products.count; i++) {
        struct api_model *item = &reload->fresh.item[reload->fresh.count++];
        struct insp_error error = {0};
        memcpy(item->product, products.name[i], INSP_NAME_BYTES);
        if (load_one(reload, device, trunk, item, &error)) {
            insp_log_warning("model not loaded product=%s code=%s detail=\"%s\"", item->product,
                             insp_code_wire(error.code), error.detail);
            keep_serving(reload, item, &error);
        }
    }
    insp_names_clear(&products);
    return code;
}

int api_models_new(struct insp_engine *engine, const char *state_dir, struct api_models **ret,
                   struct insp_error *reterr) {
    struct api_models *models = calloc(1, sizeof *models);
    if (models)
        models->pixels = calloc(INSP_INPUT_FLOATS, sizeof *models->pixels);
    if (!models || !models->pixels) {
        free(models);
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the models");
    }
    models->engine = engine;
    models->state_dir = state_dir;
    struct reload reload = {.models = models, .state_dir = state_dir};
    int code = insp_engine_call(engine, load_all, NULL, &reload, true, reterr);
    if (code) {
        list_clear(&reload.fresh);
        api_models_free(models);
        return code;
    }
    models->list = reload.fresh;
    *ret = models;
    return 0;
}

void api_models_free(struct api_models *models) {
    if (!models)
        return;
    list_clear(&models->list);
    free(models->pixels);
    free(models);
}

static void answer(struct waiter *waiters) {
    while (waiters) {
        struct waiter *waiter = waiters;
        waiters = waiter->next;
        waiter->done(waiter->arg);
        free(waiter);
    }
}

static void start_reload(struct api_models *models);

void api_models_on_change(struct api_models *models, api_models_changed *changed, void *arg) {
    models->changed = changed;
    models->changed_arg = arg;
}

static void tell_changes(const struct api_models *models, const struct list *old) {
    for (size_t i = 0; models->changed && i < models->list.count; i++) {
        const struct api_model *item = &models->list.item[i], *before = list_find(old, item->product);
        if (item->model && (!before || before->model != item->model))
            models->changed(models->changed_arg, item->product, item->model->manifest->version);
    }
}

static void reloaded(void *arg, int code, const struct insp_error *error) {
    struct reload *reload = arg;
    struct api_models *models = reload->models;
    models->reloading = false;
    if (code) {
        insp_log_error("models not read again code=%s detail=\"%s\"", insp_code_wire(code), error->detail);
        memcpy(models->failure, error->detail, sizeof models->failure);
        list_clear(&reload->fresh);
    } else {
        models->failure[0] = 0;
        list_clear(&models->list);
        models->list = reload->fresh;
        tell_changes(models, &reload->old);
        insp_log_info("models read again products=%zu", models->list.count);
        api_models_test(models);
    }
    list_clear(&reload->old);
    answer(reload->waiters);
    free(reload);
    if (models->reload_again)
        start_reload(models);
}

/* Takes over the waiters that have gathered; they are answered even where the reading cannot start. */
static void start_reload(struct api_models *models) {
    struct waiter *waiters = models->waiters;
    models->waiters = NULL;
    models->reload_again = false;
    struct reload *reload = calloc(1, sizeof *reload);
    struct insp_error error = {0};
    int code = reload ? list_copy(&models->list, &reload->old) : INSP_E_NOMEM;
    if (!code) {
        reload->models = models;
        reload->state_dir = models->state_dir;
        reload->waiters = waiters;
        models->reloading = true;
        code = insp_engine_call(models->engine, load_all, reloaded, reload, false, &error);
    }
    if (code) {
        models->reloading = false;
        insp_log_error("models not read again code=%s", insp_code_wire(code));
        snprintf(models->failure, sizeof models->failure, "%s", insp_code_title(code));
        if (reload)
            list_clear(&reload->old);
        free(reload);
        answer(waiters);
    }
}

void api_models_reload(struct api_models *models, api_models_done *done, void *arg) {
    struct waiter *waiter = done ? malloc(sizeof *waiter) : NULL;
    if (waiter) {
        *waiter = (struct waiter){done, arg, models->waiters};
        models->waiters = waiter;
    }
    models->reload_again = true;
    if (!models->reloading)
        start_reload(models);
    if (done && !waiter) /* without memory the caller is told at once; the reading goes on */
        done(arg);
}

static void test_next(struct api_models *models);

static void judge(struct api_model *item, const struct insp_score *score, bool cuda) {
    bool well = !score->code && api_models_answer_well(score->probability, item->golden_known, item->golden,
                                                       cuda ? tolerance_cuda : tolerance_cpu);
    if (score->code)
        memcpy(item->failure, score->error.detail, sizeof item->failure);
    else if (!well)
        snprintf(item->failure, sizeof item->failure, "self-test answered %g, expected %g",
                 (double)score->probability, (double)item->golden);
    else
        item->failure[0] = 0;
    if (!item->golden_known && well) {
        item->golden_known = true;
        item->golden = score->probability;
    }
    if (item->passed != well)
        insp_log(well ? INSP_LOG_INFO : INSP_LOG_ERROR, "self-test product=%s version=%s passed=%s%s%s",
                 item->product, item->model->manifest->version, well ? "yes" : "no",
                 well ? "" : " detail=", item->failure);
    item->passed = well;
}

static void tested(struct insp_score *score) {
    struct api_models *models = score->data;
    struct insp_engine_status status;
    insp_engine_status(models->engine, &status);
    /* A reload may have put another model in this place: then the answer belongs to nobody. */
    struct api_model *item =
        models->test_place < models->list.count ? &models->list.item[models->test_place] : NULL;
    if (item && item->model == score->model)
        judge(item, score, !strncmp(status.device, "cuda", 4));
    insp_model_unref(score->model);
    models->test_place++;
    test_next(models);
}

static void test_next(struct api_models *models) {
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there are items where count is not 0 */
    while (models->test_place < models->list.count && !models->list.item[models->test_place].model)
        models->test_place++;
    if (models->test_place >= models->list.count) {
        models->testing = false;
        return;
    }
    struct insp_model *model = insp_model_ref(models->list.item[models->test_place].model);
    draw(&model->manifest->input, models->pixels);
    models->score = (struct insp_score){.model = model, .pixels = models->pixels, .done = tested, .data = models};
    insp_engine_submit(models->engine, &models->score);
}

void api_models_test(struct api_models *models) {
    if (models->testing)
        return;
    models->testing = true;
    models->test_place = 0;
    test_next(models);
}

bool api_models_busy(const struct api_models *models) {
    return models->testing || models->reloading;
}

bool api_models_ready(const struct api_models *models) {
    for (size_t i = 0; i < models->list.count; i++)
        if (models->list.item[i].passed)
            return true;
    return false;
}

int api_models_get(struct api_models *models, const char *product, struct insp_model **ret,
                   struct insp_error *reterr) {
    const struct api_model *item = list_find(&models->list, product);
    if (!item)
        return insp_fail(reterr, INSP_E_UNKNOWN_PRODUCT,
                         "no product is named \"%.64s\"; GET /v1/products lists them", product);
    if (!item->model || !item->passed)
        return insp_fail(reterr, INSP_E_NOT_READY, "product %s: %s", item->product,
                         item->failure[0] ? item->failure : "the model's self-test has not run yet");
    *ret = insp_model_ref(item->model);
    return 0;
}

size_t api_models_count(const struct api_models *models) {
    return models->list.count;
}

const struct api_model *api_models_at(const struct api_models *models, size_t place) {
    return &models->list.item[place];
}

const char *api_models_failure(const struct api_models *models) {
    return models->failure;
}

static const char *failure_of(const struct api_model *item) {
    return item->failure[0] ? item->failure : item->reload_failure[0] ? item->reload_failure : NULL;
}

json_t *api_models_json(const struct api_models *models) {
    json_t *all = json_object();
    for (size_t i = 0; all && i < models->list.count; i++) {
        const struct api_model *item = &models->list.item[i];
        json_t *one = json_pack("{s:s?,s:b,s:s?}", "version", item->model ? item->model->manifest->version : NULL,
                                "ready", item->passed, "failure", failure_of(item));
        json_object_set_new(all, item->product, one);
    }
    return all;
}
