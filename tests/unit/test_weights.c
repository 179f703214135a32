#include "core/model/weights.h"

#include "core/base/fs.h"
#include "core/base/sha256.h"
#include "core/model/safetensors.h"
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TAIL_TENSORS = 2 * INSP_TAIL_CONVS + 2, CONV_FLOATS = INSP_CHANNELS * INSP_CHANNELS * 9 };

static char folder[] = "/tmp/insp-weights-XXXXXX";
static char path[sizeof folder + 32];

static void enter(void) {
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file.safetensors", folder);
}

static void leave(void) {
    ck_insp_ok(insp_remove_tree(folder, NULL), ((struct insp_error){0}));
}

START_TEST(test_trunk_round_trip) {
    struct insp_error error = {0};
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *written = insp_trunk_arrays_new(), *got = NULL;
    ck_assert_ptr_nonnull(written);
    for (size_t i = 0; i < INSP_TRUNK_CONVS; i++) {
        ck_assert(written->weight[i][0] == 0); /* zeroed */
        written->weight[i][0] = (float)i + 1;
        written->bias[i][insp_trunk_shape[i].out - 1] = -(float)i;
    }
    enter();
    ck_insp_ok(insp_trunk_write(path, written, &error), error);
    ck_insp_ok(insp_trunk_read(path, &got, &error), error);
    struct insp_trunk_weights view = insp_trunk_arrays_view(got);
    for (size_t i = 0; i < INSP_TRUNK_CONVS; i++) {
        size_t floats = (size_t)insp_trunk_shape[i].out * (size_t)insp_trunk_shape[i].in * 9;
        ck_assert_mem_eq(view.conv[i].weight, written->weight[i], floats * sizeof(float));
        ck_assert_mem_eq(view.conv[i].bias, written->bias[i], (size_t)insp_trunk_shape[i].out * sizeof(float));
    }
    struct insp_tail_buffers *tail = NULL; /* a trunk is no tail */
    ck_insp_code(insp_tail_read(path, &tail, &error), INSP_E_MODEL, error);
    ck_assert_ptr_nonnull(strstr(error.detail, "features.24.weight"));
    ck_assert_ptr_nonnull(strstr(error.detail, "[512, 512, 3, 3] is missing"));
    leave();
}
END_TEST

/* The tail's tensors under the given naming, F32, with their data in `buffers`. */
static void tail_tensors(const struct insp_tail_buffers *buffers, bool notebook, struct insp_tensor *tensors) {
    const char *kinds[] = {"weight", "bias"};
    for (size_t i = 0; i < TAIL_TENSORS; i++) {
        size_t conv = i / 2;
        bool bias = i % 2;
        struct insp_tensor *t = &tensors[i];
        *t = (struct insp_tensor){.dtype = INSP_F32, .rank = bias ? 1 : 4, .shape = {512, 512, 3, 3}};
        t->elements = bias ? INSP_CHANNELS : CONV_FLOATS;
        if (conv < INSP_TAIL_CONVS) {
            snprintf(t->name, sizeof t->name, "%s.%d.%s", notebook ? "feature_extractor" : "features",
                     insp_tail_shape[conv].index, kinds[bias]);
            t->data = bias ? buffers->conv_bias[conv] : buffers->conv_weight[conv];
        } else {
            snprintf(t->name, sizeof t->name, "%s.%s", notebook ? "classification_head.3" : "classifier",
                     kinds[bias]);
            t->data = bias ? buffers->classifier_bias : buffers->classifier_weight;
            t->rank = bias ? 1 : 2;
            t->shape[0] = INSP_CLASSES;
            t->elements = bias ? INSP_CLASSES : INSP_CLASSES * INSP_CHANNELS;
        }
        for (size_t k = t->rank; k < INSP_TENSOR_RANK; k++)
            t->shape[k] = 0;
    }
}

static void equal_tails(const struct insp_tail_buffers *a, const struct insp_tail_buffers *b) {
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++) {
        ck_assert_mem_eq(a->conv_weight[i], b->conv_weight[i], CONV_FLOATS * sizeof(float));
        ck_assert_mem_eq(a->conv_bias[i], b->conv_bias[i], INSP_CHANNELS * sizeof(float));
    }
    ck_assert_mem_eq(a->classifier_weight, b->classifier_weight, INSP_CLASSES * INSP_CHANNELS * sizeof(float));
    ck_assert_mem_eq(a->classifier_bias, b->classifier_bias, INSP_CLASSES * sizeof(float));
}

START_TEST(test_tail_both_namings) {
    struct insp_error error = {0};
    struct insp_tensor tensors[TAIL_TENSORS + 1];
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *written = insp_tail_buffers_new();
    ck_assert_ptr_nonnull(written);
    insp_tail_init_identity(written, 1, 1);
    enter();
    ck_insp_ok(insp_tail_write(path, written, &error), error);
    for (int notebook = 0; notebook < 2; notebook++) {
        struct insp_tail_buffers *got = NULL;
        ck_insp_ok(insp_tail_read(path, &got, &error), error);
        equal_tails(got, written);
        insp_tail_buffers_free(got);
        tail_tensors(written, true, tensors);
        ck_insp_ok(insp_safetensors_write(path, tensors, TAIL_TENSORS, &error), error);
    }
    tensors[TAIL_TENSORS] = tensors[0]; /* the same tensor under both names */
    strcpy(tensors[TAIL_TENSORS].name, "features.24.weight");
    ck_insp_ok(insp_safetensors_write(path, tensors, TAIL_TENSORS + 1, &error), error);
    struct insp_tail_buffers *none = NULL;
    ck_insp_code(insp_tail_read(path, &none, &error), INSP_E_MODEL, error);
    ck_assert_ptr_nonnull(strstr(error.detail, "both features.24.weight and feature_extractor.24.weight"));
    leave();
}
END_TEST

