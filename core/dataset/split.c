#include "core/dataset/split.h"

#include "core/base/cleanup.h"
#include "core/base/splitmix.h"

#include <math.h>
#include <stdlib.h>

static uint64_t rotate(uint64_t x, int bits) {
    return (x << bits) | (x >> (64 - bits));
}

void insp_random_seed(struct insp_random *random, uint64_t seed) {
    for (size_t i = 0; i < INSP_COUNT(random->state); i++)
        random->state[i] = insp_splitmix(&seed);
}

static uint64_t next(struct insp_random *random) {
    uint64_t *s = random->state, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t insp_random_below(struct insp_random *random, uint64_t bound) {
    uint64_t spare = -bound % bound; /* 2^64 mod bound: draws below it would make small results likelier */
    uint64_t draw;
    do
        draw = next(random);
    while (draw < spare);
    return draw % bound;
}

void insp_random_shuffle(struct insp_random *random, size_t *index, size_t count) {
    for (size_t i = count; i > 1; i--) {
        size_t j = insp_random_below(random, i), kept = index[i - 1];
        index[i - 1] = index[j];
        index[j] = kept;
    }
}

static const double NO_REMAINDER = -1;

static int no_memory(struct insp_error *reterr, size_t count) {
    return insp_fail(reterr, INSP_E_NOMEM, "no memory to split %zu images", count);
}

static void sizes_of(const size_t *strata, size_t count, size_t stratum_count, size_t *ret_size) {
    for (size_t s = 0; s < stratum_count; s++)
        ret_size[s] = 0;
    for (size_t i = 0; i < count; i++)
        ret_size[strata[i]]++;
}

/* Gives the draws left over by rounding down to the strata with the largest remainders. Equal remainders are drawn
 * at random, as in scikit-learn. Returns the number of draws that no stratum can take.
 *   remainder  NO_REMAINDER for a stratum without images left
 *   scratch    [stratum_count] */
static size_t add_by_remainder(const double *remainder, size_t stratum_count, size_t left,
                               struct insp_random *random, size_t *scratch, size_t *taken) {
    double below = INFINITY;
    while (left) {
        double value = NO_REMAINDER;
        for (size_t s = 0; s < stratum_count; s++)
            if (remainder[s] < below && remainder[s] > value)
                value = remainder[s];
        if (value == NO_REMAINDER)
            return left;
        size_t ties = 0;
        for (size_t s = 0; s < stratum_count; s++)
            if (remainder[s] == value)
                scratch[ties++] = s;
        insp_random_shuffle(random, scratch, ties);
        for (size_t t = 0; t < ties && left; t++, left--)
            taken[scratch[t]]++;
        below = value;
    }
    return 0;
}

/* Computes how many of `draws` draws come from each stratum, as scikit-learn's _approximate_mode does. The
 * products are formed in the same order, so that floating-point remainders tie exactly when they tie there.
 *   total               sum of size, 1..
 *   draws               0..total
 *   remainder, scratch  [stratum_count]
 *   ret_taken           [stratum_count], each at most the stratum's size
 * Returns false if the draws cannot be distributed. */
static bool approximate_mode(const size_t *size, size_t stratum_count, size_t total, size_t draws,
                             struct insp_random *random, double *remainder, size_t *scratch, size_t *ret_taken) {
    size_t taken = 0;
    for (size_t s = 0; s < stratum_count; s++) {
        double share = (double)size[s] / (double)total * (double)draws;
        ret_taken[s] = (size_t)floor(share);
        if (ret_taken[s] > size[s]) /* the product was rounded up */
            ret_taken[s] = size[s];
        remainder[s] = ret_taken[s] < size[s] ? share - floor(share) : NO_REMAINDER;
        taken += ret_taken[s];
    }
    return taken >= draws ||
           add_by_remainder(remainder, stratum_count, draws - taken, random, scratch, ret_taken) == 0;
}

/* Computes the number of held-out images over the strata that can be split; checks as scikit-learn does. */
static int held_out_count(const size_t *size, size_t stratum_count, double test_share, size_t *ret_total,
                          size_t *ret_held_out, struct insp_error *reterr) {
    if (!(test_share > 0 && test_share < 1))
        return insp_fail(reterr, INSP_E_PARAMETER, "test_share %g is not between 0 and 1 (both excluded)",
                         test_share);
    size_t strata = 0, total = 0;
    for (size_t s = 0; s < stratum_count; s++) {
        strata += size[s] > 0;
        total += size[s];
    }
    if (!total)
        return insp_fail(
            reterr, INSP_E_DATASET,
            "no class has two images, so there is nothing to split: each part needs at least one image "
            "per class");
    double held_out = ceil(test_share * (double)total);
    if (held_out < (double)strata || (double)total - held_out < (double)strata)
        return insp_fail(
            reterr, INSP_E_DATASET,
            "%zu images of %zu classes cannot be split with test_share %g: each part needs at least one "
            "image per class, and the parts would have %.0f and %.0f images",
            total, strata, test_share, (double)total - held_out, held_out);
    *ret_total = total;
    *ret_held_out = (size_t)held_out;
    return 0;
}

/* Marks `wanted` images of the stratum, drawn at random, as held out. scratch [count] */
static void hold_out(const size_t *strata, size_t count, size_t stratum, size_t wanted, struct insp_random *random,
                     size_t *scratch, bool *ret_held_out) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (strata[i] == stratum)
            scratch[n++] = i;
    insp_random_shuffle(random, scratch, n);
    for (size_t k = 0; k < wanted; k++)
        ret_held_out[scratch[k]] = true;
}

