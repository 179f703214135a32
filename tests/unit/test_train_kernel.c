#include "core/compute/conv_layer.h"
#include "core/compute/train_kernel.h"

#include "conv_reference.h"
#include "harness.h"

enum { SIDE = 6, PLANE = SIDE * SIDE, IN = 32, OUT = 64, IMAGES = 3, TILES = IMAGES * 9, POINTS = 16, TAPS = 9 };
static const struct insp_conv_shape shape = {0, IN, OUT, SIDE, 0};

/* With these Adam's step is -gradient: both moments forget at once, and epsilon drowns the root. */
static const struct insp_adam plain_step = {
    .beta1 = 0, .beta2 = 0, .epsilon = 1e12f, .rate = 1e12f, .root_scale = 1};

static const struct insp_train_kernel *kernel_named(const char *name) {
    static const struct insp_train_kernel *const all[] = {
        &insp_train_kernel_generic,
#if defined __x86_64__
        &insp_train_kernel_avx2,
        &insp_train_kernel_avx512,
#endif
    };
    const struct insp_conv_kernel *conv = insp_conv_kernel_named(name);
    for (size_t i = 0; conv && i < INSP_COUNT(all); i++)
        if (all[i]->conv == conv)
            return all[i];
    return NULL;
}

static double reference_gradient(const float *x, const float *dy, size_t out, size_t in, size_t tap) {
    double sum = 0;
    for (size_t image = 0; image < IMAGES; image++)
        for (int y = 0; y < SIDE; y++)
            for (int xx = 0; xx < SIDE; xx++) {
                int sy = y + (int)tap / 3 - 1, sx = xx + (int)tap % 3 - 1;
                if (sy >= 0 && sy < SIDE && sx >= 0 && sx < SIDE)
                    sum += (double)x[(image * IN + in) * PLANE + (size_t)(sy * SIDE + sx)] *
                           (double)dy[(image * OUT + out) * PLANE + (size_t)(y * SIDE + xx)];
            }
    return sum;
}

static float *blocked(const float *plain, size_t channels) {
    float *to = insp_conv_alloc(insp_conv_floats(channels, SIDE, IMAGES));
    for (size_t i = 0; i < IMAGES; i++)
        insp_conv_block(plain + i * channels * PLANE, channels, SIDE, to + insp_conv_floats(channels, SIDE, i));
    return to;
}

/* dU of all panels, over runs of at most `length` tiles; the caller frees it. */
static float *gradient(const struct insp_train_kernel *kernel, const struct insp_wino *wino, const float *x,
                       const float *dy, size_t length) {
    size_t columns = kernel->conv->columns;
    float *v = insp_conv_alloc(POINTS * IN * TILES), *d = insp_conv_alloc(POINTS * OUT * TILES);
    float *du = insp_conv_alloc(POINTS * IN * OUT);
    memset(du, 0x7f, POINTS * IN * OUT * sizeof *du); /* the first run must set, not add */
    for (size_t first = 0; first < TILES; first += length) {
        size_t count = TILES - first < length ? TILES - first : length;
        struct insp_tile_run run = {.first = first, .count = count, .stride = count};
        for (size_t block = 0; block < IN / INSP_BLOCK; block++)
            kernel->conv->input(wino, &run, block, x, v);
        for (size_t block = 0; block < OUT / INSP_BLOCK; block++)
            kernel->spread(wino, &run, block, dy, d);
        for (size_t panel = 0; panel < OUT / columns; panel++)
            kernel->gradient(wino, &run, panel, v, d, first > 0, du + panel * POINTS * IN * columns);
    }
    free(v);
    free(d);
    return du;
}

