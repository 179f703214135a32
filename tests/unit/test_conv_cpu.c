#include "core/base/cleanup.h"
#include "core/compute/conv_cpu.h"

#include "conv_reference.h"
#include "harness.h"

#include <stdio.h>

static struct insp_trunk_weights trunk_weights(void) {
    struct insp_trunk_weights weights;
    for (size_t i = 0; i < INSP_TRUNK_CONVS; i++)
        weights.conv[i] = random_weights(&insp_trunk_shape[i], 100 + i);
    return weights;
}

static float classifier_weight[INSP_CLASSES * INSP_CHANNELS], classifier_bias[INSP_CLASSES] = {.1f, -.2f};

static struct insp_tail_weights tail_weights(void) {
    struct insp_tail_weights weights = {.classifier_weight = classifier_weight,
                                        .classifier_bias = classifier_bias};
    uint64_t seed = 5;
    for (size_t i = 0; i < INSP_COUNT(classifier_weight); i++)
        classifier_weight[i] = random_value(&seed) * .05f;
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++)
        weights.conv[i] = random_weights(&insp_tail_shape[i], 200 + i);
    return weights;
}

/* Chains the plain convolutions; the caller frees the result. */
static double *reference_chain(const struct insp_conv_shape *shape, const struct insp_conv_weights *weights,
                               size_t count, const float *src, size_t floats) {
    double *x = to_double(src, floats);
    for (size_t i = 0; i < count; i++) {
        double *y = reference_conv(&shape[i], &weights[i], x);
        free(x);
        x = y;
    }
    return x;
}

static void reference_head(const double *x, double *ret_prob, double *ret_cam) {
    double logit[INSP_CLASSES] = {classifier_bias[0], classifier_bias[1]};
    memset(ret_cam, 0, INSP_MAP_FLOATS * sizeof *ret_cam);
    for (size_t c = 0; c < INSP_CHANNELS; c++, x += INSP_MAP_FLOATS) {
        double pooled = 0;
        for (size_t i = 0; i < INSP_MAP_FLOATS / 4; i++) {
            const double *q = x + i / 7 * 28 + i % 7 * 2;
            pooled += fmax(fmax(q[0], q[1]), fmax(q[14], q[15])) / 49;
        }
        for (size_t k = 0; k < INSP_CLASSES; k++)
            logit[k] += classifier_weight[k * INSP_CHANNELS + c] * pooled;
        for (size_t i = 0; i < INSP_MAP_FLOATS; i++)
            ret_cam[i] += classifier_weight[INSP_CHANNELS + c] * x[i];
    }
    *ret_prob = exp(logit[1]) / (exp(logit[0]) + exp(logit[1]));
}

START_TEST(test_trunk_against_reference) {
    struct insp_error err;
    struct insp_trunk_weights weights = trunk_weights();
    float *pixels = random_floats(INSP_INPUT_FLOATS, .5f, .5f, 1);
    double *want = reference_chain(insp_trunk_shape, weights.conv, INSP_TRUNK_CONVS, pixels, INSP_INPUT_FLOATS);
    for (size_t k = 0; k < INSP_COUNT(kernel_names); k++) {
        struct insp_cpu_trunk *trunk;
        struct insp_cpu_workspace *workspace;
        float *got = malloc(INSP_FEATURE_FLOATS * sizeof *got);
        if (!insp_cpu_force_kernel(kernel_names[k])) {
            printf("this processor has no %s: not tested\n", kernel_names[k]);
            free(got);
            continue;
        }
        ck_assert_str_eq(insp_cpu_kernel(), kernel_names[k]);
        ck_insp_ok(insp_cpu_trunk_new(&weights, &trunk, &err), err);
        ck_insp_ok(insp_cpu_workspace_new(2, &workspace, &err), err);
        ck_insp_ok(insp_cpu_trunk_run(trunk, workspace, pixels, 1, got, NULL, &err), err);
        double error = relative_error(got, want, INSP_FEATURE_FLOATS);
        printf("trunk, %s: largest error %.2g of the largest feature\n", kernel_names[k], error);
        ck_assert(error < 1e-5);
        insp_cpu_workspace_free(workspace);
        insp_cpu_trunk_free(trunk);
        free(got);
    }
    free(want);
    free(pixels);
    for (size_t i = 0; i < INSP_TRUNK_CONVS; i++)
        free_weights(&weights.conv[i]);
}
END_TEST