START_TEST(test_tail_refused) {
    struct insp_error error = {0};
    struct insp_tensor tensors[TAIL_TENSORS];
    struct insp_tail_buffers *none = NULL;
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *written = insp_tail_buffers_new();
    ck_assert_ptr_nonnull(written);
    enter();

    tail_tensors(written, false, tensors); /* wrong shape, same size */
    tensors[6].shape[0] = 512;
    tensors[6].shape[1] = 2;
    ck_insp_ok(insp_safetensors_write(path, tensors, TAIL_TENSORS, &error), error);
    ck_insp_code(insp_tail_read(path, &none, &error), INSP_E_MODEL, error);
    ck_assert_ptr_nonnull(strstr(error.detail, "classifier.weight has shape [512, 2], expected [2, 512]"));
    ck_assert_ptr_nonnull(strstr(error.detail, path));

    tail_tensors(written, false, tensors); /* wrong rank */
    tensors[7].rank = 2;
    tensors[7].shape[1] = 1;
    ck_insp_ok(insp_safetensors_write(path, tensors, TAIL_TENSORS, &error), error);
    ck_insp_code(insp_tail_read(path, &none, &error), INSP_E_MODEL, error);
    ck_assert_ptr_nonnull(strstr(error.detail, "classifier.bias has shape [2, 1], expected [2]"));

    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < INSP_COUNT(bad); i++) {
        written->conv_bias[2][511] = bad[i];
        ck_insp_ok(insp_tail_write(path, written, &error), error);
        ck_insp_code(insp_tail_read(path, &none, &error), INSP_E_MODEL, error);
        ck_assert_ptr_nonnull(strstr(error.detail, "features.28.bias: element 511"));
    }
    leave();
}
END_TEST

START_TEST(test_initial_tail) {
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *a = insp_tail_buffers_new();
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *b = insp_tail_buffers_new();
    ck_assert(a && b);
    insp_tail_init_identity(a, 42, 2.5F);
    insp_tail_init_identity(b, 42, 2.5F);
    equal_tails(a, b);
    insp_tail_init_identity(b, 43, 2.5F);
    ck_assert_mem_ne(a->conv_weight[0], b->conv_weight[0], CONV_FLOATS * sizeof(float));

    for (size_t i = 0; i < INSP_TAIL_CONVS; i++) { /* mean 0, sigma 0.002 around the identity */
        double divisor = i == 0 ? 2.5 : 1, sum = 0, squares = 0, cubes = 0, fourths = 0;
        for (size_t k = 0; k < CONV_FLOATS; k++) {
            bool diagonal = k / 9 / INSP_CHANNELS == k / 9 % INSP_CHANNELS && k % 9 == 4;
            double z = ((double)a->conv_weight[i][k] * divisor - diagonal) / 0.002;
            sum += z;
            squares += z * z;
            cubes += z * z * z;
            fourths += z * z * z * z;
        }
        ck_assert_double_eq_tol(sum / CONV_FLOATS, 0, 0.005);
        ck_assert_double_eq_tol(squares / CONV_FLOATS, 1, 0.005);
        ck_assert_double_eq_tol(cubes / CONV_FLOATS, 0, 0.02);
        ck_assert_double_eq_tol(fourths / CONV_FLOATS, 2.9, 0.03); /* twelve uniforms: 3 - 6 / (5 x 12) */
        for (size_t k = 0; k < INSP_CHANNELS; k++)
            ck_assert(a->conv_bias[i][k] == 0);
    }
    double bound = 1 / sqrt(512), low = 1, high = -1;
    for (size_t k = 0; k < INSP_CLASSES * INSP_CHANNELS; k++) {
        low = fmin(low, (double)a->classifier_weight[k]);
        high = fmax(high, (double)a->classifier_weight[k]);
    }
    ck_assert(low >= -bound && low < -0.98 * bound && high <= bound && high > 0.98 * bound);
}
END_TEST

/* The weights that seed 42 stands for, on every machine and compiler: this hash must never change. */
START_TEST(test_initial_tail_is_pinned) {
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *tail = insp_tail_buffers_new();
    ck_assert_ptr_nonnull(tail);
    insp_tail_init_identity(tail, 42, 0.75F);
    size_t floats = INSP_TAIL_CONVS * (CONV_FLOATS + INSP_CHANNELS) + INSP_CLASSES * (INSP_CHANNELS + 1);
    char hex[INSP_SHA256_HEX_BYTES];
    insp_sha256_hex(tail->conv_weight[0], floats * sizeof(float), hex);
    ck_assert_str_eq(hex, "33ad7695409e79ca42f0ba3b632b992c8475b9b10f1601bcbc2bbfc16817d633");
}
END_TEST

INSP_TESTS(test_trunk_round_trip, test_tail_both_namings, test_tail_refused, test_initial_tail,
           test_initial_tail_is_pinned);
