#include "core/good_only/good_calibrate.h"

#include "core/good_only/good_score.h"

#include <stdlib.h>
#include <string.h>

/* Holds everything on the way; freed whole by clear. */
struct calibration {
    const struct insp_good_source *source;
    const uint16_t *channel;
    size_t *order; /* [count], shuffled: fold f has those at f, f + 5, ... */
    struct insp_good_sample *sample;
    struct insp_good_sums *whole, *part;
    float *score; /* [count], then sorted */
    size_t parts; /* of an image */
    float *cell;  /* [count,parts,28,28], distances out of fold, then sorted */
};

static void clear(struct calibration *c) {
    free(c->order);
    free(c->sample);
    insp_good_sums_free(c->whole);
    insp_good_sums_free(c->part);
    free(c->score);
    free(c->cell);
}

static int prepare(struct calibration *c, uint64_t seed, struct insp_error *reterr) {
    size_t count = c->source->count;
    c->order = calloc(count, sizeof *c->order);
    c->sample = malloc(sizeof *c->sample);
    c->whole = insp_good_sums_new();
    c->part = insp_good_sums_new();
    c->score = calloc(count, sizeof *c->score);
    c->cell = calloc(count, c->parts * INSP_TAP_CELLS * sizeof *c->cell);
    if (!c->order || !c->sample || !c->whole || !c->part || !c->score || !c->cell)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to fit a good-only model to %zu images", count);
    for (size_t i = 0; i < count; i++) { /* Fisher-Yates, from the front */
        size_t other = insp_good_random(&seed, i + 1);
        c->order[i] = c->order[other];
        c->order[other] = i;
    }
    return 0;
}

static bool absent(const struct calibration *c, size_t s) {
    return c->source->absent && c->source->absent(c->source->arg, s);
}

/* Adds the images at first, first + step, ... of the order. */
static int add(struct calibration *c, size_t first, size_t step, struct insp_good_sums *sums,
               struct insp_error *reterr) {
    int r = 0;
    for (size_t at = first; at < c->source->count && r == 0; at += step)
        for (size_t s = c->order[at] * c->parts; s < (c->order[at] + 1) * c->parts && r == 0; s++) {
            if (absent(c, s))
                continue;
            r = c->source->read(c->source->arg, s, c->sample, reterr);
            if (r == 0)
                insp_good_sums_add(sums, c->sample);
        }
    return r;
}

static const uint8_t *keep_of(const struct calibration *c, size_t s) {
    return c->source->keep ? c->source->keep(c->source->arg, s) : NULL;
}

/* Moves the cells that count to the front; returns their number. */
static size_t gather_cells(struct calibration *c) {
    size_t n = 0;
    for (size_t s = 0; s < c->source->count * c->parts; s++) {
        if (absent(c, s))
            continue;
        const uint8_t *keep = keep_of(c, s);
        for (size_t cell = 0; cell < INSP_TAP_CELLS; cell++)
            if (!keep || keep[cell])
                c->cell[n++] = c->cell[s * INSP_TAP_CELLS + cell];
    }
    return n;
}

/* Scores an image by its worst part. */
static int score_image(struct calibration *c, const struct insp_good_gauss *gauss, size_t i,
                       struct insp_error *reterr) {
    int r = 0;
    for (size_t s = i * c->parts; s < (i + 1) * c->parts && r == 0; s++) {
        float score;
        if (absent(c, s))
            continue;
        r = c->source->read(c->source->arg, s, c->sample, reterr);
        if (r < 0)
            break;
        insp_good_score(gauss, c->sample, keep_of(c, s), c->cell + s * INSP_TAP_CELLS, &score);
        if (!(score <= c->score[i])) /* also a NaN, which insp_good_promise_of refuses */
            c->score[i] = score;
    }
    return r;
}

/* Scores a fold's images by a model of all others. */
static int score_fold(struct calibration *c, size_t fold, struct insp_error *reterr) {
    _cleanup_(insp_good_gauss_freep) struct insp_good_gauss *gauss = NULL;
    memset(c->part, 0, sizeof *c->part);
    int r = add(c, fold, INSP_GOOD_FOLDS, c->part, reterr);
    if (r < 0)
        return r;
    insp_good_sums_split(c->whole, c->part);
    r = insp_good_fit_part(c->whole, c->channel, &gauss, reterr);
    insp_good_sums_merge(c->whole, c->part);
    for (size_t at = fold; at < c->source->count && r == 0; at += INSP_GOOD_FOLDS)
        r = score_image(c, gauss, c->order[at], reterr);
    return r;
}

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static int judge(struct calibration *c, double alpha, struct insp_good_calibration *ret,
                 struct insp_error *reterr) {
    struct insp_good_calibration result = {0};
    size_t count = c->source->count;
    qsort(c->score, count, sizeof *c->score, ascending);
    size_t cells = gather_cells(c);
    qsort(c->cell, cells, sizeof *c->cell, ascending);
    int r = insp_good_promise_of(c->score, count, alpha, &result.promise, reterr);
    if (r == 0)
        r = insp_good_scale_of(c->score, count, c->cell, cells, result.promise.threshold, &result.scale, reterr);
    if (r < 0)
        return r;
    for (size_t i = 0; i < INSP_GOOD_QUANTILES; i++)
        result.quantile[i] = insp_good_quantile(c->score, count, (double)i / (INSP_GOOD_QUANTILES - 1));
    result.unlike = insp_good_unlike(c->score, count);
    *ret = result;
    return 0;
}

static int run(struct calibration *c, double alpha, uint64_t seed, float *ret_score, float *ret_map,
               struct insp_good_gauss **ret_gauss, struct insp_good_calibration *ret, struct insp_error *reterr) {
    _cleanup_(insp_good_gauss_freep) struct insp_good_gauss *gauss = NULL;
    int r = prepare(c, seed, reterr);
    if (r == 0)
        r = add(c, 0, 1, c->whole, reterr);
    if (r == 0)
        r = insp_good_fit(c->whole, c->channel, &gauss, reterr);
    for (size_t fold = 0; fold < INSP_GOOD_FOLDS && r == 0; fold++)
        r = score_fold(c, fold, reterr);
    if (r < 0)
        return r;
    memcpy(ret_score, c->score, c->source->count * sizeof *ret_score);
    if (ret_map)
        memcpy(ret_map, c->cell, c->source->count * c->parts * INSP_TAP_CELLS * sizeof *ret_map);
    r = judge(c, alpha, ret, reterr);
    if (r == 0)
        *ret_gauss = insp_take_ptr(gauss);
    return r;
}

int insp_good_calibrate(const struct insp_good_source *source, const uint16_t channel[INSP_GOOD_DIMS],
                        double alpha, uint64_t seed, float *ret_score, float *ret_map,
                        struct insp_good_gauss **ret_gauss, struct insp_good_sums **ret_sums,
                        struct insp_good_calibration *ret, struct insp_error *reterr) {
    struct calibration c = {.source = source, .channel = channel, .parts = source->parts ? source->parts : 1};
    int r = run(&c, alpha, seed, ret_score, ret_map, ret_gauss, ret, reterr);
    if (r == 0)
        *ret_sums = insp_take_ptr(c.whole);
    clear(&c);
    return r;
}