START_TEST(test_tail_against_reference) {
    struct insp_error err;
    struct insp_tail_weights weights = tail_weights();
    float *features = random_floats(INSP_FEATURE_FLOATS, 1, .3f, 2);
    double want_prob, want_cam[INSP_MAP_FLOATS];
    double *deep = reference_chain(insp_tail_shape, weights.conv, INSP_TAIL_CONVS, features, INSP_FEATURE_FLOATS);
    reference_head(deep, &want_prob, want_cam);
    for (size_t k = 0; k < INSP_COUNT(kernel_names); k++) {
        struct insp_cpu_tail *tail;
        struct insp_cpu_workspace *workspace;
        float prob, again, cam[INSP_MAP_FLOATS];
        if (!insp_cpu_force_kernel(kernel_names[k]))
            continue;
        ck_insp_ok(insp_cpu_tail_new(&weights, &tail, &err), err);
        ck_insp_ok(insp_cpu_workspace_new(2, &workspace, &err), err);
        ck_insp_ok(insp_cpu_tail_run(tail, workspace, features, 1, &prob, cam, &err), err);
        ck_insp_ok(insp_cpu_tail_run(tail, workspace, features, 1, &again, NULL, &err), err);
        ck_assert(prob == again);
        double error = relative_error(cam, want_cam, INSP_MAP_FLOATS);
        printf("tail, %s: probability %.7f off by %.2g, map by %.2g\n", kernel_names[k], want_prob,
               fabs(prob - want_prob), error);
        ck_assert(want_prob > .01 && want_prob < .99);
        ck_assert(fabs(prob - want_prob) < 1e-5 * want_prob);
        ck_assert(error < 1e-5);
        insp_cpu_workspace_free(workspace);
        insp_cpu_tail_free(tail);
    }
    free(deep);
    free(features);
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++)
        free_weights(&weights.conv[i]);
}
END_TEST

/* Eleven images (more than one inner batch) through trunk and tail: each has the same bits for every number of
 * threads, alone and among others. */
START_TEST(test_batches_and_threads_do_not_matter) {
    enum { IMAGES = 11 };
    struct insp_error err;
    struct insp_trunk_weights trunk_w = trunk_weights();
    struct insp_tail_weights tail_w = tail_weights();
    struct insp_cpu_trunk *trunk;
    struct insp_cpu_tail *tail;
    ck_insp_ok(insp_cpu_trunk_new(&trunk_w, &trunk, &err), err);
    ck_insp_ok(insp_cpu_tail_new(&tail_w, &tail, &err), err);
    float *pixels = random_floats((size_t)IMAGES * INSP_INPUT_FLOATS, .5f, .5f, 9);
    float *want = malloc(sizeof(float) * IMAGES * INSP_FEATURE_FLOATS);
    float *features = malloc(sizeof(float) * IMAGES * INSP_FEATURE_FLOATS);
    float want_prob[IMAGES], prob[IMAGES], want_cam[IMAGES * INSP_MAP_FLOATS], cam[IMAGES * INSP_MAP_FLOATS];
    ck_assert(want && features);
    static const struct {
        unsigned threads;
        size_t batch;
    } runs[] = {{1, IMAGES}, {2, 1}, {2, 7}, {3, 4}, {3, IMAGES}};
    for (size_t run = 0; run < INSP_COUNT(runs); run++) {
        struct insp_cpu_workspace *workspace;
        ck_insp_ok(insp_cpu_workspace_new(runs[run].threads, &workspace, &err), err);
        bool first = run == 0;
        for (size_t i = 0; i < IMAGES; i += runs[run].batch) {
            size_t n = IMAGES - i < runs[run].batch ? IMAGES - i : runs[run].batch;
            float *f = (first ? want : features) + i * INSP_FEATURE_FLOATS;
            ck_insp_ok(insp_cpu_trunk_run(trunk, workspace, pixels + i * INSP_INPUT_FLOATS, n, f, NULL, &err),
                       err);
            ck_insp_ok(insp_cpu_tail_run(tail, workspace, f, n, (first ? want_prob : prob) + i,
                                         (first ? want_cam : cam) + i * INSP_MAP_FLOATS, &err),
                       err);
        }
        insp_cpu_workspace_free(workspace);
        if (first)
            continue;
        ck_assert(!memcmp(want, features, sizeof(float) * IMAGES * INSP_FEATURE_FLOATS));
        ck_assert(!memcmp(want_prob, prob, sizeof prob));
        ck_assert(!memcmp(want_cam, cam, sizeof cam));
    }
    insp_cpu_trunk_free(trunk);
    insp_cpu_tail_free(tail);
    free(pixels);
    free(want);
    free(features);
    for (size_t i = 0; i < INSP_TRUNK_CONVS; i++)
        free_weights(&trunk_w.conv[i]);
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++)
        free_weights(&tail_w.conv[i]);
}
END_TEST

START_TEST(test_force_kernel) {
    const char *best = insp_cpu_kernel();
    ck_assert(!insp_cpu_force_kernel("mmx"));
    ck_assert_str_eq(insp_cpu_kernel(), best);
    ck_assert_msg(insp_cpu_force_kernel("generic") ? !insp_cpu_supported() : !strcmp(best, "neon"), "%s", best);
    ck_assert(insp_cpu_force_kernel(NULL));
    ck_assert_str_eq(insp_cpu_kernel(), best);
    insp_cpu_workspace_free(NULL);
    insp_cpu_trunk_free(NULL);
    insp_cpu_tail_free(NULL);
}
END_TEST

INSP_TESTS(test_trunk_against_reference, test_tail_against_reference, test_batches_and_threads_do_not_matter,
           test_force_kernel);
