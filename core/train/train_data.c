#include "core/train/train_data.h"

#include "core/base/clock.h"
#include "core/dataset/cameras/camera_log.h"
#include "core/dataset/mask_file.h"
#include "core/judge/heat_range.h"

#include <math.h>
#include <string.h>

enum { SCORE_BATCH = 16 };

double insp_seconds_since(int64_t start_us) {
    return (double)(insp_mono_us() - start_us) / 1e6;
}

static int fill(const struct insp_train_context *context, const struct insp_transform *input, bool skip_unreadable,
                const struct insp_progress *progress, struct insp_train_data *data, bool *skipped,
                struct insp_error *reterr) {
    struct insp_feature_cache_config config = {.folder = context->cache_folder,
                                               .bytes_max = context->cache_bytes_max,
                                               .half = context->cache_half,
                                               .trunk_sha256 = context->trunk_sha256,
                                               .arithmetic = insp_device_arithmetic(context->device),
                                               .input = *input,
                                               .fields = data->fields,
                                               .limits = context->limits};
    int r = insp_feature_cache_open(&config, &data->cache, reterr);
    if (r < 0)
        return r;
    return insp_feature_cache_fill(data->cache, context->trunk, data->set.dataset, progress,
                                   skip_unreadable ? skipped : NULL, &data->trunk_runs, reterr);
}

static int list_members(struct insp_train_data *data, const bool *skipped, struct insp_error *reterr) {
    size_t n = data->set.dataset->count;
    data->set.item = calloc(n + 1, sizeof *data->set.item);
    data->set.strata = calloc(n + 1, sizeof *data->set.strata);
    data->set.label = calloc(n + 1, sizeof *data->set.label);
    if (!data->set.item || !data->set.strata || !data->set.label)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu images", n);
    for (size_t i = 0; i < n; i++) {
        if (skipped[i])
            continue;
        data->set.item[data->set.count] = i;
        data->set.strata[data->set.count] = data->set.dataset->item[i].stratum;
        data->set.label[data->set.count++] = data->set.dataset->item[i].label;
    }
    data->set.skipped = n - data->set.count;
    return 0;
}

/* Checks that both classes have a readable image. */
static int check_classes(const struct insp_train_data *data, struct insp_error *reterr) {
    size_t anomalous = 0;
    for (size_t m = 0; m < data->set.count; m++)
        anomalous += data->set.label[m];
    if (!anomalous || anomalous == data->set.count)
        return insp_fail(reterr, INSP_E_DATASET, "no readable %s image in %s (%zu images were skipped)",
                         anomalous ? "good" : "defect", data->set.dataset->root, data->set.skipped);
    return 0;
}

/* Logs the reader's decisions that a user may not expect. */
static void tell_scan(const struct insp_scan *scan, const struct insp_progress *progress) {
    json_t *doubts = insp_scan_doubts(scan), *text;
    size_t i;
    for (enum insp_passed r = 0; r < INSP_PASSED_REASONS; r++)
        if (scan->passed[r].count)
            insp_progress_log(progress, "passed over: %zu %s (%s%s)", scan->passed[r].count, insp_passed_text(r),
                              scan->passed[r].example[0] ? scan->passed[r].example[0] : "?",
                              scan->passed[r].count > 1 ? ", ..." : "");
    json_array_foreach(doubts, i, text) insp_progress_log(progress, "check: %s", json_string_value(text));
    json_decref(doubts);
}

/* Logs how many images each region has, and a camera whose region no image was seen through. */
static void tell_fields(const struct insp_train_data *data, const struct insp_progress *progress) {
    const struct insp_field_set *fields = data->fields;
    const struct insp_dataset *dataset = data->set.dataset;
    size_t own = 0;
    for (size_t c = 0; fields && c < fields->count; c++) {
        size_t count = 0;
        for (size_t i = 0; i < dataset->count; i++)
            count += dataset->item[i].camera && !strcmp(dataset->item[i].camera, fields->camera[c].camera);
        own += count;
        insp_progress_log(progress,
                          count ? "regions: %zu images of camera %s, by its own region"
                                : "check: %zu images are known to be of camera %s, which has its own region",
                          count, fields->camera[c].camera);
    }
    if (fields)
        insp_progress_log(progress, "regions: %zu images %s", dataset->count - own,
                          fields->general ? "by the product's region" : "are used whole");
}