int insp_split_stratified(const size_t *strata, size_t count, size_t stratum_count, double test_share,
                          uint64_t seed, bool *ret_held_out, struct insp_error *reterr) {
    _cleanup_free_ size_t *size = calloc(stratum_count + 1, sizeof *size);
    _cleanup_free_ size_t *kept = calloc(stratum_count + 1, sizeof *kept);
    _cleanup_free_ double *remainder = calloc(stratum_count + 1, sizeof *remainder);
    _cleanup_free_ size_t *scratch = calloc(count + stratum_count + 1, sizeof *scratch);
    if (!size || !kept || !remainder || !scratch)
        return no_memory(reterr, count);
    sizes_of(strata, count, stratum_count, size);
    for (size_t s = 0; s < stratum_count; s++)
        if (size[s] == 1)
            size[s] = 0; /* one image cannot be in both parts: it stays in the training part, uncounted */
    size_t total, held_out;
    int r = held_out_count(size, stratum_count, test_share, &total, &held_out, reterr);
    if (r < 0)
        return r;
    struct insp_random random;
    insp_random_seed(&random, seed);
    if (!approximate_mode(size, stratum_count, total, total - held_out, &random, remainder, scratch, kept))
        return insp_fail(reterr, INSP_E_INTERNAL, "%zu images cannot be distributed to a part of %zu", total,
                         total - held_out);
    for (size_t i = 0; i < count; i++)
        ret_held_out[i] = false;
    for (size_t s = 0; s < stratum_count; s++)
        hold_out(strata, count, s, size[s] - kept[s], &random, scratch, ret_held_out);
    return 0;
}

/* Lists the strata in the order of their first image, the order that StratifiedKFold uses. */
static size_t order_of_appearance(const size_t *strata, size_t count, size_t stratum_count, bool *seen,
                                  size_t *ret_order) {
    size_t n = 0;
    for (size_t i = 0; i < count && n < stratum_count; i++)
        if (!seen[strata[i]]) {
            seen[strata[i]] = true;
            ret_order[n++] = strata[i];
        }
    return n;
}

/* Checks that each fold gets at least one good and one anomalous image. Stratum 0 is good. */
static int check_folds(const size_t *size, size_t count, size_t stratum_count, size_t folds, bool *ret_thin,
                       struct insp_error *reterr) {
    if (folds < 2)
        return insp_fail(reterr, INSP_E_PARAMETER, "folds is %zu, at least 2 are needed", folds);
    size_t good = stratum_count ? size[0] : 0, anomalous = count - good;
    if (good < folds || anomalous < folds)
        return insp_fail(reterr, INSP_E_DATASET,
                         "%zu folds need at least %zu good and %zu anomalous images; there are %zu and %zu", folds,
                         folds, folds, good, anomalous);
    *ret_thin = false;
    for (size_t s = 0; s < stratum_count; s++)
        *ret_thin = *ret_thin || (size[s] > 0 && size[s] < folds);
    return 0;
}

int insp_split_folds(const size_t *strata, size_t count, size_t stratum_count, size_t folds, uint64_t seed,
                     size_t *ret_fold, bool *ret_thin, struct insp_error *reterr) {
    _cleanup_free_ size_t *size = calloc(stratum_count + 1, sizeof *size);
    _cleanup_free_ size_t *order = calloc(stratum_count + 1, sizeof *order);
    _cleanup_free_ bool *seen = calloc(stratum_count + 1, sizeof *seen);
    _cleanup_free_ size_t *dealt = calloc(count + 1, sizeof *dealt);
    if (!size || !order || !seen || !dealt)
        return no_memory(reterr, count);
    sizes_of(strata, count, stratum_count, size);
    bool thin;
    int r = check_folds(size, count, stratum_count, folds, &thin, reterr);
    if (r < 0)
        return r;
    struct insp_random random;
    insp_random_seed(&random, seed);
    size_t present = order_of_appearance(strata, count, stratum_count, seen, order);
    /* Fold numbers run round robin over the images sorted by stratum and continue from one stratum to the next, so
     * that thin strata do not all fall into the first folds. Within a stratum they are shuffled. */
    size_t position = 0;
    for (size_t k = 0; k < present; k++) {
        size_t stratum = order[k], n = size[stratum];
        for (size_t j = 0; j < n; j++)
            dealt[j] = (position + j) % folds;
        insp_random_shuffle(&random, dealt, n);
        for (size_t i = 0, j = 0; i < count; i++)
            if (strata[i] == stratum)
                ret_fold[i] = dealt[j++];
        position += n;
    }
    *ret_thin = thin;
    return 0;
}
