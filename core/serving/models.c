#include "core/serving/models.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/serving/model_reading.h"
#include "core/serving/prove.h"

#include <math.h>
#include <string.h>

/* A start waits for the first products only, and a reading swaps in what it has loaded before it goes on: loading
 * and proving a version takes tenths of a second on two cores, and a hundredth on a GPU. */
enum { LOADED_AT_START = 8, START_US = 300000, LOADED_AT_ONCE = 4 };

struct insp_models {
    struct insp_lanes *lanes;
    struct insp_engine *engine;
    struct insp_model_loader *loader;
    struct insp_model_list list;
    bool reloading, testing;
    bool reload_again, verify_next;
    bool stopped;                               /* nothing more is loaded for pending products */
    char asked[INSP_NAME_BYTES];                /* the pending product that was asked for last; "" */
    char failure[INSP_ERROR_DETAIL_BYTES];      /* error of the last reading of the registry; "" */
    char trunk_damage[INSP_ERROR_DETAIL_BYTES]; /* of the trunk's file; "" */
    insp_models_changed *changed;               /* may be NULL */
    void *changed_arg;
    struct waiter *waiters; /* wait for the next reading */
    size_t test_place;
    struct insp_score score; /* of the self-test */
    uint8_t *rgb;            /* of the self-test */
    float cam[INSP_MAP_FLOATS];
};

struct waiter {
    insp_models_done *done;
    void *arg;
    struct waiter *next;
};

/* Holds a reading in progress: it goes from the loop to lane CHORE and back. */
struct reload {
    struct insp_models *models;
    struct insp_model_reading reading;
    struct insp_task task;
    int code;
    struct insp_error error;
    struct waiter *waiters; /* called when this reading has ended */
};

/* --- starting and stopping --- */

static int load_now(struct insp_models *models, struct insp_error *reterr) {
    struct insp_model_reading reading = {.loader = models->loader,
                                         .load_most = LOADED_AT_START,
                                         .until_us = insp_mono_us() + START_US,
                                         .active_only = true};
    int r = insp_model_reading_read(&reading, reterr);
    if (r == 0)
        models->list = reading.fresh;
    if (r == 0)
        reading.fresh = (struct insp_model_list){0};
    if (r == 0 && insp_model_loader_note_serving(models->loader, &models->list) < 0)
        r = insp_fail(reterr, INSP_E_NOMEM, "no memory for the models");
    if (r == 0)
        insp_log_info("models loaded products=%zu loaded=%zu pending=%zu", models->list.count, reading.loaded,
                      reading.pending);
    insp_model_reading_clear(&reading);
    return r;
}

int insp_models_new(struct insp_lanes *lanes, struct insp_engine *engine, const char *state_dir,
                    struct insp_models **ret, struct insp_error *reterr) {
    struct insp_models *models = calloc(1, sizeof *models);
    if (models)
        models->rgb = malloc(INSP_PROVE_RGB_BYTES);
    if (!models || !models->rgb) {
        free(models);
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the models");
    }
    insp_prove_draw(0, models->rgb);
    models->lanes = lanes;
    models->engine = engine;
    int r = insp_model_loader_new(engine, state_dir, &models->loader, reterr);
    if (r == 0)
        r = load_now(models, reterr);
    if (r < 0) {
        insp_models_free(models);
        return r;
    }
    *ret = models;
    return 0;
}

void insp_models_free(struct insp_models *models) {
    if (!models)
        return;
    insp_model_list_clear(&models->list);
    insp_model_loader_free(models->loader);
    free(models->rgb);
    free(models);
}

/* --- changes --- */

static int prove(void *arg, const char *product, const char *version, struct insp_error *reterr) {
    struct insp_models *models = arg;
    return insp_model_loader_prove(models->loader, product, version, reterr);
}

