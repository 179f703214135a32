#include "core/model/weights.h"

#include "core/base/splitmix.h"
#include "core/model/safetensors.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- arrays: the struct and its floats in one allocation --- */

static size_t weight_floats(const struct insp_conv_shape *shape) {
    return (size_t)shape->out * (size_t)shape->in * 9;
}

/* Places weight and bias of each convolution one after the other; returns the first float after them. With at
 * == NULL only the distance is meaningful. */
static size_t place_convs(const struct insp_conv_shape *shape, size_t convs, float *at, float **weight,
                          float **bias) {
    size_t used = 0;
    for (size_t i = 0; i < convs; i++) {
        if (at) {
            weight[i] = at + used;
            bias[i] = at + used + weight_floats(&shape[i]);
        }
        used += weight_floats(&shape[i]) + (size_t)shape[i].out;
    }
    return used;
}

struct insp_trunk_arrays *insp_trunk_arrays_new(void) {
    size_t floats = place_convs(insp_trunk_shape, INSP_TRUNK_CONVS, NULL, NULL, NULL);
    struct insp_trunk_arrays *arrays = calloc(1, sizeof *arrays + floats * sizeof(float));
    if (arrays)
        place_convs(insp_trunk_shape, INSP_TRUNK_CONVS, (float *)(arrays + 1), arrays->weight, arrays->bias);
    return arrays;
}

void insp_trunk_arrays_free(struct insp_trunk_arrays *arrays) {
    free(arrays);
}

struct insp_trunk_weights insp_trunk_arrays_view(const struct insp_trunk_arrays *arrays) {
    struct insp_trunk_weights view;
    for (size_t i = 0; i < INSP_TRUNK_CONVS; i++)
        view.conv[i] = (struct insp_conv_weights){arrays->weight[i], arrays->bias[i]};
    return view;
}

struct insp_tail_buffers *insp_tail_buffers_new(void) {
    size_t convs = place_convs(insp_tail_shape, INSP_TAIL_CONVS, NULL, NULL, NULL);
    size_t floats = convs + INSP_CLASSES * INSP_CHANNELS + INSP_CLASSES;
    struct insp_tail_buffers *buffers = calloc(1, sizeof *buffers + floats * sizeof(float));
    if (!buffers)
        return NULL;
    float *at = (float *)(buffers + 1);
    place_convs(insp_tail_shape, INSP_TAIL_CONVS, at, buffers->conv_weight, buffers->conv_bias);
    buffers->classifier_weight = at + convs;
    buffers->classifier_bias = buffers->classifier_weight + INSP_CLASSES * INSP_CHANNELS;
    return buffers;
}

void insp_tail_buffers_free(struct insp_tail_buffers *buffers) {
    free(buffers);
}

struct insp_tail_weights insp_tail_buffers_view(const struct insp_tail_buffers *buffers) {
    struct insp_tail_weights view = {.classifier_weight = buffers->classifier_weight,
                                     .classifier_bias = buffers->classifier_bias};
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++)
        view.conv[i] = (struct insp_conv_weights){buffers->conv_weight[i], buffers->conv_bias[i]};
    return view;
}

/* --- the list of arrays and their tensors, for reading and writing alike --- */

enum { SLOTS_MAX = 2 * INSP_TRUNK_CONVS };

struct slot {
    char name[32];     /* torchvision's */
    char notebook[40]; /* the notebook's */
    size_t rank, shape[INSP_TENSOR_RANK], elements;
    float *data;
};

static void fill_slot(struct slot *slot, const char *name, const char *notebook, int index, const char *kind,
                      float *data) {
    *slot = (struct slot){.data = data, .elements = 1};
    if (index >= 0) {
        snprintf(slot->name, sizeof slot->name, "%s.%d.%s", name, index, kind);
        snprintf(slot->notebook, sizeof slot->notebook, "%s.%d.%s", notebook, index, kind);
    } else {
        snprintf(slot->name, sizeof slot->name, "%s.%s", name, kind);
        snprintf(slot->notebook, sizeof slot->notebook, "%s.%s", notebook, kind);
    }
}