/* Weights before less weights after the plain step = gradient; the new U is that of the new weights. */
static void check_update(const struct insp_train_kernel *kernel, const float *du, const float *x,
                         const float *dy) {
    struct insp_error err;
    struct insp_conv_layer layer;
    size_t columns = kernel->conv->columns, panel_floats = TAPS * IN * columns;
    float *w = insp_conv_alloc(TAPS * IN * OUT), *moments = insp_conv_alloc(2 * TAPS * IN * OUT);
    float *u = insp_conv_alloc(POINTS * IN * OUT), *oihw = malloc(sizeof *oihw * TAPS * IN * OUT);
    float bias[OUT] = {0};
    memset(w, 0, sizeof *w * TAPS * IN * OUT);
    memset(moments, 0, sizeof *moments * 2 * TAPS * IN * OUT);
    for (size_t panel = 0; panel < OUT / columns; panel++)
        kernel->update(&plain_step, IN, du + panel * POINTS * IN * columns, w + panel * panel_floats,
                       moments + panel * panel_floats, moments + (TAPS * IN * OUT) + panel * panel_floats,
                       u + panel * POINTS * IN * columns);
    double worst = 0, largest = 0;
    for (size_t out = 0; out < OUT; out++)
        for (size_t in = 0; in < IN; in++)
            for (size_t tap = 0; tap < TAPS; tap++) {
                float got = w[((out / columns * TAPS + tap) * IN + in) * columns + out % columns];
                double want = -reference_gradient(x, dy, out, in, tap);
                oihw[(out * IN + in) * TAPS + tap] = got;
                worst = fmax(worst, fabs((double)got - want));
                largest = fmax(largest, fabs(want));
            }
    ck_assert_msg(worst < 3e-6 * largest, "%s: gradient off by %g of %g", kernel->conv->name, worst, largest);
    struct insp_conv_weights weights = {.weight = oihw, .bias = bias};
    ck_insp_ok(insp_conv_layer_init(&layer, kernel->conv, &shape, &weights, &err), err);
    for (size_t i = 0; i < POINTS * IN * OUT; i++)
        ck_assert(fabs((double)(u[i] - layer.u[i])) < 1e-6 * largest);
    insp_conv_layer_clear(&layer);
    free(w);
    free(moments);
    free(u);
    free(oihw);
}

START_TEST(test_gradient_against_reference) {
    float *x = random_floats(IMAGES * IN * PLANE, 1, 0, 1), *dy = random_floats(IMAGES * OUT * PLANE, 1, 0, 2);
    float *x_blocked = blocked(x, IN), *dy_blocked = blocked(dy, OUT);
    for (size_t k = 0; k < INSP_COUNT(kernel_names); k++) {
        struct insp_error err;
        struct insp_conv_layer layer;
        const struct insp_train_kernel *kernel = kernel_named(kernel_names[k]);
        if (!kernel)
            continue;
        ck_insp_ok(insp_conv_layer_alloc(&layer, kernel->conv, &shape, &err), err);
        float *whole = gradient(kernel, &layer.shape, x_blocked, dy_blocked, TILES);
        float *cut = gradient(kernel, &layer.shape, x_blocked, dy_blocked, 10);
        ck_assert(!memcmp(whole, cut, sizeof *whole * POINTS * IN * OUT));
        check_update(kernel, whole, x, dy);
        insp_conv_layer_clear(&layer);
        free(whole);
        free(cut);
    }
    free(x);
    free(dy);
    free(x_blocked);
    free(dy_blocked);
}
END_TEST

/* Three steps of Adam on one constant gradient, against the paper's formulas in double. */
START_TEST(test_adam_against_formula) {
    enum { COLUMN_FLOATS = IN * INSP_MAX_COLUMNS };
    for (size_t k = 0; k < INSP_COUNT(kernel_names); k++) {
        const struct insp_train_kernel *kernel = kernel_named(kernel_names[k]);
        if (!kernel)
            continue;
        float *du = insp_conv_alloc(POINTS * COLUMN_FLOATS), *u = insp_conv_alloc(POINTS * COLUMN_FLOATS);
        float *w = insp_conv_alloc(TAPS * COLUMN_FLOATS), *m = insp_conv_alloc(TAPS * COLUMN_FLOATS);
        float *v = insp_conv_alloc(TAPS * COLUMN_FLOATS);
        memset(w, 0, sizeof *w * TAPS * COLUMN_FLOATS);
        memset(m, 0, sizeof *m * TAPS * COLUMN_FLOATS);
        memset(v, 0, sizeof *v * TAPS * COLUMN_FLOATS);
        memset(du, 0, sizeof *du * POINTS * COLUMN_FLOATS);
        du[0] = .25f; /* point 0 alone: the gradient of tap 0 */
        double mean = 0, square = 0, want = 0;
        for (int t = 1; t <= 3; t++) {
            struct insp_adam adam = {.9f, .999f, 1e-8f, (float)(1e-3 / (1 - pow(.9, t))),
                                     (float)(1 / sqrt(1 - pow(.999, t)))};
            kernel->update(&adam, IN, du, w, m, v, u);
            mean = .9 * mean + .1 * .25;
            square = .999 * square + .001 * .25 * .25;
            want -= 1e-3 * (mean / (1 - pow(.9, t))) / (sqrt(square / (1 - pow(.999, t))) + 1e-8);
        }
        ck_assert_msg(fabs((double)w[0] - want) < 1e-5 * fabs(want), "%s: %g, expected %g", kernel_names[k],
                      (double)w[0], want);
        ck_assert(w[1] == 0);
        ck_assert(u[0] == w[0]);
        free(du);
        free(u);
        free(w);
        free(m);
        free(v);
    }
}
END_TEST

INSP_TESTS(test_gradient_against_reference, test_adam_against_formula);
