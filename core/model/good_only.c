#include "core/model/good_only.h"

#include "core/model/float_json.h"
#include "core/model/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- manifest --- */

static const double score_max = 1e9;

static int get_score(const json_t *object, const char *key, float *ret, struct insp_error *reterr) {
    const json_t *value = json_object_get(object, key);
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= -score_max && number <= score_max))
        return insp_fail(reterr, INSP_E_MODEL, "good_only.%s must be a number from %g to %g", key, -score_max,
                         score_max);
    *ret = (float)number;
    return 0;
}

static int get_file(const json_t *object, char *ret_sha256, struct insp_error *reterr) {
    const char *file = json_string_value(json_object_get(object, "file"));
    const char *sha256 = json_string_value(json_object_get(object, "sha256"));
    if (!file || strcmp(file, INSP_GOOD_ONLY_FILE) != 0)
        return insp_fail(reterr, INSP_E_MODEL, "good_only.file must be \"" INSP_GOOD_ONLY_FILE "\"");
    if (!sha256 || !insp_sha256_hex_valid(sha256))
        return insp_fail(reterr, INSP_E_MODEL, "good_only.sha256 must be 64 lower-case hexadecimal digits");
    memcpy(ret_sha256, sha256, INSP_SHA256_HEX_BYTES);
    return 0;
}

static int get_sums(const json_t *object, char *ret_sha256, struct insp_error *reterr) {
    const json_t *value = json_object_get(object, "sums_sha256");
    const char *sha256 = json_string_value(value);
    if (!value || json_is_null(value))
        return 0;
    if (!sha256 || !insp_sha256_hex_valid(sha256))
        return insp_fail(reterr, INSP_E_MODEL,
                         "good_only.sums_sha256 must be null or 64 lower-case hexadecimal digits");
    memcpy(ret_sha256, sha256, INSP_SHA256_HEX_BYTES);
    return 0;
}

static int get_counts(const json_t *object, struct insp_good_only *ret, struct insp_error *reterr) {
    const json_t *images = json_object_get(object, "images"), *alpha = json_object_get(object, "alpha");
    json_int_t count = json_integer_value(images);
    if (!json_is_integer(images) || count < INSP_GOOD_IMAGES_MIN || count > INT32_MAX)
        return insp_fail(reterr, INSP_E_MODEL, "good_only.images must be an integer of at least %d",
                         INSP_GOOD_IMAGES_MIN);
    ret->images = (size_t)count;
    ret->alpha = json_number_value(alpha);
    if (!json_is_number(alpha) || !(ret->alpha > 0 && ret->alpha < 1))
        return insp_fail(reterr, INSP_E_MODEL, "good_only.alpha must be a number above 0 and below 1");
    return 0;
}

static int get_channels(const json_t *object, uint16_t ret[INSP_GOOD_DIMS], struct insp_error *reterr) {
    const json_t *array = json_object_get(object, "channels");
    bool right = json_is_array(array) && json_array_size(array) == INSP_GOOD_DIMS;
    json_int_t before = -1;
    for (size_t i = 0; right && i < INSP_GOOD_DIMS; i++) {
        const json_t *value = json_array_get(array, i);
        json_int_t channel = json_integer_value(value);
        right = json_is_integer(value) && channel > before && channel < INSP_TAP_CHANNELS;
        ret[i] = (uint16_t)channel;
        before = channel;
    }
    return right ? 0
                 : insp_fail(reterr, INSP_E_MODEL, "good_only.channels must be %d ascending integers from 0 to %d",
                             INSP_GOOD_DIMS, INSP_TAP_CHANNELS - 1);
}

static int get_scale(const json_t *object, struct insp_good_scale *ret, struct insp_error *reterr) {
    int r;
    if ((r = get_score(object, "threshold", &ret->threshold, reterr)) < 0 ||
        (r = get_score(object, "spread", &ret->spread, reterr)) < 0 ||
        (r = get_score(object, "cold", &ret->cold, reterr)) < 0 ||
        (r = get_score(object, "warm", &ret->warm, reterr)) < 0)
        return r;
    if (ret->spread > 0 && ret->threshold > 0 && ret->cold < ret->warm && ret->warm < ret->threshold)
        return 0;
    return insp_fail(reterr, INSP_E_MODEL,
                     "good_only has spread %g, cold %g, warm %g, threshold %g: spread and threshold must be above "
                     "0, and cold, warm and threshold must ascend",
                     (double)ret->spread, (double)ret->cold, (double)ret->warm, (double)ret->threshold);
}

