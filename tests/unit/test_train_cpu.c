#include "core/compute/conv_cpu.h"
#include "core/compute/train_cpu.h"

#include "conv_reference.h"
#include "harness.h"

enum { WEIGHTS = 512 * 512 * 9, GROUPS = 2 * INSP_TAIL_CONVS + 2 };

/* All parameters of a tail: three weights, three biases, the classifier's weight and bias. */
static const size_t group_floats[GROUPS] = {WEIGHTS, WEIGHTS, WEIGHTS, 512, 512, 512, 2 * 512, 2};

struct parameters {
    float *group[GROUPS];
};

static struct parameters new_parameters(void) {
    struct parameters p;
    for (size_t i = 0; i < GROUPS; i++)
        ck_assert_ptr_nonnull(p.group[i] = calloc(group_floats[i], sizeof(float)));
    return p;
}

static struct parameters random_parameters(void) {
    struct parameters p;
    for (size_t i = 0; i < GROUPS; i++)
        p.group[i] = random_floats(group_floats[i], i < 3 ? .036f : .05f, 0, 40 + i);
    return p;
}

static void free_parameters(struct parameters *p) {
    for (size_t i = 0; i < GROUPS; i++)
        free(p->group[i]);
}

static struct insp_tail_weights view(const struct parameters *p) {
    struct insp_tail_weights weights = {.classifier_weight = p->group[6], .classifier_bias = p->group[7]};
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++)
        weights.conv[i] = (struct insp_conv_weights){.weight = p->group[i], .bias = p->group[3 + i]};
    return weights;
}

static void export(const struct insp_cpu_trainer *trainer, struct parameters *p) {
    struct insp_tail_buffers buffers = {.classifier_weight = p->group[6], .classifier_bias = p->group[7]};
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++) {
        buffers.conv_weight[i] = p->group[i];
        buffers.conv_bias[i] = p->group[3 + i];
    }
    insp_cpu_trainer_export(trainer, &buffers);
}

static const struct insp_trainer_config usual = {{1, 3}, 1e-4f, .9f, .999f, 1e-8f};

/* Loss of one image of class 1 in double. */
static double reference_loss(const struct parameters *p, const float *features) {
    struct insp_tail_weights weights = view(p);
    double *x = to_double(features, INSP_FEATURE_FLOATS);
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++) {
        double *y = reference_conv(&insp_tail_shape[i], &weights.conv[i], x);
        free(x);
        x = y;
    }
    double logit[2] = {weights.classifier_bias[0], weights.classifier_bias[1]};
    for (size_t c = 0; c < INSP_CHANNELS; c++) {
        double pooled = 0;
        for (size_t i = 0; i < 49; i++) {
            const double *q = x + c * INSP_MAP_FLOATS + i / 7 * 28 + i % 7 * 2;
            pooled += fmax(fmax(q[0], q[1]), fmax(q[14], q[15])) / 49;
        }
        for (size_t k = 0; k < 2; k++)
            logit[k] += (double)weights.classifier_weight[k * INSP_CHANNELS + c] * pooled;
    }
    free(x);
    return log(exp(logit[0]) + exp(logit[1])) - logit[1];
}

/* The gradient that the trainer finds (Adam without memory and with a huge epsilon steps by 1000 x -gradient),
 * against the slope of the plain network's loss, along a direction in which each group of parameters has the same
 * share. */
START_TEST(test_gradient_against_reference) {
    struct insp_error err;
    struct insp_trainer_config config = {{1, 3}, 1e15f, 0, 0, 1e12f};
    struct parameters p = random_parameters(), stepped = new_parameters();
    struct insp_tail_weights weights = view(&p);
    float *features = random_floats(INSP_FEATURE_FLOATS, .5f, .5f, 50), loss;
    struct insp_cpu_trainer *trainer;
    size_t correct;
    ck_insp_ok(insp_cpu_trainer_new(&weights, &config, 2, &trainer, &err), err);
    ck_insp_ok(insp_cpu_trainer_step(trainer, features, (uint8_t[]){1}, 1, &loss, &correct, &err), err);
    ck_assert(fabs((double)loss - reference_loss(&p, features)) < 1e-5 * (double)loss);
    export(trainer, &stepped);
    double want = 0, at[2];
    for (size_t i = 0; i < GROUPS; i++) {
        double norm = 0;
        for (size_t j = 0; j < group_floats[i]; j++) {
            stepped.group[i][j] = (p.group[i][j] - stepped.group[i][j]) / 1000; /* the gradient */
            norm += (double)stepped.group[i][j] * (double)stepped.group[i][j];
        }
        ck_assert(norm > 0);
        want += 1;
        for (size_t j = 0; j < group_floats[i]; j++)
            stepped.group[i][j] /= (float)norm; /* along this, the group's slope is 1 */
    }
    for (int sign = 0; sign < 2; sign++) {
        struct parameters moved = new_parameters();
        for (size_t i = 0; i < GROUPS; i++)
            for (size_t j = 0; j < group_floats[i]; j++)
                moved.group[i][j] = p.group[i][j] + (sign ? -1e-4f : 1e-4f) * stepped.group[i][j];
        at[sign] = reference_loss(&moved, features);
        free_parameters(&moved);
    }
    double slope = (at[0] - at[1]) / 2e-4;
    printf("slope %.5f, by the trainer's gradient %.5f\n", slope, want);
    ck_assert(fabs(slope - want) < 5e-3 * want);
    insp_cpu_trainer_free(trainer);
    free_parameters(&p);
    free_parameters(&stepped);
    free(features);
}
END_TEST

