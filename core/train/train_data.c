#include "core/train/train_data.h"

#include "core/base/clock.h"
#include "core/dataset/cameras/camera_log.h"
#include "core/dataset/mask_file.h"
#include "core/judge/heat_range.h"
#include "core/train/tiles/tile_labels.h"

#include <math.h>
#include <string.h>

enum {
    SCORE_BATCH = 16,
    CHUNK = INSP_TILES_MAX, /* tiles of whole images that are scored together */
};

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
                                               .tiles = data->tiles,
                                               .fields = data->fields,
                                               .limits = context->limits};
    int r = insp_feature_cache_open(&config, &data->cache, reterr);
    if (r < 0)
        return r;
    return insp_feature_cache_fill(data->cache, context->trunk, data->set.dataset, progress,
                                   skip_unreadable ? skipped : NULL, false, &data->trunk_runs, reterr);
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
    return insp_train_data_open_tiled(context, input, (struct insp_tiles){0, 0}, false, skip_unreadable, progress,
                                      ret, reterr);
}

int insp_train_data_open_tiled(const struct insp_train_context *context, const struct insp_transform *input,
                               struct insp_tiles tiles, bool labels, bool skip_unreadable,
                               const struct insp_progress *progress, struct insp_train_data **ret,
                               struct insp_error *reterr) {
    _cleanup_(insp_train_data_freep) struct insp_train_data *data = calloc(1, sizeof *data);
    if (!data)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a dataset");
    struct insp_progress reading = insp_progress_part(progress, 0, 0.1);
    struct insp_progress features = insp_progress_part(progress, 0.1, 1),
                         done = insp_progress_part(progress, 1, 1);
    int64_t start = insp_mono_us();
    int r = read_set(context, true, skip_unreadable, &reading, data, reterr);
    data->tiles = tiles;
    if (r == 0)
        r = insp_field_set_tile(context->fields, tiles, reterr);
    if (r == 0 && labels && insp_tiles_on(tiles))
        r = insp_tile_labels(data->set.dataset, context->fields, tiles, &context->limits, &reading,
                             &data->tile_label, reterr);
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
    free(data->tile_label);
    free(data);
}

void insp_train_data_gather(const struct insp_train_data *data, const size_t *sample, size_t count,
                            float *ret_features) {
    const size_t parts = insp_tiles_count(data->tiles);
    for (size_t i = 0; i < count; i++)
        insp_feature_cache_get(data->cache, data->set.item[sample[i] / parts], sample[i] % parts,
                               ret_features + i * INSP_FEATURE_FLOATS);
}

void insp_train_data_pooled(const struct insp_train_data *data, const size_t *sample, size_t count, float *ret) {
    const size_t parts = insp_tiles_count(data->tiles);
    for (size_t i = 0; i < count; i++)
        insp_feature_cache_pooled(data->cache, data->set.item[sample[i] / parts], sample[i] % parts,
                                  ret + i * INSP_POOLED_FLOATS);
}

uint8_t insp_train_data_label(const struct insp_train_data *data, size_t sample) {
    const size_t parts = insp_tiles_count(data->tiles);
    return data->tile_label ? data->tile_label[data->set.item[sample / parts] * parts + sample % parts]
                            : data->set.label[sample / parts];
}