static int get_quantiles(const json_t *object, float ret[INSP_GOOD_QUANTILES], struct insp_error *reterr) {
    const json_t *array = json_object_get(object, "quantiles");
    bool right = json_is_array(array) && json_array_size(array) == INSP_GOOD_QUANTILES;
    double before = 0;
    for (size_t i = 0; right && i < INSP_GOOD_QUANTILES; i++) {
        const json_t *value = json_array_get(array, i);
        double number = json_number_value(value);
        right = json_is_number(value) && number >= before && number <= score_max;
        ret[i] = (float)number;
        before = number;
    }
    return right ? 0
                 : insp_fail(reterr, INSP_E_MODEL, "good_only.quantiles must be %d ascending numbers from 0 to %g",
                             INSP_GOOD_QUANTILES, score_max);
}

int insp_good_only_parse(const json_t *object, struct insp_good_only *ret, struct insp_error *reterr) {
    struct insp_good_only good = {0};
    int r;
    if (!object || json_is_null(object)) {
        *ret = good;
        return 0;
    }
    if (!json_is_object(object))
        return insp_fail(reterr, INSP_E_MODEL, "good_only must be an object");
    if ((r = get_file(object, good.sha256, reterr)) < 0 || (r = get_sums(object, good.sums_sha256, reterr)) < 0 ||
        (r = get_counts(object, &good, reterr)) < 0 || (r = get_channels(object, good.channel, reterr)) < 0 ||
        (r = get_scale(object, &good.scale, reterr)) < 0 ||
        (r = get_quantiles(object, good.quantile, reterr)) < 0 ||
        (r = get_score(object, "unlike", &good.unlike, reterr)) < 0)
        return r;
    if (!(good.unlike > 0))
        return insp_fail(reterr, INSP_E_MODEL, "good_only.unlike must be above 0");
    *ret = good;
    return 0;
}