static void set_shape(struct slot *slot, size_t rank, const size_t *shape) {
    slot->rank = rank;
    for (size_t i = 0; i < rank; i++) {
        slot->shape[i] = shape[i];
        slot->elements *= shape[i];
    }
}

static size_t conv_slots(const struct insp_conv_shape *shape, size_t convs, float *const *weight,
                         float *const *bias, struct slot *slots) {
    for (size_t i = 0; i < convs; i++) {
        size_t sides[INSP_TENSOR_RANK] = {(size_t)shape[i].out, (size_t)shape[i].in, 3, 3};
        fill_slot(&slots[2 * i], "features", "feature_extractor", shape[i].index, "weight", weight[i]);
        set_shape(&slots[2 * i], 4, sides);
        fill_slot(&slots[2 * i + 1], "features", "feature_extractor", shape[i].index, "bias", bias[i]);
        set_shape(&slots[2 * i + 1], 1, sides);
    }
    return 2 * convs;
}

static size_t trunk_slots(const struct insp_trunk_arrays *arrays, struct slot *slots) {
    return conv_slots(insp_trunk_shape, INSP_TRUNK_CONVS, arrays->weight, arrays->bias, slots);
}

static size_t tail_slots(const struct insp_tail_buffers *buffers, struct slot *slots) {
    size_t n = conv_slots(insp_tail_shape, INSP_TAIL_CONVS, buffers->conv_weight, buffers->conv_bias, slots);
    const size_t sides[2] = {INSP_CLASSES, INSP_CHANNELS};
    fill_slot(&slots[n], "classifier", "classification_head.3", -1, "weight", buffers->classifier_weight);
    set_shape(&slots[n++], 2, sides);
    fill_slot(&slots[n], "classifier", "classification_head.3", -1, "bias", buffers->classifier_bias);
    set_shape(&slots[n++], 1, sides);
    return n;
}

/* --- reading --- */

/* Writes a shape as "[64, 3, 3, 3]". out has 128 bytes, enough for four 20-digit numbers. */
static const char *shape_text(size_t rank, const size_t *shape, char out[128]) {
    size_t used = 0;
    out[used++] = '[';
    for (size_t i = 0; i < rank; i++)
        used += (size_t)snprintf(out + used, 128 - used, "%s%zu", i ? ", " : "", shape[i]);
    snprintf(out + used, 128 - used, "]");
    return out;
}

static int read_slot(const struct insp_safetensors *file, const struct slot *slot, struct insp_error *reterr) {
    const struct insp_tensor *tensor = insp_safetensors_find(file, slot->name);
    const struct insp_tensor *other = insp_safetensors_find(file, slot->notebook);
    char have[128], want[128];
    if (tensor && other)
        return insp_fail(reterr, INSP_E_MODEL, "the file has both %s and %s; it may have only one of them",
                         slot->name, slot->notebook);
    if (!tensor)
        tensor = other;
    if (!tensor)
        return insp_fail(reterr, INSP_E_MODEL, "tensor %s (or the notebook's %s) of shape %s is missing",
                         slot->name, slot->notebook, shape_text(slot->rank, slot->shape, want));
    if (tensor->rank != slot->rank || memcmp(tensor->shape, slot->shape, slot->rank * sizeof *slot->shape) != 0)
        return insp_fail(reterr, INSP_E_MODEL, "tensor %s has shape %s, expected %s", tensor->name,
                         shape_text(tensor->rank, tensor->shape, have), shape_text(slot->rank, slot->shape, want));
    insp_tensor_to_f32(tensor, slot->data);
    for (size_t i = 0; i < slot->elements; i++)
        if (!isfinite(slot->data[i]))
            return insp_fail(reterr, INSP_E_MODEL, "tensor %s: element %zu is %f, not a finite number",
                             tensor->name, i, (double)slot->data[i]);
    return 0;
}

static int read_slots(const char *path, const struct slot *slots, size_t count, struct insp_error *reterr) {
    _cleanup_(insp_safetensors_closep) struct insp_safetensors *file = NULL;
    int r = insp_safetensors_open(path, &file, reterr);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        r = read_slot(file, &slots[i], reterr);
        if (r < 0) {
            insp_error_prefix(reterr, "%s", path);
            return r;
        }
    }
    return 0;
}

