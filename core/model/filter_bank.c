#include "core/model/filter_bank.h"

#include <math.h>
#include <string.h>

/* The kernels of the filter bank. Every output channel reads one channel through one 3x3 kernel, and ReLU and
 * max-pool commute with a positive factor. One pass with unscaled kernels therefore yields all calibrated
 * factors, and the simulation below costs a five-hundredth of a VGG16 forward pass: nine multiplications per
 * value, on one thread, the same on every device. */

enum {
    BLOCKS = 4,
    COLOURS = 3,
    SIDE = INSP_INPUT_SIDE,
    RARE_SIGMAS = 2, /* standard deviations above the mean: the threshold of the last ReLU */
};

/* Index into insp_trunk_shape of each block's first convolution. */
static const int first_conv[BLOCKS] = {0, 2, 4, 7};

enum kernel { IDENTITY, BLUR, DX, DY, DIAGONAL, ANTIDIAGONAL, LAPLACIAN, DXX, DYY, DXY, LAPLACIAN4, KERNELS };

/* Derivatives sum to 0, their absolute values to 1; identity and blur sum to 1. */
static const float kernels[KERNELS][9] = {
    [IDENTITY] = {0, 0, 0, 0, 1, 0, 0, 0, 0},
    [BLUR] = {1 / 16.F, 2 / 16.F, 1 / 16.F, 2 / 16.F, 4 / 16.F, 2 / 16.F, 1 / 16.F, 2 / 16.F, 1 / 16.F},
    [DX] = {-1 / 8.F, 0, 1 / 8.F, -2 / 8.F, 0, 2 / 8.F, -1 / 8.F, 0, 1 / 8.F},
    [DY] = {-1 / 8.F, -2 / 8.F, -1 / 8.F, 0, 0, 0, 1 / 8.F, 2 / 8.F, 1 / 8.F},
    [DIAGONAL] = {-2 / 8.F, -1 / 8.F, 0, -1 / 8.F, 0, 1 / 8.F, 0, 1 / 8.F, 2 / 8.F},
    [ANTIDIAGONAL] = {0, 1 / 8.F, 2 / 8.F, -1 / 8.F, 0, 1 / 8.F, -2 / 8.F, -1 / 8.F, 0},
    [LAPLACIAN] = {1 / 16.F, 1 / 16.F, 1 / 16.F, 1 / 16.F, -8 / 16.F, 1 / 16.F, 1 / 16.F, 1 / 16.F, 1 / 16.F},
    [DXX] = {1 / 16.F, -2 / 16.F, 1 / 16.F, 2 / 16.F, -4 / 16.F, 2 / 16.F, 1 / 16.F, -2 / 16.F, 1 / 16.F},
    [DYY] = {1 / 16.F, 2 / 16.F, 1 / 16.F, -2 / 16.F, -4 / 16.F, -2 / 16.F, 1 / 16.F, 2 / 16.F, 1 / 16.F},
    [DXY] = {1 / 4.F, 0, -1 / 4.F, 0, 0, 0, -1 / 4.F, 0, 1 / 4.F},
    [LAPLACIAN4] = {0, 1 / 8.F, 0, 1 / 8.F, -4 / 8.F, 1 / 8.F, 0, 1 / 8.F, 0},
};

/* Luminance, red-green, blue-yellow of the input's three channels. In bgr order the two differences are
 * blue-green and red-cyan, which work as well. */
static const float colours[COLOURS][3] = {{1 / 3.F, 1 / 3.F, 1 / 3.F}, {0.5F, -0.5F, 0}, {-0.25F, -0.25F, 0.5F}};

struct filter {
    int source; /* colour in block 1, else channel of the block before */
    enum kernel kernel;
    float sign;    /* +1 or -1 */
    double factor; /* calibrated factor of this filter; > 0 */
    double gain;   /* product of the factors from the first block up to this one */
};

struct bank {
    struct filter filter[BLOCKS][INSP_CHANNELS];
    double mean[INSP_CHANNELS], std[INSP_CHANNELS]; /* of block 4's calibrated responses */
};

struct sums {
    double input; /* of absolute input values */
    double response[BLOCKS][INSP_CHANNELS];
    double square[INSP_CHANNELS]; /* of block 4's responses */
};

/* Scratch of one image's pass. */
struct planes {
    float *padded;            /* one channel with a border of zeros, (SIDE + 2)^2 */
    float *response;          /* one channel, SIDE^2 */
    float *block[BLOCKS + 1]; /* input of each block; [BLOCKS] is the output of the last */
};