float insp_train_data_worst(const struct insp_train_data *data, const struct insp_logistic *logistic,
                            enum insp_logistic_use use, size_t member, const float *probability) {
    const size_t parts = insp_tiles_count(data->tiles);
    float pooled[INSP_POOLED_FLOATS] = {0}, worst = 0;
    for (size_t t = 0; t < parts; t++) {
        const size_t sample = member * parts + t;
        if (probability[t] < 0)
            continue;
        if (use != INSP_LOGISTIC_NONE)
            insp_train_data_pooled(data, &sample, 1, pooled);
        worst = fmaxf(worst, insp_logistic_probability(logistic, use, pooled, probability[t]));
    }
    return worst;
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

/* Holds the tiles of some whole images while they are scored. */
struct chunk {
    const struct insp_train_data *data;
    struct insp_tail *tail;
    size_t sample[CHUNK], place[CHUNK], count; /* tiles that count, and their places among all of the chunk */
    float probability[CHUNK], map[CHUNK * INSP_MAP_FLOATS]; /* of all tiles, in their places */
    float features[SCORE_BATCH * INSP_FEATURE_FLOATS];
};

/* Lists the tiles of members [n]. */
static void list_tiles(struct chunk *c, const size_t *member, size_t n) {
    const struct insp_tiles tiles = c->data->tiles;
    const size_t parts = insp_tiles_count(tiles);
    struct insp_field_cells cells;
    c->count = 0;
    for (size_t k = 0; k < n * parts; k++) {
        const struct insp_field *field = field_of(c->data, member[k / parts]);
        c->probability[k] = -1;
        if (field && insp_tiles_on(tiles) && !insp_field_cells_of(field, tiles, k % parts, &cells))
            continue;
        c->sample[c->count] = member[k / parts] * parts + k % parts;
        c->place[c->count++] = k;
    }
}

/* Scores the listed tiles. Cells that a field ignores get the least value of the tile's others. */
static int score_listed(struct chunk *c, bool maps, struct insp_error *reterr) {
    const size_t parts = insp_tiles_count(c->data->tiles);
    float probability[SCORE_BATCH], map[SCORE_BATCH * INSP_MAP_FLOATS];
    struct insp_field_cells cells;
    for (size_t at = 0; at < c->count; at += SCORE_BATCH) {
        const size_t n = c->count - at < SCORE_BATCH ? c->count - at : SCORE_BATCH;
        insp_train_data_gather(c->data, c->sample + at, n, c->features);
        int r = insp_tail_score(c->tail, c->features, n, probability, maps ? map : NULL, reterr);
        if (r < 0)
            return r;
        for (size_t i = 0; i < n; i++) {
            const size_t sample = c->sample[at + i], place = c->place[at + i];
            const struct insp_field *field = field_of(c->data, sample / parts);
            float *to = c->map + place * INSP_MAP_FLOATS;
            c->probability[place] = probability[i];
            if (!maps)
                continue;
            memcpy(to, map + i * INSP_MAP_FLOATS, INSP_MAP_FLOATS * sizeof *to);
            if (field) {
                insp_field_cells_of(field, c->data->tiles, sample % parts, &cells);
                insp_field_cells_map(&cells, INFINITY, to);
            }
        }
    }
    return 0;
}

/* Makes the map of image i of a chunk. Ignored tiles get the least value of the others. */
static void join_map(const struct chunk *c, size_t i, float *ret) {
    const struct insp_tiles tiles = c->data->tiles;
    const size_t parts = insp_tiles_count(tiles);
    const float *map = c->map + i * parts * INSP_MAP_FLOATS;
    float whole[INSP_TILES_MAP_MAX] = {0}, cold[INSP_MAP_FLOATS], least = INFINITY;
    if (!insp_tiles_on(tiles)) {
        memcpy(ret, map, INSP_MAP_FLOATS * sizeof *ret);
        return;
    }
    for (size_t k = 0; k < parts * INSP_MAP_FLOATS; k++)
        if (c->probability[i * parts + k / INSP_MAP_FLOATS] >= 0)
            least = fminf(least, map[k]);
    for (size_t cell = 0; cell < INSP_MAP_FLOATS; cell++)
        cold[cell] = least;
    for (size_t t = 0; t < parts; t++)
        insp_tiles_stitch(tiles, t, c->probability[i * parts + t] < 0 ? cold : map + t * INSP_MAP_FLOATS, whole);
    insp_map_reduce(insp_tiles_map(tiles), whole, ret);
}

int insp_train_data_score_tiles(const struct insp_train_data *data, struct insp_tail *tail, const size_t *member,
                                size_t count, const struct insp_progress *progress, float *ret_probability,
                                float *ret_map, struct insp_error *reterr) {
    const size_t parts = insp_tiles_count(data->tiles), images = parts < SCORE_BATCH ? SCORE_BATCH / parts : 1;
    _cleanup_free_ struct chunk *c = malloc(sizeof *c);
    if (!c)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to score %d images at once", SCORE_BATCH);
    c->data = data;
    c->tail = tail;
    for (size_t at = 0; at < count; at += images) {
        const size_t n = count - at < images ? count - at : images;
        if (insp_progress_cancelled(progress))
            return insp_fail(reterr, INSP_E_CANCELLED, "cancelled while evaluating");
        list_tiles(c, member + at, n);
        int r = score_listed(c, ret_map, reterr);
        if (r < 0)
            return r;
        memcpy(ret_probability + at * parts, c->probability, n * parts * sizeof *ret_probability);
        for (size_t i = 0; i < n && ret_map; i++)
            join_map(c, i, ret_map + (at + i) * INSP_MAP_FLOATS);
        insp_progress_step(progress, at + n, count);
        insp_progress_yield(progress);
    }
    return 0;
}

int insp_train_data_score(const struct insp_train_data *data, const struct insp_scorer *scorer,
                          const size_t *member, size_t count, const struct insp_progress *progress,
                          float *ret_probability, float *ret_map, struct insp_error *reterr) {
    const size_t parts = insp_tiles_count(data->tiles);
    _cleanup_free_ float *probability = malloc((count * parts + 1) * sizeof *probability);
    if (!probability)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to score %zu images", count);
    int r = insp_train_data_score_tiles(data, scorer->tail, member, count, progress, probability, ret_map, reterr);
    for (size_t i = 0; i < count && r == 0; i++)
        ret_probability[i] =
            insp_train_data_worst(data, scorer->logistic, scorer->use, member[i], probability + i * parts);
    return r;
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

int insp_train_data_good_scores(const struct insp_train_data *data, const size_t *member, size_t count,
                                const float *probability, struct insp_good_scores *ret,
                                struct insp_error *reterr) {
    _cleanup_free_ float *good = malloc((count + 1) * sizeof *good);
    size_t n = 0;
    if (!good)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the scores of %zu images", count);
    for (size_t i = 0; i < count; i++)
        if (data->set.label[member[i]] == INSP_CLASS_GOOD)
            good[n++] = probability[i];
    *ret = insp_good_scores_of(good, n);
    return 0;
}
