#include "core/train/fit.h"

#include "core/base/clock.h"
#include "core/dataset/split.h"
#include "core/train/tiles/tile_samples.h"

#include <math.h>

/* Computes the standard deviation of all features of the samples, which scales the initial tail. */
static int feature_std(const struct insp_fit_config *c, const struct insp_tile_samples *samples,
                       const struct insp_progress *progress, float *ret, struct insp_error *reterr) {
    _cleanup_free_ float *features = malloc(INSP_FEATURE_FLOATS * sizeof *features);
    if (!features)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the features of an image");
    double sum = 0, squares = 0, n = (double)samples->count * INSP_FEATURE_FLOATS;
    for (size_t m = 0; m < samples->count; m++) { /* may read gigabytes from the disk, so check for cancellation */
        if (insp_progress_cancelled(progress))
            return insp_fail(reterr, INSP_E_CANCELLED, "cancelled before the training");
        insp_train_data_gather(c->data, &samples->sample[m], 1, features);
        for (size_t i = 0; i < INSP_FEATURE_FLOATS; i++) {
            sum += (double)features[i];
            squares += (double)features[i] * (double)features[i];
        }
    }
    double mean = sum / n, variance = squares / n - mean * mean;
    if (!(variance > 0))
        return insp_fail(reterr, INSP_E_MODEL,
                         "the trunk's output is the same for all images, so nothing can be trained on it");
    *ret = (float)sqrt(variance);
    return 0;
}

static int new_trainer(const struct insp_fit_config *c, const struct insp_tile_samples *samples,
                       const struct insp_progress *progress, uint64_t seed, struct insp_trainer **ret,
                       struct insp_error *reterr) {
    float std;
    int r = feature_std(c, samples, progress, &std, reterr);
    if (r < 0)
        return r;
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *tail = insp_tail_buffers_new();
    if (!tail)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a tail's weights");
    insp_tail_init_identity(tail, seed, std);
    struct insp_tail_weights initial = insp_tail_buffers_view(tail);
    struct insp_trainer_config config = {.class_weights = {samples->class_weights[0], samples->class_weights[1]},
                                         .learning_rate = c->params->learning_rate,
                                         .beta1 = 0.9f,
                                         .beta2 = 0.999f,
                                         .epsilon = 1e-8f};
    return insp_trainer_new(c->device, &initial, &config, ret, reterr);
}

/* The state of a fit. */
struct loop {
    const struct insp_fit_config *config;
    const struct insp_progress *progress;
    struct insp_trainer *trainer;
    size_t *order; /* [count], the samples */
    size_t count;
    float target_accuracy;
    float *features; /* [batch] */
    uint8_t *label;  /* [batch] */
    size_t steps_done, steps_total;
};

static int step(struct loop *l, const size_t *sample, float *ret_loss, size_t *ret_correct,
                struct insp_error *reterr) {
    size_t batch = l->config->params->batch;
    if (insp_progress_cancelled(l->progress))
        return insp_fail(reterr, INSP_E_CANCELLED, "cancelled while training");
    insp_train_data_gather(l->config->data, sample, batch, l->features);
    for (size_t i = 0; i < batch; i++)
        l->label[i] = insp_train_data_label(l->config->data, sample[i]);
    int r = insp_trainer_step(l->trainer, l->features, l->label, batch, ret_loss, ret_correct, reterr);
    if (r < 0)
        return r;
    if (!isfinite(*ret_loss))
        return insp_fail(reterr, INSP_E_MODEL, "the loss is no longer finite; lower the learning rate (%g)",
                         (double)l->config->params->learning_rate);
    insp_progress_step(l->progress, ++l->steps_done, l->steps_total);
    insp_progress_yield(l->progress);
    return 0;
}

struct epoch {
    double loss, accuracy, seconds;
};

static int run_epoch(struct loop *l, struct insp_random *random, struct epoch *ret, struct insp_error *reterr) {
    int64_t start = insp_mono_us();
    size_t batch = l->config->params->batch, batches = l->count / batch, right = 0;
    if (batches > l->steps_total - l->steps_done)
        batches = l->steps_total - l->steps_done;
    double loss = 0;
    insp_random_shuffle(random, l->order, l->count);
    for (size_t b = 0; b < batches; b++) {
        float batch_loss;
        size_t correct;
        int r = step(l, l->order + b * batch, &batch_loss, &correct, reterr);
        if (r < 0)
            return r;
        loss += (double)batch_loss;
        right += correct;
    }
    *ret = (struct epoch){loss / (double)batches, (double)right / (double)(batches * batch),
                          insp_seconds_since(start)};
    return 0;
}

/* Returns the remaining part of the progress, so that stages and epochs report the current `overall`. */
static struct insp_progress rest(const struct loop *l) {
    return insp_progress_part(l->progress, (double)l->steps_done / (double)l->steps_total, 1);
}

static unsigned epochs_of(const struct insp_fit_config *c) {
    return c->epochs && c->epochs < c->params->epochs ? c->epochs : c->params->epochs;
}

/* Returns the number of mini-batches of a fit that does not stop early. */
static size_t steps_of(const struct insp_fit_config *c, size_t samples) {
    const size_t steps = epochs_of(c) * (samples / c->params->batch);
    return c->steps && c->steps < steps ? c->steps : steps;
}