int insp_models_switch(struct insp_models *models, const struct insp_changer *changer, insp_models_change *change,
                       const char *product, const char *version, struct insp_error *reterr) {
    struct insp_changer proving = *changer;
    proving.prove = prove;
    proving.arg = models;
    int r = change(&proving, product, version, reterr);
    if (r < 0)
        insp_model_loader_withdraw(models->loader);
    return r;
}

int insp_models_shadow(struct insp_models *models, const struct insp_changer *changer, const char *product,
                       const struct insp_shadow_choice *choice, struct insp_error *reterr) {
    struct insp_changer proving = *changer;
    proving.prove = prove;
    proving.arg = models;
    int r = insp_change_shadow(&proving, product, choice, reterr);
    if (r < 0)
        insp_model_loader_withdraw(models->loader);
    return r;
}

static int keep(void *arg, const char *product, const char *version, struct insp_error *reterr) {
    struct insp_models *models = arg;
    return insp_model_loader_serves(models->loader, product, version)
               ? insp_fail(reterr, INSP_E_CONFLICT, "model %s of product %s serves: activate another one first",
                           version, product)
               : 0;
}

int insp_models_remove(struct insp_models *models, const struct insp_changer *changer, const char *product,
                       const char *version, struct insp_error *reterr) {
    struct insp_changer keeping = *changer;
    keeping.keep = keep;
    keeping.arg = models;
    return insp_change_remove(&keeping, product, version, reterr);
}

bool insp_models_judge(struct insp_models *models, const char *product, const char *version) {
    return insp_model_loader_judges(models->loader, product, version);
}

/* --- reading again --- */

static void answer(struct waiter *waiters) {
    while (waiters) {
        struct waiter *waiter = waiters;
        waiters = waiter->next;
        waiter->done(waiter->arg);
        free(waiter);
    }
}

static void start_reload(struct insp_models *models);

void insp_models_on_change(struct insp_models *models, insp_models_changed *changed, void *arg) {
    models->changed = changed;
    models->changed_arg = arg;
}

static void report_changes(const struct insp_models *models, const struct insp_model_list *old) {
    for (size_t i = 0; models->changed && i < models->list.count; i++) {
        const struct insp_served_model *item = &models->list.item[i],
                                       *before = insp_model_list_find(old, item->product);
        if (item->model && (!before || before->model != item->model))
            models->changed(models->changed_arg, item->product, item->model->manifest->version);
    }
}

/* Swaps the new models in; inspections in progress keep the models they started with. */
static void swap(struct insp_models *models, struct insp_model_reading *reading) {
    insp_model_list_judge(&models->list, &reading->fresh); /* a self-test may have ended during the reading */
    insp_model_list_clear(&models->list);
    models->list = reading->fresh;
    reading->fresh = (struct insp_model_list){0};
    if (insp_model_loader_note_serving(models->loader, &models->list) < 0) /* the old names stay protected */
        insp_log_warning("no memory to note which versions serve");
    if (reading->verify)
        memcpy(models->trunk_damage, reading->trunk_damage, sizeof models->trunk_damage);
    report_changes(models, &reading->old);
    insp_log_info("models read again products=%zu loaded=%zu pending=%zu", models->list.count, reading->loaded,
                  reading->pending);
    bool all = true;
    for (size_t i = 0; i < models->list.count; i++)
        all = all && (models->list.item[i].passed || !models->list.item[i].model);
    if (!all) /* a model that failed an earlier self-test is tested again now */
        insp_models_test(models);
}

static bool any_pending(const struct insp_models *models) {
    for (size_t i = 0; i < models->list.count; i++)
        if (models->list.item[i].pending || models->list.item[i].shadow_pending)
            return true;
    return false;
}

