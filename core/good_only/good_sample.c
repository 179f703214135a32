#include "core/good_only/good_sample.h"

#include "core/base/splitmix.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { SIDE = INSP_TAP_SIDE, DIMS = INSP_GOOD_DIMS };

/* First channel of each tap, and the end. */
static const unsigned tap_begin[INSP_TAPS + 1] = {0, 64, 192, INSP_TAP_CHANNELS};

unsigned insp_good_tap_of(unsigned channel) {
    return (channel >= tap_begin[1]) + (channel >= tap_begin[2]);
}

size_t insp_good_random(uint64_t *state, size_t bound) {
    return (size_t)(insp_splitmix(state) % bound); /* the modulo's bias is below 2^-40 for any number of images */
}

void insp_good_channels(uint64_t seed, uint16_t ret_channel[INSP_GOOD_DIMS]) {
    uint16_t order[INSP_TAP_CHANNELS];
    bool chosen[INSP_TAP_CHANNELS] = {false};
    for (size_t c = 0; c < INSP_TAP_CHANNELS; c++)
        order[c] = (uint16_t)c;
    for (size_t i = 0; i < DIMS; i++) {
        size_t other = i + insp_good_random(&seed, INSP_TAP_CHANNELS - i);
        uint16_t swap = order[i];
        order[i] = order[other];
        order[other] = swap;
        chosen[order[i]] = true;
    }
    for (size_t c = 0, at = 0; c < INSP_TAP_CHANNELS; c++)
        if (chosen[c])
            ret_channel[at++] = (uint16_t)c;
}

static double total(const double part[INSP_GOOD_LANES]) {
    double sum = 0;
    for (size_t l = 0; l < INSP_GOOD_LANES; l++)
        sum += part[l];
    return sum;
}

/* Adds in INSP_GOOD_LANES separate sums, which a compiler can keep in vectors. */
static void add_up(const float *taps, struct insp_good_sample *ret) {
    for (size_t t = 0; t < INSP_TAPS; t++) {
        double sum[INSP_GOOD_LANES] = {0}, squares[INSP_GOOD_LANES] = {0};
        for (size_t cell = 0; cell < INSP_TAP_CELLS; cell++)
            for (size_t c = tap_begin[t]; c < tap_begin[t + 1]; c += INSP_GOOD_LANES)
                for (size_t l = 0; l < INSP_GOOD_LANES; l++) {
                    double value = (double)taps[cell * INSP_TAP_CHANNELS + c + l];
                    sum[l] += value;
                    squares[l] += value * value;
                }
        ret->tap_sum[t] = total(sum);
        ret->tap_squares[t] = total(squares);
    }
}

/* Sums each cell of row y with its left and right neighbours. */
static void sum_row(const float *taps, const uint16_t *channel, size_t y, float ret[SIDE][DIMS]) {
    float kept[SIDE][DIMS];
    for (size_t x = 0; x < SIDE; x++)
        for (size_t k = 0; k < DIMS; k++)
            kept[x][k] = taps[(y * SIDE + x) * INSP_TAP_CHANNELS + channel[k]];
    memcpy(ret, kept, sizeof kept);
    for (size_t x = 0; x + 1 < SIDE; x++)
        for (size_t k = 0; k < DIMS; k++) {
            ret[x][k] += kept[x + 1][k];
            ret[x + 1][k] += kept[x][k];
        }
}

static size_t neighbours(size_t at) {
    return at == 0 || at == SIDE - 1 ? 2 : 3;
}

void insp_good_sample_make(const float *taps, const uint16_t channel[INSP_GOOD_DIMS],
                           struct insp_good_sample *ret) {
    add_up(taps, ret);
    insp_good_sample_values(taps, channel, ret);
}

void insp_good_sample_values(const float *taps, const uint16_t channel[INSP_GOOD_DIMS],
                             struct insp_good_sample *ret) {
    float row[3][SIDE][DIMS]; /* of y - 1, y and y + 1, at their remainder by 3 */
    sum_row(taps, channel, 0, row[0]);
    for (size_t y = 0; y < SIDE; y++) {
        if (y + 1 < SIDE)
            sum_row(taps, channel, y + 1, row[(y + 1) % 3]);
        for (size_t x = 0; x < SIDE; x++) {
            size_t cell = y * SIDE + x;
            float sum[DIMS], share = 1 / (float)(neighbours(x) * neighbours(y));
            memcpy(sum, row[y % 3][x], sizeof sum);
            for (size_t other = y ? y - 1 : y + 1; other < SIDE && other <= y + 1; other += 2)
                for (size_t k = 0; k < DIMS; k++)
                    sum[k] += row[other % 3][x][k];
            for (size_t k = 0; k < DIMS; k++)
                ret->x[cell / INSP_GOOD_LANES][k][cell % INSP_GOOD_LANES] = sum[k] * share;
        }
    }
}