/* Returns the loss that the trainer reports for the images before its next update. */
static float loss_of(const float *prob, const uint8_t *labels, size_t n) {
    double sum = 0, weights = 0;
    for (size_t i = 0; i < n; i++) {
        double weight = (double)usual.class_weights[labels[i]];
        sum -= weight * log(labels[i] ? (double)prob[i] : 1 - (double)prob[i]);
        weights += weight;
    }
    return (float)(sum / weights);
}

/* Some steps from the same start: the same bits for every number of threads; the loss falls; the trainer's next
 * loss is that of a tail made of the exported parameters. */
START_TEST(test_threads_do_not_matter_and_loss_falls) {
    enum { IMAGES = 6, STEPS = 4 };
    static const uint8_t labels[IMAGES] = {0, 1, 1, 0, 0, 1};
    struct insp_error err;
    struct parameters p = random_parameters(), result[3];
    struct insp_tail_weights weights = view(&p);
    float *features = random_floats((size_t)IMAGES * INSP_FEATURE_FLOATS, .5f, .5f, 60);
    for (size_t i = 0; i < IMAGES; i++)
        for (size_t j = 0; labels[i] && j < 8 * INSP_MAP_FLOATS; j++)
            features[i * INSP_FEATURE_FLOATS + j] += 1;
    for (unsigned threads = 1; threads <= 3; threads++) {
        struct insp_cpu_trainer *trainer;
        float loss[STEPS + 1], prob[IMAGES];
        size_t correct = 0;
        ck_insp_ok(insp_cpu_trainer_new(&weights, &usual, threads, &trainer, &err), err);
        for (size_t step = 0; step < STEPS; step++)
            ck_insp_ok(insp_cpu_trainer_step(trainer, features, labels, IMAGES, &loss[step], &correct, &err), err);
        ck_assert_msg(loss[STEPS - 1] < loss[0], "loss %g, then %g", (double)loss[0], (double)loss[STEPS - 1]);
        ck_assert_uint_le(correct, IMAGES);
        result[threads - 1] = new_parameters();
        export(trainer, &result[threads - 1]);
        for (size_t i = 0; i < GROUPS; i++)
            ck_assert(!memcmp(result[0].group[i], result[threads - 1].group[i], group_floats[i] * sizeof(float)));
        struct insp_tail_weights exported = view(&result[threads - 1]);
        struct insp_cpu_tail *tail;
        struct insp_cpu_workspace *workspace;
        ck_insp_ok(insp_cpu_tail_new(&exported, &tail, &err), err);
        ck_insp_ok(insp_cpu_workspace_new(threads, &workspace, &err), err);
        ck_insp_ok(insp_cpu_tail_run(tail, workspace, features, IMAGES, prob, NULL, &err), err);
        ck_insp_ok(insp_cpu_trainer_step(trainer, features, labels, IMAGES, &loss[STEPS], &correct, &err), err);
        ck_assert_float_eq_tol(loss[STEPS], loss_of(prob, labels, IMAGES), 1e-5f);
        insp_cpu_tail_free(tail);
        insp_cpu_workspace_free(workspace);
        insp_cpu_trainer_free(trainer);
    }
    for (size_t i = 0; i < 3; i++)
        free_parameters(&result[i]);
    free_parameters(&p);
    free(features);
}
END_TEST

/* Batches that cannot be learned from are refused, and the parameters stay as they were. */
START_TEST(test_refusals) {
    struct insp_error err;
    struct parameters p = random_parameters(), after = new_parameters();
    struct insp_tail_weights weights = view(&p);
    struct insp_trainer_config config = usual;
    config.class_weights[0] = 0;
    float *features = random_floats(INSP_FEATURE_FLOATS, .5f, .5f, 70), loss;
    struct insp_cpu_trainer *trainer;
    size_t correct;
    ck_insp_ok(insp_cpu_trainer_new(&weights, &config, 1, &trainer, &err), err);
    ck_insp_code(insp_cpu_trainer_step(trainer, features, (uint8_t[]){1}, 0, &loss, &correct, &err), INSP_E_USAGE,
                 err);
    ck_insp_code(insp_cpu_trainer_step(trainer, features, (uint8_t[]){2}, 1, &loss, &correct, &err), INSP_E_USAGE,
                 err);
    ck_insp_code(insp_cpu_trainer_step(trainer, features, (uint8_t[]){0}, 1, &loss, &correct, &err), INSP_E_USAGE,
                 err);
    features[1000] = NAN;
    ck_insp_code(insp_cpu_trainer_step(trainer, features, (uint8_t[]){1}, 1, &loss, &correct, &err), INSP_E_MODEL,
                 err);
    export(trainer, &after);
    for (size_t i = 0; i < GROUPS; i++)
        ck_assert(!memcmp(p.group[i], after.group[i], group_floats[i] * sizeof(float)));
    insp_cpu_trainer_free(trainer);
    insp_cpu_trainer_free(NULL);
    free_parameters(&p);
    free_parameters(&after);
    free(features);
}
END_TEST

INSP_TESTS(test_gradient_against_reference, test_threads_do_not_matter_and_loss_falls, test_refusals);