/* Appends in order; a failure leaves the array shorter. */
static json_t *quantiles_json(const float quantile[INSP_GOOD_QUANTILES]) {
    json_t *array = json_array();
    for (size_t i = 0; i < INSP_GOOD_QUANTILES; i++)
        if (json_array_append_new(array, insp_float_json(quantile[i])) < 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static json_t *channels_json(const uint16_t channel[INSP_GOOD_DIMS]) {
    json_t *array = json_array();
    for (size_t i = 0; i < INSP_GOOD_DIMS; i++)
        if (json_array_append_new(array, json_integer(channel[i])) < 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

json_t *insp_good_only_json(const struct insp_good_only *good) {
    if (!good->images)
        return json_null();
    const struct insp_good_scale *scale = &good->scale;
    return json_pack("{s:s, s:s, s:s?, s:I, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "file", INSP_GOOD_ONLY_FILE,
                     "sha256", good->sha256, "sums_sha256", *good->sums_sha256 ? good->sums_sha256 : NULL,
                     "images", (json_int_t)good->images, "alpha", good->alpha, "threshold",
                     insp_float_json(scale->threshold), "spread", insp_float_json(scale->spread), "cold",
                     insp_float_json(scale->cold), "warm", insp_float_json(scale->warm), "channels",
                     channels_json(good->channel), "quantiles", quantiles_json(good->quantile), "unlike",
                     insp_float_json(good->unlike));
}

/* --- the file: cells one after the other, unlike the groups in memory --- */

enum { MEAN, WHITENING, TENSORS };

static const char *const tensor_name[TENSORS] = {"mean", "whitening"};
static const size_t tensor_columns[TENSORS] = {INSP_GOOD_DIMS, INSP_GOOD_PACKED};

/* Points at number `i` of a cell: [49][columns][16]. */
static size_t grouped(size_t columns, size_t cell, size_t i) {
    return (cell / INSP_GOOD_LANES * columns + i) * INSP_GOOD_LANES + cell % INSP_GOOD_LANES;
}

int insp_good_gauss_write(const char *path, const struct insp_good_gauss *gauss, struct insp_error *reterr) {
    const float *from[TENSORS] = {&gauss->mean[0][0][0], &gauss->whitening[0][0][0]};
    struct insp_tensor tensor[TENSORS];
    const size_t floats = INSP_TAP_CELLS * (tensor_columns[0] + tensor_columns[1]);
    _cleanup_free_ float *memory = malloc(floats * sizeof *memory);
    if (!memory)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the good-only model");
    float *plain = memory;
    for (size_t t = 0; t < TENSORS; t++) {
        size_t columns = tensor_columns[t];
        for (size_t cell = 0; cell < INSP_TAP_CELLS; cell++)
            for (size_t i = 0; i < columns; i++)
                plain[cell * columns + i] = from[t][grouped(columns, cell, i)];
        tensor[t] = (struct insp_tensor){.dtype = INSP_F32,
                                         .rank = 2,
                                         .shape = {INSP_TAP_CELLS, columns},
                                         .elements = INSP_TAP_CELLS * columns,
                                         .data = plain};
        snprintf(tensor[t].name, sizeof tensor[t].name, "%s", tensor_name[t]);
        plain += tensor[t].elements;
    }
    return insp_safetensors_write(path, tensor, TENSORS, reterr);
}

/* Copies a tensor to `ret`, grouped; plain is scratch memory for it. */
static int read_tensor(const struct insp_safetensors *file, size_t t, float *plain, float *ret,
                       struct insp_error *reterr) {
    const struct insp_tensor *tensor = insp_safetensors_find(file, tensor_name[t]);
    const size_t columns = tensor_columns[t];
    if (!tensor)
        return insp_fail(reterr, INSP_E_MODEL, "tensor %s of shape [%d, %zu] is missing", tensor_name[t],
                         INSP_TAP_CELLS, columns);
    if (tensor->rank != 2 || tensor->shape[0] != INSP_TAP_CELLS || tensor->shape[1] != columns)
        return insp_fail(reterr, INSP_E_MODEL, "tensor %s has another shape than [%d, %zu]", tensor_name[t],
                         INSP_TAP_CELLS, columns);
    insp_tensor_to_f32(tensor, plain);
    for (size_t cell = 0; cell < INSP_TAP_CELLS; cell++)
        for (size_t i = 0; i < columns; i++) {
            float value = plain[cell * columns + i];
            if (!isfinite(value))
                return insp_fail(reterr, INSP_E_MODEL, "tensor %s: element %zu is %f, not a finite number",
                                 tensor_name[t], cell * columns + i, (double)value);
            ret[grouped(columns, cell, i)] = value;
        }
    return 0;
}

/* A row of the whitening without its own channel would let that channel's defects pass. */
static int check_diagonal(const struct insp_good_gauss *gauss, struct insp_error *reterr) {
    for (size_t g = 0; g < INSP_GOOD_GROUPS; g++)
        for (size_t i = 0; i < INSP_GOOD_DIMS; i++)
            for (size_t l = 0; l < INSP_GOOD_LANES; l++)
                if (!(gauss->whitening[g][i * (i + 1) / 2 + i][l] > 0))
                    return insp_fail(
                        reterr, INSP_E_MODEL,
                        "tensor whitening: the diagonal of cell %zu is %g at channel %zu, not above 0",
                        g * INSP_GOOD_LANES + l, (double)gauss->whitening[g][i * (i + 1) / 2 + i][l], i);
    return 0;
}

int insp_good_gauss_read(const char *path, struct insp_good_gauss **ret, struct insp_error *reterr) {
    _cleanup_(insp_safetensors_closep) struct insp_safetensors *file = NULL;
    int r = insp_safetensors_open(path, &file, reterr);
    if (r < 0)
        return r;
    _cleanup_(insp_good_gauss_freep) struct insp_good_gauss *gauss = insp_good_gauss_new();
    _cleanup_free_ float *plain = malloc(sizeof gauss->whitening);
    if (!gauss || !plain)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the good-only model");
    if ((r = read_tensor(file, MEAN, plain, &gauss->mean[0][0][0], reterr)) < 0 ||
        (r = read_tensor(file, WHITENING, plain, &gauss->whitening[0][0][0], reterr)) < 0 ||
        (r = check_diagonal(gauss, reterr)) < 0) {
        insp_error_prefix(reterr, "%s", path);
        return r;
    }
    *ret = insp_take_ptr(gauss);
    return 0;
}
