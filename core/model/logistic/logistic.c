#include "core/model/logistic/logistic.h"

#include "core/base/cleanup.h"
#include "core/model/safetensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- statistics --- */

static void put(float *ret, size_t channel, double cells, double sum, double squares, float most) {
    double mean = sum / cells, variance = squares / cells - mean * mean;
    ret[channel] = (float)mean;
    ret[INSP_POOLED_CHANNELS + channel] = most;
    ret[2 * INSP_POOLED_CHANNELS + channel] = (float)sqrt(variance > 0 ? variance : 0);
}

void insp_pooled_of(const float *taps, const float *features, float *ret) {
    double sum[INSP_TAP_CHANNELS] = {0}, squares[INSP_TAP_CHANNELS] = {0};
    float most[INSP_TAP_CHANNELS];
    memcpy(most, taps, sizeof most);
    for (size_t cell = 0; cell < INSP_TAP_CELLS; cell++) /* channels last: one cell after the other */
        for (size_t c = 0; c < INSP_TAP_CHANNELS; c++) {
            float x = taps[cell * INSP_TAP_CHANNELS + c];
            sum[c] += (double)x;
            squares[c] += (double)x * (double)x;
            most[c] = x > most[c] ? x : most[c];
        }
    for (size_t c = 0; c < INSP_TAP_CHANNELS; c++)
        put(ret, c, INSP_TAP_CELLS, sum[c], squares[c], most[c]);
    for (size_t c = 0; c < INSP_CHANNELS; c++) {
        const float *plane = features + c * INSP_MAP_FLOATS;
        double of_plane = 0, of_squares = 0;
        float top = plane[0];
        for (size_t i = 0; i < INSP_MAP_FLOATS; i++) {
            of_plane += (double)plane[i];
            of_squares += (double)plane[i] * (double)plane[i];
            top = plane[i] > top ? plane[i] : top;
        }
        put(ret, INSP_TAP_CHANNELS + c, INSP_MAP_FLOATS, of_plane, of_squares, top);
    }
}

/* --- decisions --- */

static double sigmoid(double logit) {
    return 1 / (1 + exp(-logit));
}

/* The next float below 1 has the logit 16.6, so the ends are treated alike. */
static double logit_of(float probability) {
    const double least = 0x1p-24, p = fmin(fmax((double)probability, least), 1 - least);
    return log(p / (1 - p));
}

float insp_logistic_average(float one, float other) {
    return (float)sigmoid((logit_of(one) + logit_of(other)) / 2);
}

float insp_logistic_probability(const struct insp_logistic *logistic, enum insp_logistic_use use,
                                const float pooled[INSP_POOLED_FLOATS], float tail_probability) {
    if (use == INSP_LOGISTIC_NONE)
        return tail_probability;
    double logit = (double)logistic->bias;
    for (size_t i = 0; i < INSP_POOLED_FLOATS; i++)
        logit += (double)logistic->weight[i] * (double)pooled[i];
    float alone = (float)sigmoid(logit);
    return use == INSP_LOGISTIC_ALONE ? alone : insp_logistic_average(alone, tail_probability);
}

/* --- manifest --- */

static const char *const use_name[] = {[INSP_LOGISTIC_ALONE] = "alone", [INSP_LOGISTIC_AVERAGED] = "averaged"};

int insp_logistic_parse(const json_t *object, struct insp_logistic_entry *ret, struct insp_error *reterr) {
    struct insp_logistic_entry entry = {0};
    if (!object || json_is_null(object)) {
        *ret = entry;
        return 0;
    }
    const char *file = json_string_value(json_object_get(object, "file"));
    const char *sha256 = json_string_value(json_object_get(object, "sha256"));
    const char *use = json_string_value(json_object_get(object, "use"));
    if (!json_is_object(object))
        return insp_fail(reterr, INSP_E_MODEL, "logistic must be an object");
    if (!file || strcmp(file, INSP_LOGISTIC_FILE) != 0)
        return insp_fail(reterr, INSP_E_MODEL, "logistic.file must be \"" INSP_LOGISTIC_FILE "\"");
    if (!sha256 || !insp_sha256_hex_valid(sha256))
        return insp_fail(reterr, INSP_E_MODEL, "logistic.sha256 must be 64 lower-case hexadecimal digits");
    for (enum insp_logistic_use u = INSP_LOGISTIC_ALONE; u <= INSP_LOGISTIC_AVERAGED; u++)
        if (use && strcmp(use, use_name[u]) == 0)
            entry.use = u;
    if (!entry.use)
        return insp_fail(reterr, INSP_E_MODEL, "logistic.use must be \"alone\" or \"averaged\"");
    memcpy(entry.sha256, sha256, sizeof entry.sha256);
    *ret = entry;
    return 0;
}

json_t *insp_logistic_json(const struct insp_logistic_entry *entry) {
    return entry->use == INSP_LOGISTIC_NONE ? json_null()
                                            : json_pack("{s:s, s:s, s:s}", "file", INSP_LOGISTIC_FILE, "sha256",
                                                        entry->sha256, "use", use_name[entry->use]);
}

/* --- the file --- */

int insp_logistic_write(const char *path, const struct insp_logistic *logistic, struct insp_error *reterr) {
    const struct insp_tensor tensor[] = {
        {.name = "weight",
         .dtype = INSP_F32,
         .rank = 1,
         .shape = {INSP_POOLED_FLOATS},
         .elements = INSP_POOLED_FLOATS,
         .data = logistic->weight},
        {.name = "bias", .dtype = INSP_F32, .rank = 1, .shape = {1}, .elements = 1, .data = &logistic->bias}};
    return insp_safetensors_write(path, tensor, INSP_COUNT(tensor), reterr);
}

static int read_tensor(const struct insp_safetensors *file, const char *name, size_t floats, float *ret,
                       struct insp_error *reterr) {
    const struct insp_tensor *tensor = insp_safetensors_find(file, name);
    if (!tensor)
        return insp_fail(reterr, INSP_E_MODEL, "tensor %s of shape [%zu] is missing", name, floats);
    if (tensor->rank != 1 || tensor->shape[0] != floats)
        return insp_fail(reterr, INSP_E_MODEL, "tensor %s has another shape than [%zu]", name, floats);
    insp_tensor_to_f32(tensor, ret);
    for (size_t i = 0; i < floats; i++)
        if (!isfinite(ret[i]))
            return insp_fail(reterr, INSP_E_MODEL, "tensor %s: element %zu is %f, not a finite number", name, i,
                             (double)ret[i]);
    return 0;
}

int insp_logistic_read(const char *path, struct insp_logistic **ret, struct insp_error *reterr) {
    _cleanup_(insp_safetensors_closep) struct insp_safetensors *file = NULL;
    int r = insp_safetensors_open(path, &file, reterr);
    if (r < 0)
        return r;
    _cleanup_free_ struct insp_logistic *logistic = malloc(sizeof *logistic);
    if (!logistic)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a logistic regression");
    if ((r = read_tensor(file, "weight", INSP_POOLED_FLOATS, logistic->weight, reterr)) < 0 ||
        (r = read_tensor(file, "bias", 1, &logistic->bias, reterr)) < 0) {
        insp_error_prefix(reterr, "%s", path);
        return r;
    }
    *ret = insp_take_ptr(logistic);
    return 0;
}