static void end_reload(struct reload *reload, int code, const struct insp_error *error) {
    struct insp_models *models = reload->models;
    struct waiter *waiters = reload->waiters;
    models->reloading = false;
    models->failure[0] = 0;
    if (code) {
        insp_log_error("models not read again code=%s detail=%s", insp_code_wire(code),
                       INSP_LOG_QUOTED(error->detail));
        memcpy(models->failure, error->detail, sizeof models->failure);
    } else {
        swap(models, &reload->reading);
    }
    insp_model_reading_clear(&reload->reading);
    free(reload);
    answer(waiters);
    if (models->reload_again || (code == 0 && !models->stopped && any_pending(models)))
        start_reload(models);
}

static void read_work(struct insp_task *task) {
    struct reload *reload = task->data;
    reload->code = insp_model_reading_read(&reload->reading, &reload->error);
}

static void read_done(struct insp_task *task) {
    struct reload *reload = task->data;
    end_reload(reload, reload->code, &reload->error);
}

/* Starts a reading for the gathered waiters; if it cannot start, they are called at once. */
static void start_reload(struct insp_models *models) {
    struct waiter *waiters = models->waiters;
    models->waiters = NULL;
    const bool chained = !models->reload_again; /* nobody asked to try again what has failed */
    models->reload_again = false;
    struct reload *reload = calloc(1, sizeof *reload);
    if (!reload || insp_model_list_copy(&models->list, &reload->reading.old)) {
        insp_log_error("models not read again code=%s", insp_code_wire(INSP_E_NOMEM));
        snprintf(models->failure, sizeof models->failure, "%s", insp_code_title(INSP_E_NOMEM));
        free(reload);
        answer(waiters);
        return;
    }
    reload->models = models;
    reload->reading.loader = models->loader;
    reload->reading.load_most = LOADED_AT_ONCE;
    reload->reading.chained = chained;
    memcpy(reload->reading.asked, models->asked, sizeof reload->reading.asked);
    models->asked[0] = '\0';
    reload->reading.verify = models->verify_next;
    models->verify_next = false;
    reload->waiters = waiters;
    reload->task = (struct insp_task){.run = read_work, .done = read_done, .data = reload};
    models->reloading = true;
    insp_work_always(models->lanes, INSP_LANE_CHORE, &reload->task);
}

void insp_models_reload(struct insp_models *models, insp_models_done *done, void *arg) {
    struct waiter *waiter = done ? malloc(sizeof *waiter) : NULL;
    if (waiter) {
        *waiter = (struct waiter){done, arg, models->waiters};
        models->waiters = waiter;
    }
    models->reload_again = true;
    if (!models->reloading)
        start_reload(models);
    if (done && !waiter) /* without memory the callback runs at once; the reading continues */
        done(arg);
}

void insp_models_verify(struct insp_models *models, insp_models_done *done, void *arg) {
    models->verify_next = true;
    insp_models_reload(models, done, arg);
}

void insp_models_load_pending(struct insp_models *models) {
    if (!models->reloading && !models->stopped && any_pending(models))
        start_reload(models);
}

void insp_models_stop(struct insp_models *models) {
    models->stopped = true;
}

/* --- the self-test at intervals --- */

bool insp_models_answer_well(float probability, float expected, float tolerance) {
    return probability >= 0 && probability <= 1 && fabsf(probability - expected) <= tolerance;
}

static void test_next(struct insp_models *models);

static void judge(struct insp_served_model *item, const struct insp_score *score, bool cuda) {
    float expected = item->model->answer;
    bool good =
        !score->code && insp_models_answer_well(score->probability, expected,
                                                cuda ? INSP_PROVE_TOLERANCE_CUDA : INSP_PROVE_TOLERANCE_CPU);
    if (score->code)
        memcpy(item->failure, score->error.detail, sizeof item->failure);
    else if (!good)
        snprintf(item->failure, sizeof item->failure, "the self-test gave probability %g, expected %g",
                 (double)score->probability, (double)expected);
    else
        item->failure[0] = 0;
    if (item->passed != good)
        insp_log(good ? INSP_LOG_INFO : INSP_LOG_ERROR, "self-test product=%s version=%s passed=%s%s%s",
                 item->product, item->model->manifest->version, good ? "yes" : "no",
                 good ? "" : " detail=", good ? "" : INSP_LOG_QUOTED(item->failure));
    item->passed = good;
}