static int outputs(int block) {
    return insp_trunk_shape[first_conv[block]].out;
}

static int side_of(int block) {
    return SIDE >> block;
}

/* --- the plan: the input of each channel --- */

static void plan_first_block(struct filter *filter) {
    static const enum kernel all[] = {IDENTITY, BLUR, DX, DY, DIAGONAL, ANTIDIAGONAL, LAPLACIAN, DXX, DYY, DXY};
    int n = 0;
    for (int colour = 0; colour < COLOURS; colour++)
        for (size_t k = 0; k < INSP_COUNT(all); k++)
            for (int sign = 1; sign >= -1; sign -= 2)
                filter[n++] = (struct filter){colour, all[k], (float)sign, 1, 1};
    for (int colour = 0; n < outputs(0); colour++)
        for (int sign = 1; sign >= -1; sign -= 2)
            filter[n++] = (struct filter){colour, LAPLACIAN4, (float)sign, 1, 1};
}

/* Plans a blurred copy of each channel of the block before, then one derivative of each, with alternating
 * kinds and signs. */
static void plan_later_block(struct filter *filter, int in, int out) {
    static const enum kernel kinds[] = {DX, DY, LAPLACIAN, DIAGONAL, ANTIDIAGONAL};
    for (int n = 0; n < in; n++)
        filter[n] = (struct filter){n, BLUR, 1, 1, 1};
    for (int n = in; n < out; n++) {
        int turn = n - in;
        filter[n] = (struct filter){turn % in, kinds[turn % (int)INSP_COUNT(kinds)],
                                    turn / (int)INSP_COUNT(kinds) % 2 ? -1.F : 1.F, 1, 1};
    }
}

static void plan(struct bank *bank) {
    plan_first_block(bank->filter[0]);
    for (int block = 1; block < BLOCKS; block++)
        plan_later_block(bank->filter[block], outputs(block - 1), outputs(block));
}

/* --- one image through the uncalibrated bank --- */

static void pad(const float *plane, int side, float *ret) {
    int stride = side + 2;
    memset(ret, 0, (size_t)stride * (size_t)stride * sizeof *ret);
    for (int y = 0; y < side; y++)
        memcpy(ret + (y + 1) * stride + 1, plane + y * side, (size_t)side * sizeof *ret);
}

/* Computes the ReLU of a 3x3 convolution of one padded channel. */
static void convolve(const float *padded, int side, const struct filter *filter, float *restrict ret) {
    int stride = side + 2;
    float w[9];
    for (int i = 0; i < 9; i++)
        w[i] = filter->sign * kernels[filter->kernel][i];
    for (int y = 0; y < side; y++) {
        const float *above = padded + y * stride, *here = above + stride, *below = here + stride;
        for (int x = 0; x < side; x++) {
            float sum = w[0] * above[x] + w[1] * above[x + 1] + w[2] * above[x + 2] + w[3] * here[x] +
                        w[4] * here[x + 1] + w[5] * here[x + 2] + w[6] * below[x] + w[7] * below[x + 1] +
                        w[8] * below[x + 2];
            ret[y * side + x] = sum > 0 ? sum : 0;
        }
    }
}

static void pool(const float *plane, int side, float *ret) {
    for (int y = 0; y < side; y += 2)
        for (int x = 0; x < side; x += 2) {
            const float *p = plane + y * side + x;
            float upper = p[0] > p[1] ? p[0] : p[1], lower = p[side] > p[side + 1] ? p[side] : p[side + 1];
            *ret++ = upper > lower ? upper : lower;
        }
}

static void to_colours(const float *pixels, float *ret) {
    enum { AREA = SIDE * SIDE };
    for (int c = 0; c < COLOURS; c++)
        for (int i = 0; i < AREA; i++)
            ret[c * AREA + i] = colours[c][0] * pixels[i] + colours[c][1] * pixels[AREA + i] +
                                colours[c][2] * pixels[2 * AREA + i];
}

static void add_to_sums(struct sums *sums, int block, int channel, const float *response, int area) {
    double sum = 0, square = 0;
    for (int i = 0; i < area; i++)
        sum += (double)response[i];
    sums->response[block][channel] += sum;
    if (block < BLOCKS - 1)
        return;
    for (int i = 0; i < area; i++)
        square += (double)response[i] * (double)response[i];
    sums->square[channel] += square;
}

/* Runs one image; leaves the last block's pooled, unscaled responses [512,14,14] in planes->block[BLOCKS].
 * sums may be NULL. */