static void tell_stage(const struct loop *l, unsigned epoch) {
    const struct insp_train_params *params = l->config->params;
    struct insp_progress here = rest(l);
    if (l->config->fold)
        insp_progress_stage(&here, "fold %zu of %u, epoch %u of %u", l->config->fold, params->folds, epoch,
                            epochs_of(l->config));
    else
        insp_progress_stage(&here, "epoch %u of %u", epoch, epochs_of(l->config));
}

static int tell_epoch(const struct loop *l, unsigned number, const struct epoch *epoch, json_t *curve,
                      struct insp_error *reterr) {
    struct insp_progress here = rest(l);
    insp_progress_epoch(&here, l->config->fold, number, epochs_of(l->config), epoch->loss, epoch->accuracy,
                        epoch->seconds);
    json_t *entry = json_pack("{s:I, s:f, s:f, s:f}", "epoch", (json_int_t)number, "loss", epoch->loss, "accuracy",
                              epoch->accuracy, "seconds", epoch->seconds);
    if (json_array_append_new(curve, entry) < 0)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the loss curve");
    return 0;
}

static int run_epochs(struct loop *l, uint64_t seed, json_t *curve, struct insp_error *reterr) {
    const struct insp_fit_config *c = l->config;
    struct insp_random random;
    insp_random_seed(&random, seed);
    for (unsigned e = 1; l->steps_done < l->steps_total; e++) {
        struct epoch epoch;
        tell_stage(l, e);
        int r = run_epoch(l, &random, &epoch, reterr);
        if (r < 0 || (r = tell_epoch(l, e, &epoch, curve, reterr)) < 0)
            return r;
        if (c->history && (r = insp_tail_history_add(c->history, l->trainer, reterr)) < 0)
            return r;
        if (c->stop_early && epoch.accuracy > (double)l->target_accuracy)
            return 0;
    }
    return 0;
}

/* Trains on the samples, whose order changes. */
static int fit(const struct insp_fit_config *c, struct insp_tile_samples *samples,
               const struct insp_progress *progress, struct insp_trainer **ret_trainer, json_t *curve,
               struct insp_error *reterr) {
    const size_t batch = c->params->batch;
    if (samples->count < batch)
        return insp_fail(
            reterr, INSP_E_DATASET,
            "the training part has %zu %s, fewer than one batch of %zu; add images or lower the batch",
            samples->count, c->data->tile_label ? "tiles to train on" : "images", batch);
    _cleanup_free_ float *features = malloc(batch * INSP_FEATURE_FLOATS * sizeof *features);
    _cleanup_free_ uint8_t *label = calloc(batch, sizeof *label);
    _cleanup_(insp_trainer_freep) struct insp_trainer *trainer = NULL;
    const uint64_t seed = c->params->seed + c->fold;
    if (!features || !label)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a batch of %zu", batch);
    int r = new_trainer(c, samples, progress, seed, &trainer, reterr);
    if (r < 0)
        return r;
    struct loop loop = {.config = c,
                        .progress = progress,
                        .trainer = trainer,
                        .order = samples->sample,
                        .count = samples->count,
                        .target_accuracy = samples->target_accuracy,
                        .features = features,
                        .label = label,
                        .steps_total = steps_of(c, samples->count)};
    r = run_epochs(&loop, seed, curve, reterr);
    if (r == 0)
        *ret_trainer = insp_take_ptr(trainer);
    return r;
}

int insp_fit(const struct insp_fit_config *c, const struct insp_progress *progress,
             struct insp_trainer **ret_trainer, json_t **ret_curve, struct insp_error *reterr) {
    struct insp_tile_samples samples = {0};
    if (!c->params->batch)
        return insp_fail(reterr, INSP_E_PARAMETER, "the batch must be at least 1, not 0");
    json_t *curve = json_array();
    int r = curve ? insp_tile_samples(c->data, c->params, c->member, c->count, 0, &samples, reterr)
                  : insp_fail(reterr, INSP_E_NOMEM, "no memory for the loss curve");
    if (r == 0 && c->data->tile_label && !c->fold)
        insp_progress_log(progress, "training on %zu of %zu tiles with a defect and %zu of %zu without",
                          samples.of[INSP_CLASS_ANOMALY], samples.there[INSP_CLASS_ANOMALY],
                          samples.of[INSP_CLASS_GOOD], samples.there[INSP_CLASS_GOOD]);
    if (r == 0)
        r = fit(c, &samples, progress, ret_trainer, curve, reterr);
    free(samples.sample);
    if (r < 0)
        json_decref(curve);
    else
        *ret_curve = curve;
    return r;
}

int insp_fit_serve(struct insp_device *device, struct insp_trainer *trainer,
                   struct insp_tail_buffers **ret_buffers, struct insp_tail **ret_tail,
                   struct insp_error *reterr) {
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *buffers = insp_tail_buffers_new();
    if (!buffers)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the weights");
    int r = insp_trainer_export(trainer, buffers, reterr);
    struct insp_tail_weights view = insp_tail_buffers_view(buffers);
    if (r == 0)
        r = insp_tail_load(device, &view, ret_tail, reterr);
    if (r == 0)
        *ret_buffers = insp_take_ptr(buffers);
    return r;
}
