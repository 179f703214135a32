#include "core/train/tiles/tile_samples.h"

#include "core/dataset/split.h"
#include "core/train/tiles/tile_labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Holds the work of one choice. */
struct work {
    const struct insp_train_data *data;
    struct insp_random random;
    size_t parts, count;
    size_t *member; /* [count], shuffled, so that the last round is fair */
    size_t *tile;   /* [count,parts], of each member, shuffled */
    struct insp_tile_samples *ret;
};

static void count_labels(struct work *w) {
    for (size_t i = 0; i < w->count; i++)
        for (size_t t = 0; t < w->parts; t++) {
            const uint8_t label = insp_train_data_label(w->data, w->member[i] * w->parts + t);
            *(label == INSP_TILE_LEFT_OUT ? &w->ret->left_out : &w->ret->there[label]) += 1;
        }
}

/* Takes up to `most` tiles of a label: in each round one of each member that has another one. */
static void take(struct work *w, uint8_t wanted, size_t most) {
    struct insp_tile_samples *ret = w->ret;
    size_t *next = w->member + w->count; /* [count]: the place in the member's tiles */
    bool any = true;
    memset(next, 0, w->count * sizeof *next);
    while (any && ret->of[wanted] < most) {
        any = false;
        for (size_t i = 0; i < w->count && ret->of[wanted] < most; i++) {
            const size_t *tile = w->tile + i * w->parts;
            while (next[i] < w->parts &&
                   insp_train_data_label(w->data, w->member[i] * w->parts + tile[next[i]]) != wanted)
                next[i]++;
            if (next[i] == w->parts)
                continue;
            ret->sample[ret->count++] = w->member[i] * w->parts + tile[next[i]++];
            ret->of[wanted]++;
            any = true;
        }
    }
}

static int shuffle(struct work *w, const size_t *member, uint64_t seed, struct insp_error *reterr) {
    w->member = calloc(2 * w->count + 1, sizeof *w->member);
    w->tile = calloc(w->count * w->parts + 1, sizeof *w->tile);
    w->ret->sample = calloc(w->count * w->parts + 1, sizeof *w->ret->sample);
    if (!w->member || !w->tile || !w->ret->sample)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the tiles of %zu images", w->count);
    insp_random_seed(&w->random, seed);
    for (size_t i = 0; i < w->count; i++)
        w->member[i] = member[i];
    insp_random_shuffle(&w->random, w->member, w->count);
    for (size_t i = 0; i < w->count; i++) {
        for (size_t t = 0; t < w->parts; t++)
            w->tile[i * w->parts + t] = t;
        insp_random_shuffle(&w->random, w->tile + i * w->parts, w->parts);
    }
    return 0;
}

static size_t good_for(size_t anomalous) {
    const size_t wanted = INSP_TILES_GOOD_EACH * anomalous;
    return wanted > INSP_TILES_GOOD_MIN ? wanted : INSP_TILES_GOOD_MIN;
}

/* Makes weights and target of what was taken. The recipe's default of 1 and 3 is made for sets with three good
 * images for each anomaly, in which both classes then weigh the same. */
static void balance(const struct insp_train_params *params, struct insp_tile_samples *ret) {
    const double good = (double)ret->of[INSP_CLASS_GOOD], anomalous = (double)ret->of[INSP_CLASS_ANOMALY];
    const struct insp_train_params usual = insp_train_params_default();
    const double ratio = (double)(usual.class_weights[1] / usual.class_weights[0]);
    ret->class_weights[1] = (float)((double)params->class_weights[1] / ratio * good / anomalous);
    ret->target_accuracy = (float)(1 - (1 - (double)params->target_accuracy) *
                                           fmin(1, 2 * fmin(good, anomalous) / (good + anomalous)));
}

static int choose(struct work *w, const struct insp_train_params *params, size_t good_max,
                  struct insp_error *reterr) {
    struct insp_tile_samples *ret = w->ret;
    count_labels(w);
    for (size_t c = 0; c < INSP_CLASSES; c++)
        if (!ret->there[c])
            return insp_fail(reterr, INSP_E_DATASET, "of %zu images to train on no tile %s", w->count,
                             c == INSP_CLASS_GOOD ? "is without a defect" : "shows a defect");
    take(w, INSP_CLASS_ANOMALY, INSP_TILES_ANOMALOUS_MAX);
    take(w, INSP_CLASS_GOOD, good_max ? good_max : good_for(ret->of[INSP_CLASS_ANOMALY]));
    balance(params, ret);
    return 0;
}

static int copy(const size_t *member, size_t count, struct insp_tile_samples *ret, struct insp_error *reterr) {
    ret->sample = calloc(count + 1, sizeof *ret->sample);
    if (!ret->sample)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu images", count);
    for (size_t i = 0; i < count; i++)
        ret->sample[i] = member[i];
    ret->count = count;
    return 0;
}

int insp_tile_samples(const struct insp_train_data *data, const struct insp_train_params *params,
                      const size_t *member, size_t count, size_t good_max, struct insp_tile_samples *ret,
                      struct insp_error *reterr) {
    struct insp_tile_samples samples = {.target_accuracy = params->target_accuracy,
                                        .class_weights = {params->class_weights[0], params->class_weights[1]}};
    struct work w = {.data = data, .parts = insp_tiles_count(data->tiles), .count = count, .ret = &samples};
    int r = 0;
    if (!data->tile_label)
        r = copy(member, count, &samples, reterr);
    else if ((r = shuffle(&w, member, params->seed, reterr)) == 0)
        r = choose(&w, params, good_max, reterr);
    free(w.member);
    free(w.tile);
    if (r < 0)
        free(samples.sample);
    else
        *ret = samples;
    return r;
}

bool insp_tile_samples_digest(const struct insp_train_data *data, char ret_digest[INSP_SHA256_HEX_BYTES]) {
    if (data->tile_label)
        insp_sha256_hex(data->tile_label, data->set.dataset->count * insp_tiles_count(data->tiles), ret_digest);
    return data->tile_label;
}

json_t *insp_tile_samples_json(const struct insp_train_data *data, const struct insp_train_params *params,
                               const size_t *member, size_t count) {
    struct insp_tile_samples samples;
    char digest[INSP_SHA256_HEX_BYTES];
    if (!insp_tile_samples_digest(data, digest) ||
        insp_tile_samples(data, params, member, count, 0, &samples, NULL) < 0)
        return json_null();
    free(samples.sample);
    return json_pack("{s:I, s:I, s:I, s:{s:I, s:I}, s:s}", "anomalous",
                     (json_int_t)samples.there[INSP_CLASS_ANOMALY], "good",
                     (json_int_t)samples.there[INSP_CLASS_GOOD], "left_out", (json_int_t)samples.left_out,
                     "trained", "anomalous", (json_int_t)samples.of[INSP_CLASS_ANOMALY], "good",
                     (json_int_t)samples.of[INSP_CLASS_GOOD], "labels", digest);
}