static void run_image(const struct bank *bank, const float *pixels, struct planes *planes, struct sums *sums) {
    to_colours(pixels, planes->block[0]);
    for (int block = 0; block < BLOCKS; block++) {
        int side = side_of(block), area = side * side, padded = -1;
        for (int n = 0; n < outputs(block); n++) {
            const struct filter *filter = &bank->filter[block][n];
            if (filter->source != padded)
                pad(planes->block[block] + filter->source * area, side, planes->padded);
            padded = filter->source;
            convolve(planes->padded, side, filter, planes->response);
            if (sums)
                add_to_sums(sums, block, n, planes->response, area);
            pool(planes->response, side, planes->block[block + 1] + n * (area / 4));
        }
    }
    if (!sums)
        return;
    for (int i = 0; i < INSP_INPUT_FLOATS; i++)
        sums->input += fabs((double)pixels[i]);
}

/* --- calibration --- */

/* Returns the gain of the channel that a filter reads, by the blocks before. */
static double source_gain(const struct bank *bank, int block, const struct filter *filter) {
    return block ? bank->filter[block - 1][filter->source].gain : 1;
}

/* Gives each channel of the first convolutions a mean response of a third. A channel that is silent on these
 * images (the colours of a grey part; a flat image) keeps its size: division by rounding noise would amplify
 * the first speck. */
static void calibrate_factors(struct bank *bank, const struct sums *sums, size_t count) {
    const double silent_share =
        1e-5; /* share of the input's mean in block 1, of the calibrated level in later blocks */
    double input = sums->input / ((double)INSP_INPUT_FLOATS * (double)count);
    for (int block = 0; block < BLOCKS; block++) {
        double values = (double)(side_of(block) * side_of(block)) * (double)count;
        double silent = (block ? 1 : input) * silent_share;
        for (int n = 0; n < outputs(block); n++) {
            struct filter *filter = &bank->filter[block][n];
            double before = source_gain(bank, block, filter);
            double mean = before * sums->response[block][n] / values;
            filter->factor = mean > silent ? 1 / (3 * mean) : 1;
            filter->gain = before * filter->factor;
        }
    }
}

/* Computes mean and standard deviation of the calibrated responses before the last pool, from the sums of the
 * unscaled ones. */
static void calibrate_last(struct bank *bank, const struct sums *sums, size_t count) {
    const double std_min = 0.01; /* of a mean of 1/3: keeps a silent channel finite */
    double values = (double)(side_of(BLOCKS - 1) * side_of(BLOCKS - 1)) * (double)count;
    for (int n = 0; n < INSP_CHANNELS; n++) {
        double gain = bank->filter[BLOCKS - 1][n].gain;
        double mean = gain * sums->response[BLOCKS - 1][n] / values;
        double variance = gain * gain * sums->square[n] / values - mean * mean;
        bank->mean[n] = mean;
        bank->std[n] = fmax(sqrt(fmax(variance, 0)), std_min);
    }
}

/* Adds the features of one image to the sums. The last convolution is monotonic in its input, so it is applied
 * after the pool: a quarter of the work. */
static void add_features(const struct bank *bank, const float *pooled, double *sum, double *square) {
    for (int n = 0; n < INSP_CHANNELS; n++) {
        double gain = bank->filter[BLOCKS - 1][n].gain;
        for (int i = 0; i < INSP_MAP_FLOATS; i++) {
            double response = gain * (double)pooled[n * INSP_MAP_FLOATS + i];
            double feature = fmax((response - bank->mean[n]) / bank->std[n] - RARE_SIGMAS, 0);
            *sum += feature;
            *square += feature * feature;
        }
    }
}

/* --- weights --- */

static void write_first_block(const struct filter *filter, float *weight) {
    for (int n = 0; n < outputs(0); n++)
        for (int input = 0; input < 3; input++)
            for (int i = 0; i < 9; i++)
                weight[(n * 3 + input) * 9 + i] =
                    (float)(filter[n].factor * (double)(filter[n].sign * colours[filter[n].source][input] *
                                                        kernels[filter[n].kernel][i]));
}

static void write_later_block(const struct filter *filter, int in, int out, float *weight) {
    for (int n = 0; n < out; n++)
        for (int i = 0; i < 9; i++)
            weight[((size_t)n * (size_t)in + (size_t)filter[n].source) * 9 + (size_t)i] =
                (float)(filter[n].factor * (double)(filter[n].sign * kernels[filter[n].kernel][i]));
}

static void write_identity(int channels, float *weight) {
    for (size_t n = 0; n < (size_t)channels; n++)
        weight[(n * (size_t)channels + n) * 9 + 4] = 1;
}