static void tested(struct insp_score *score) {
    struct insp_models *models = score->data;
    struct insp_engine_status status;
    insp_engine_status(models->engine, &status);
    /* After a reload another model may be in this place: discard the answer. */
    struct insp_served_model *item =
        models->test_place < models->list.count ? &models->list.item[models->test_place] : NULL;
    if (item && item->model == score->model)
        judge(item, score, !strncmp(status.device, "cuda", 4));
    insp_model_unref(score->model);
    models->test_place++;
    test_next(models);
}

static void test_next(struct insp_models *models) {
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there are items where count is not 0 */
    while (models->test_place < models->list.count && !models->list.item[models->test_place].model)
        models->test_place++;
    if (models->test_place >= models->list.count) {
        models->testing = false;
        return;
    }
    struct insp_model *model = insp_model_ref(models->list.item[models->test_place].model);
    models->score = (struct insp_score){.model = model,
                                        .rgb = models->rgb,
                                        .single = true,
                                        .cam = models->cam,
                                        .field = insp_field_of(model->manifest->fields, NULL),
                                        .done = tested,
                                        .data = models};
    insp_engine_submit(models->engine, &models->score);
}

void insp_models_test(struct insp_models *models) {
    if (models->testing)
        return;
    models->testing = true;
    models->test_place = 0;
    test_next(models);
}

bool insp_models_busy(const struct insp_models *models) {
    return models->testing || models->reloading;
}

bool insp_models_ready(const struct insp_models *models) {
    for (size_t i = 0; i < models->list.count; i++)
        if (models->list.item[i].passed)
            return true;
    return false;
}

int insp_models_get(struct insp_models *models, const char *product, struct insp_model **ret,
                    struct insp_error *reterr) {
    const struct insp_served_model *item = insp_model_list_find(&models->list, product);
    if (item && item->pending) {
        memcpy(models->asked, item->product, sizeof models->asked);
        insp_models_load_pending(models);
    }
    if (!item)
        return insp_fail(reterr, INSP_E_UNKNOWN_PRODUCT,
                         "no product is named \"%.64s\"; GET /v1/products lists them", product);
    if (!item->model || !item->passed)
        return insp_fail(reterr, INSP_E_NOT_READY, "product %s: %s", item->product,
                         item->failure[0] ? item->failure : "the model's self-test has not run yet");
    *ret = insp_model_ref(item->model);
    return 0;
}

size_t insp_models_count(const struct insp_models *models) {
    return models->list.count;
}

const struct insp_served_model *insp_models_at(const struct insp_models *models, size_t place) {
    return &models->list.item[place];
}

const struct insp_served_model *insp_models_named(const struct insp_models *models, const char *product) {
    return insp_model_list_find(&models->list, product);
}

const char *insp_models_trunk_damage(const struct insp_models *models) {
    return models->trunk_damage;
}

const char *insp_models_failure(const struct insp_models *models) {
    return models->failure;
}

static const char *failure_of(const struct insp_served_model *item) {
    const char *text[] = {item->failure, item->reload_failure, item->damage};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        if (*text[i])
            return text[i];
    return NULL;
}

json_t *insp_models_json(const struct insp_models *models) {
    json_t *all = json_object();
    for (size_t i = 0; all && i < models->list.count; i++) {
        const struct insp_served_model *item = &models->list.item[i];
        const char *self_test = !item->model || !item->model->proved ? NULL
                                : item->model->sampled               ? "golden"
                                                                     : "drawn";
        json_t *one =
            json_pack("{s:s?,s:b,s:s?,s:s?}", "version", item->model ? item->model->manifest->version : NULL,
                      "ready", item->passed, "failure", failure_of(item), "self_test", self_test);
        json_object_set_new(all, item->product, one);
    }
    return all;
}