int insp_trunk_read(const char *path, struct insp_trunk_arrays **ret, struct insp_error *reterr) {
    struct slot slots[SLOTS_MAX];
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = insp_trunk_arrays_new();
    if (!arrays)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the trunk's weights");
    int r = read_slots(path, slots, trunk_slots(arrays, slots), reterr);
    if (r == 0)
        *ret = insp_take_ptr(arrays);
    return r;
}

int insp_tail_read(const char *path, struct insp_tail_buffers **ret, struct insp_error *reterr) {
    struct slot slots[SLOTS_MAX];
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *buffers = insp_tail_buffers_new();
    if (!buffers)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the tail's weights");
    int r = read_slots(path, slots, tail_slots(buffers, slots), reterr);
    if (r == 0)
        *ret = insp_take_ptr(buffers);
    return r;
}

/* --- writing --- */

static int write_slots(const char *path, const struct slot *slots, size_t count, struct insp_error *reterr) {
    struct insp_tensor tensors[SLOTS_MAX];
    for (size_t i = 0; i < count; i++) {
        const struct slot *slot = &slots[i];
        tensors[i] = (struct insp_tensor){
            .dtype = INSP_F32, .rank = slot->rank, .elements = slot->elements, .data = slot->data};
        snprintf(tensors[i].name, sizeof tensors[i].name, "%s", slot->name);
        memcpy(tensors[i].shape, slot->shape, sizeof tensors[i].shape);
    }
    return insp_safetensors_write(path, tensors, count, reterr);
}

int insp_trunk_write(const char *path, const struct insp_trunk_arrays *arrays, struct insp_error *reterr) {
    struct slot slots[SLOTS_MAX];
    return write_slots(path, slots, trunk_slots(arrays, slots), reterr);
}

int insp_tail_write(const char *path, const struct insp_tail_buffers *buffers, struct insp_error *reterr) {
    struct slot slots[SLOTS_MAX];
    return write_slots(path, slots, tail_slots(buffers, slots), reterr);
}

/* --- the initial tail --- */

/* Returns a number that is normal enough for initial noise: the sum of twelve uniforms less six has mean 0,
 * variance 1 and ends at 6 sigma. It is summed in whole numbers and exact, so that the weights of a seed do
 * not depend on the mathematics library (Box-Muller and inversion use logarithms, which differ between
 * libraries). */
static double next_normal(uint64_t *state) {
    int64_t sum = -6 * (INT64_C(1) << 32);
    for (int i = 0; i < 6; i++) {
        uint64_t draw = insp_splitmix(state);
        sum += (int64_t)(draw >> 32) + (int64_t)(draw & UINT32_MAX);
    }
    return (double)sum * 0x1p-32;
}

void insp_tail_init_identity(struct insp_tail_buffers *buffers, uint64_t seed, float feature_std) {
    static const double sigma = 0.002, bound = 0.04419417382415922; /* 1 / sqrt(512) */
    uint64_t state = seed;
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++) {
        double divisor = i == 0 ? (double)feature_std : 1.0;
        float *weight = buffers->conv_weight[i];
        for (size_t out = 0; out < INSP_CHANNELS; out++)
            for (size_t in = 0; in < INSP_CHANNELS; in++)
                for (size_t tap = 0; tap < 9; tap++) {
                    double noise = sigma * next_normal(&state);
                    double identity = out == in && tap == 4 ? 1.0 : 0.0;
                    *weight++ = (float)((identity + noise) / divisor);
                }
        memset(buffers->conv_bias[i], 0, INSP_CHANNELS * sizeof(float));
    }
    float *uniform[] = {buffers->classifier_weight, buffers->classifier_bias};
    size_t floats[] = {INSP_CLASSES * INSP_CHANNELS, INSP_CLASSES};
    for (size_t k = 0; k < INSP_COUNT(uniform); k++)
        for (size_t i = 0; i < floats[k]; i++)
            uniform[k][i] = (float)(bound * ((double)(insp_splitmix(&state) >> 11) * 0x1p-52 - 1.0));
}