/* arrays are zeroed */
static void write_weights(const struct bank *bank, struct insp_trunk_arrays *arrays) {
    enum { LAST = INSP_TRUNK_CONVS - 1 };
    for (int conv = 0, block = 0; conv < INSP_TRUNK_CONVS; conv++) {
        const struct insp_conv_shape *shape = &insp_trunk_shape[conv];
        if (block == BLOCKS || conv != first_conv[block])
            write_identity(shape->out, arrays->weight[conv]);
        else if (block++ == 0)
            write_first_block(bank->filter[0], arrays->weight[conv]);
        else
            write_later_block(bank->filter[block - 1], shape->in, shape->out, arrays->weight[conv]);
    }
    for (size_t n = 0; n < INSP_CHANNELS; n++) {
        arrays->weight[LAST][(n * INSP_CHANNELS + n) * 9 + 4] = (float)(1 / bank->std[n]);
        arrays->bias[LAST][n] = (float)(-bank->mean[n] / bank->std[n] - RARE_SIGMAS);
    }
}

/* --- the whole build --- */

static void planes_free(struct planes *planes) {
    free(planes->padded);
    free(planes->response);
    for (int block = 0; block <= BLOCKS; block++)
        free(planes->block[block]);
    free(planes);
}
DEFINE_CLEANUP(struct planes, planes_free);

static struct planes *planes_new(void) {
    _cleanup_(planes_freep) struct planes *planes = calloc(1, sizeof *planes);
    if (!planes)
        return NULL;
    planes->padded = malloc(sizeof(float) * (SIDE + 2) * (SIDE + 2));
    planes->response = malloc(sizeof(float) * SIDE * SIDE);
    bool complete = planes->padded && planes->response;
    for (int block = 0; block <= BLOCKS; block++) {
        size_t channels = (size_t)(block ? outputs(block - 1) : COLOURS), side = (size_t)side_of(block);
        planes->block[block] = malloc(sizeof(float) * channels * side * side);
        complete = complete && planes->block[block];
    }
    return complete ? insp_take_ptr(planes) : NULL;
}

static int check_finite(const float *pixels, size_t count, struct insp_error *reterr) {
    for (size_t i = 0; i < count * INSP_INPUT_FLOATS; i++)
        if (!isfinite(pixels[i]))
            return insp_fail(reterr, INSP_E_PARAMETER, "calibration image %zu holds a value that is not finite",
                             i / INSP_INPUT_FLOATS);
    return 0;
}

/* Runs two passes: one for the means of the responses, one for the spread of the features that follow from
 * them. */
static float calibrate(struct bank *bank, struct planes *planes, struct sums *sums, const float *pixels,
                       size_t count, insp_bank_progress *progress, void *arg) {
    double sum = 0, square = 0, values = (double)count * INSP_FEATURE_FLOATS;
    for (size_t i = 0; i < count; i++) {
        run_image(bank, pixels + i * INSP_INPUT_FLOATS, planes, sums);
        if (progress)
            progress(arg, i + 1, 2 * count);
    }
    calibrate_factors(bank, sums, count);
    calibrate_last(bank, sums, count);
    for (size_t i = 0; i < count; i++) {
        run_image(bank, pixels + i * INSP_INPUT_FLOATS, planes, NULL);
        add_features(bank, planes->block[BLOCKS], &sum, &square);
        if (progress)
            progress(arg, count + i + 1, 2 * count);
    }
    double variance = square / values - (sum / values) * (sum / values);
    return variance > 1e-12 ? (float)sqrt(variance) : 1; /* flat images: no spread */
}

int insp_filter_bank_build(const float *pixels, size_t count, insp_bank_progress *progress, void *arg,
                           struct insp_trunk_arrays **ret, float *ret_feature_std, struct insp_error *reterr) {
    if (count < 1)
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "the filter bank is calibrated on images: at least one is needed");
    int r = check_finite(pixels, count, reterr);
    if (r < 0)
        return r;
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = insp_trunk_arrays_new();
    _cleanup_(planes_freep) struct planes *planes = planes_new();
    _cleanup_free_ struct bank *bank = calloc(1, sizeof *bank);
    _cleanup_free_ struct sums *sums = calloc(1, sizeof *sums);
    if (!arrays || !planes || !bank || !sums)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the filter bank");
    plan(bank);
    float feature_std = calibrate(bank, planes, sums, pixels, count, progress, arg);
    write_weights(bank, arrays);
    *ret_feature_std = feature_std;
    *ret = insp_take_ptr(arrays);
    return 0;
}