static int read_set(const struct insp_train_context *context, bool both, bool skip_unreadable,
                    const struct insp_progress *progress, struct insp_train_data *data,
                    struct insp_error *reterr) {
    insp_progress_stage(progress, "reading");
    data->fields = context->fields;
    int r = (both ? insp_dataset_open : insp_dataset_list)(context->dataset_root, &data->set.dataset, reterr);
    if (r < 0)
        return r;
    insp_mask_count(data->set.dataset);
    r = insp_dataset_hash(data->set.dataset, progress, skip_unreadable, data->set.digest, reterr);
    if (r == 0)
        r = insp_dataset_cameras(data->set.dataset, reterr);
    if (r == 0)
        tell_scan(&data->set.dataset->scan, progress);
    if (r == 0)
        tell_fields(data, progress);
    return r;
}

int insp_train_data_list(const struct insp_train_context *context, bool skip_unreadable,
                         const struct insp_progress *progress, struct insp_train_data **ret,
                         struct insp_error *reterr) {
    _cleanup_(insp_train_data_freep) struct insp_train_data *data = calloc(1, sizeof *data);
    if (!data)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a dataset");
    int64_t start = insp_mono_us();
    int r = read_set(context, false, skip_unreadable, progress, data, reterr);
    if (r < 0)
        return r;
    _cleanup_free_ bool *skipped = calloc(data->set.dataset->count + 1, sizeof *skipped);
    if (!skipped)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu images", data->set.dataset->count);
    for (size_t i = 0; i < data->set.dataset->count; i++)
        skipped[i] = !*data->set.dataset->item[i].sha256;
    if ((r = list_members(data, skipped, reterr)) < 0)
        return r;
    data->reading_s = insp_seconds_since(start);
    *ret = insp_take_ptr(data);
    return 0;
}

int insp_train_data_open(const struct insp_train_context *context, const struct insp_transform *input,
                         bool skip_unreadable, const struct insp_progress *progress, struct insp_train_data **ret,
                         struct insp_error *reterr) {
    _cleanup_(insp_train_data_freep) struct insp_train_data *data = calloc(1, sizeof *data);
    if (!data)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a dataset");
    struct insp_progress reading = insp_progress_part(progress, 0, 0.1);
    struct insp_progress features = insp_progress_part(progress, 0.1, 1),
                         done = insp_progress_part(progress, 1, 1);
    int64_t start = insp_mono_us();
    int r = read_set(context, true, skip_unreadable, &reading, data, reterr);
    if (r < 0)
        return r;
    data->reading_s = insp_seconds_since(start);
    start = insp_mono_us();
    _cleanup_free_ bool *skipped = calloc(data->set.dataset->count + 1, sizeof *skipped);
    if (!skipped)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu images", data->set.dataset->count);
    insp_progress_stage(&features, "features");
    if ((r = fill(context, input, skip_unreadable, &features, data, skipped, reterr)) < 0 ||
        (r = list_members(data, skipped, reterr)) < 0 || (r = check_classes(data, reterr)) < 0)
        return r;
    data->features_s = insp_seconds_since(start);
    if (data->set.skipped)
        insp_progress_log(&done, "%zu images could not be read and were skipped", data->set.skipped);
    *ret = insp_take_ptr(data);
    return 0;
}

void insp_train_data_free(struct insp_train_data *data) {
    if (!data)
        return;
    insp_feature_cache_close(data->cache);
    insp_dataset_free(data->set.dataset);
    free(data->set.item);
    free(data->set.strata);
    free(data->set.label);
    free(data);
}

void insp_train_data_gather(const struct insp_train_data *data, const size_t *member, size_t count,
                            float *ret_features) {
    for (size_t i = 0; i < count; i++)
        insp_feature_cache_get(data->cache, data->set.item[member[i]], ret_features + i * INSP_FEATURE_FLOATS);
}

void insp_train_data_pooled(const struct insp_train_data *data, const size_t *member, size_t count, float *ret) {
    for (size_t i = 0; i < count; i++)
        insp_feature_cache_pooled(data->cache, data->set.item[member[i]], ret + i * INSP_POOLED_FLOATS);
}

/* Turns the tail's probabilities of the members [n] into those of the scorer. */
static void decide(const struct insp_train_data *data, const struct insp_scorer *scorer, const size_t *member,
                   size_t n, float *probability) {
    float pooled[INSP_POOLED_FLOATS];
    for (size_t i = 0; i < n && scorer->use != INSP_LOGISTIC_NONE; i++) {
        insp_train_data_pooled(data, member + i, 1, pooled);
        probability[i] = insp_logistic_probability(scorer->logistic, scorer->use, pooled, probability[i]);
    }
}

static const struct insp_field *field_of(const struct insp_train_data *data, size_t member) {
    return insp_field_of(data->fields, data->set.dataset->item[data->set.item[member]].camera);
}

static float largest(const float *map) {
    float max = map[0];
    for (size_t i = 1; i < INSP_MAP_FLOATS; i++)
        max = fmaxf(max, map[i]);
    return max;
}

int insp_train_data_score(const struct insp_train_data *data, const struct insp_scorer *scorer,
                          const size_t *member, size_t count, const struct insp_progress *progress,
                          float *ret_probability, float *ret_map, struct insp_error *reterr) {
    _cleanup_free_ float *features = malloc(SCORE_BATCH * INSP_FEATURE_FLOATS * sizeof *features);
    if (!features)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to score %d images at once", SCORE_BATCH);
    for (size_t at = 0; at < count; at += SCORE_BATCH) {
        size_t n = count - at < SCORE_BATCH ? count - at : SCORE_BATCH;
        float *probability = ret_probability + at, *map = ret_map ? ret_map + at * INSP_MAP_FLOATS : NULL;
        if (insp_progress_cancelled(progress))
            return insp_fail(reterr, INSP_E_CANCELLED, "cancelled while evaluating");
        insp_train_data_gather(data, member + at, n, features);
        int r = insp_tail_score(scorer->tail, features, n, probability, map, reterr);
        if (r < 0)
            return r;
        decide(data, scorer, member + at, n, probability);
        for (size_t i = 0; i < n && map; i++)
            insp_field_map(field_of(data, member[at + i]), INFINITY, map + i * INSP_MAP_FLOATS);
        insp_progress_step(progress, at + n, count);
        insp_progress_yield(progress);
    }
    return 0;
}

int insp_train_data_heat_range(const struct insp_train_data *data, struct insp_tail *tail, const size_t *member,
                               size_t count, float heatmap_threshold, const struct insp_progress *progress,
                               float *ret_low, float *ret_high, struct insp_error *reterr) {
    size_t good = 0, anomalies = 0;
    _cleanup_free_ float *probability = malloc(count * sizeof *probability),
                         *map = malloc(count * INSP_MAP_FLOATS * sizeof *map),
                         *good_max = malloc(count * sizeof *good_max),
                         *anomaly_max = malloc(count * sizeof *anomaly_max);
    if (!probability || !map || !good_max || !anomaly_max)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the maps of %zu images", count);
    const struct insp_scorer scorer = {.tail = tail};
    int r = insp_train_data_score(data, &scorer, member, count, progress, probability, map, reterr);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++)
        if (data->set.label[member[i]] == INSP_CLASS_GOOD)
            good_max[good++] = largest(map + i * INSP_MAP_FLOATS);
        else
            anomaly_max[anomalies++] = largest(map + i * INSP_MAP_FLOATS);
    return insp_heat_range(good_max, good, anomaly_max, anomalies, heatmap_threshold, ret_low, ret_high, reterr);
}

void insp_train_data_heat(const struct insp_train_data *data, const size_t *member, size_t count,
                          enum insp_heatmap_scale scale, float low, float high, float *map) {
    insp_heat_normalise(map, count * INSP_MAP_FLOATS, low, high);
    for (size_t i = 0; i < count && scale == INSP_SCALE_FIXED; i++)
        insp_field_map(field_of(data, member[i]), 0, map + i * INSP_MAP_FLOATS);
}

int insp_train_data_metrics(const struct insp_train_data *data, const size_t *member, size_t count,
                            const float *probability, double threshold, struct insp_metrics *ret,
                            struct insp_error *reterr) {
    _cleanup_free_ uint8_t *label = calloc(count + 1, sizeof *label);
    _cleanup_free_ size_t *strata = calloc(count + 1, sizeof *strata);
    if (!label || !strata)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to evaluate %zu images", count);
    for (size_t i = 0; i < count; i++) {
        label[i] = data->set.label[member[i]];
        strata[i] = data->set.strata[member[i]];
    }
    return insp_metrics_compute(probability, label, strata, count, data->set.dataset->stratum_count, threshold,
                                ret, reterr);
}
