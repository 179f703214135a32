#include "core/model/good/good_memory.h"

#include "core/base/cleanup.h"
#include "core/model/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_BYTES = 32, TENSORS = 7, SAMPLES = TENSORS /* written for tiles only */, IMAGES_MAX = 1 << 24 };

void insp_good_memory_clear(struct insp_good_memory *memory) {
    insp_good_sums_free(memory->sums);
    free(memory->score);
    free(memory->sha256);
    *memory = (struct insp_good_memory){0};
}

size_t insp_good_memory_find(const struct insp_good_memory *memory, const char *sha256, bool *ret_found) {
    size_t low = 0, high = memory->images;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(memory->sha256[middle], sha256) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = low < memory->images && !strcmp(memory->sha256[low], sha256);
    return low;
}

int insp_good_memory_add(struct insp_good_memory *memory, const char *sha256,
                         const struct insp_good_sample *sample, size_t samples, float score,
                         struct insp_error *reterr) {
    size_t count = memory->images;
    bool found;
    size_t at = insp_good_memory_find(memory, sha256, &found);
    float *scores = reallocarray(memory->score, count + 1, sizeof *scores);
    if (scores)
        memory->score = scores;
    char(*hashes)[INSP_SHA256_HEX_BYTES] = reallocarray(memory->sha256, count + 1, sizeof *hashes);
    if (hashes)
        memory->sha256 = hashes;
    if (!scores || !hashes)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu images", count + 1);
    memmove(scores + at + 1, scores + at, (count - at) * sizeof *scores);
    memmove(hashes + at + 1, hashes + at, (count - at) * sizeof *hashes);
    scores[at] = score;
    snprintf(hashes[at], sizeof hashes[at], "%s", sha256);
    for (size_t i = 0; i < samples; i++)
        insp_good_sums_add(memory->sums, &sample[i]);
    memory->images++;
    return 0;
}

/* --- hashes as bytes --- */

static unsigned digit(char c) {
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

static void to_bytes(const char *hex, uint8_t *ret) {
    for (size_t i = 0; i < HASH_BYTES; i++)
        ret[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
}

static void to_hex(const uint8_t *bytes, char *ret) {
    for (size_t i = 0; i < HASH_BYTES; i++)
        snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
}

/* --- the file --- */

/* Describes the tensors; score and sha256 last. sums may be NULL: then only names and shapes count. */
static void describe(const struct insp_good_sums *sums, const double *count, const float *score,
                     const uint8_t *hash, size_t n, struct insp_tensor ret[TENSORS]) {
    const struct insp_tensor tensor[TENSORS] = {
        {"count", INSP_F64, 1, {1}, 1, count},
        {"tap_sum", INSP_F64, 1, {INSP_TAPS}, INSP_TAPS, sums ? sums->tap_sum : NULL},
        {"tap_squares", INSP_F64, 1, {INSP_TAPS}, INSP_TAPS, sums ? sums->tap_squares : NULL},
        {"sum",
         INSP_F64,
         3,
         {INSP_GOOD_GROUPS, INSP_GOOD_DIMS, INSP_GOOD_LANES},
         (size_t)INSP_GOOD_GROUPS * INSP_GOOD_DIMS * INSP_GOOD_LANES,
         sums ? sums->sum : NULL},
        {"product",
         INSP_F64,
         3,
         {INSP_GOOD_GROUPS, INSP_GOOD_PACKED, INSP_GOOD_LANES},
         (size_t)INSP_GOOD_GROUPS * INSP_GOOD_PACKED * INSP_GOOD_LANES,
         sums ? sums->product : NULL},
        {"score", INSP_F32, 1, {n}, n, score},
        {"sha256", INSP_U8, 2, {n, HASH_BYTES}, n * HASH_BYTES, hash}};
    memcpy(ret, tensor, sizeof tensor);
}

int insp_good_memory_write(const char *path, const struct insp_good_memory *memory, struct insp_error *reterr) {
    size_t n = memory->images;
    const double count = (double)n, samples = (double)memory->sums->count;
    struct insp_tensor tensor[TENSORS + 1];
    _cleanup_free_ uint8_t *hash = malloc(n * HASH_BYTES + 1);
    if (!hash)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the hashes of %zu images", n);
    for (size_t i = 0; i < n; i++)
        to_bytes(memory->sha256[i], hash + i * HASH_BYTES);
    describe(memory->sums, &count, memory->score, hash, n, tensor);
    tensor[SAMPLES] = (struct insp_tensor){"samples", INSP_F64, 1, {1}, 1, &samples};
    return insp_safetensors_write(path, tensor, memory->sums->count == n ? TENSORS : TENSORS + 1, reterr);
}

/* Copies a tensor that must have the name, type and shape of `wanted`. */
static int copy(const struct insp_safetensors *file, const struct insp_tensor *wanted, void *ret, size_t bytes,
                struct insp_error *reterr) {
    const struct insp_tensor *tensor = insp_safetensors_find(file, wanted->name);
    if (!tensor)
        return insp_fail(reterr, INSP_E_MODEL, "tensor %s is missing", wanted->name);
    if (tensor->dtype != wanted->dtype || tensor->rank != wanted->rank ||
        memcmp(tensor->shape, wanted->shape, wanted->rank * sizeof *wanted->shape) != 0)
        return insp_fail(reterr, INSP_E_MODEL, "tensor %s has another type or shape than is expected",
                         wanted->name);
    memcpy(ret, tensor->data, bytes);
    return 0;
}

static int check_finite(const char *name, const double *values, size_t count, struct insp_error *reterr) {
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return insp_fail(reterr, INSP_E_MODEL, "tensor %s: element %zu is %f, not a finite number", name, i,
                             values[i]);
    return 0;
}

static int check(const struct insp_good_memory *memory, struct insp_error *reterr) {
    const struct insp_good_sums *sums = memory->sums;
    int r;
    if ((r = check_finite("tap_sum", sums->tap_sum, INSP_TAPS, reterr)) < 0 ||
        (r = check_finite("tap_squares", sums->tap_squares, INSP_TAPS, reterr)) < 0 ||
        (r = check_finite("sum", &sums->sum[0][0][0], sizeof sums->sum / sizeof(double), reterr)) < 0 ||
        (r = check_finite("product", &sums->product[0][0][0], sizeof sums->product / sizeof(double), reterr)) < 0)
        return r;
    for (size_t i = 0; i < memory->images; i++) {
        if (!(isfinite(memory->score[i]) && memory->score[i] >= 0))
            return insp_fail(reterr, INSP_E_MODEL,
                             "tensor score: element %zu is %f, not a finite number of 0 or more", i,
                             (double)memory->score[i]);
        if (i && strcmp(memory->sha256[i - 1], memory->sha256[i]) >= 0)
            return insp_fail(reterr, INSP_E_MODEL, "tensor sha256: row %zu is not above the one before it", i);
    }
    return 0;
}

static int read_count(const struct insp_safetensors *file, const char *name, double least, size_t *ret,
                      struct insp_error *reterr) {
    struct insp_tensor tensor = {.dtype = INSP_F64, .rank = 1, .shape = {1}, .elements = 1};
    double count;
    snprintf(tensor.name, sizeof tensor.name, "%s", name);
    int r = copy(file, &tensor, &count, sizeof count, reterr);
    if (r < 0)
        return r;
    if (!(count >= least && count <= IMAGES_MAX && count == floor(count)))
        return insp_fail(reterr, INSP_E_MODEL, "tensor %s is %g, not a number of images", name, count);
    *ret = (size_t)count;
    return 0;
}

static int read_all(const struct insp_safetensors *file, struct insp_good_memory *memory,
                    struct insp_error *reterr) {
    struct insp_tensor tensor[TENSORS];
    size_t n = 0;
    int r = read_count(file, "count", 1, &n, reterr);
    size_t samples = n;
    if (r == 0 && insp_safetensors_find(file, "samples"))
        r = read_count(file, "samples", (double)n, &samples, reterr);
    if (r < 0)
        return r;
    struct insp_good_sums *sums = memory->sums = insp_good_sums_new();
    _cleanup_free_ uint8_t *hash = malloc(n * HASH_BYTES);
    memory->score = calloc(n, sizeof *memory->score);
    memory->sha256 = calloc(n, sizeof *memory->sha256);
    if (!sums || !hash || !memory->score || !memory->sha256)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the sums of %zu images", n);
    sums->count = samples;
    memory->images = n;
    void *const to[TENSORS] = {NULL,          sums->tap_sum, sums->tap_squares, sums->sum, sums->product,
                               memory->score, hash};
    const size_t bytes[TENSORS] = {0,
                                   sizeof sums->tap_sum,
                                   sizeof sums->tap_squares,
                                   sizeof sums->sum,
                                   sizeof sums->product,
                                   n * sizeof *memory->score,
                                   n * HASH_BYTES};
    describe(NULL, NULL, NULL, NULL, n, tensor);
    for (size_t t = 1; t < TENSORS && r == 0; t++)
        r = copy(file, &tensor[t], to[t], bytes[t], reterr);
    for (size_t i = 0; i < n && r == 0; i++)
        to_hex(hash + i * HASH_BYTES, memory->sha256[i]);
    return r < 0 ? r : check(memory, reterr);
}

int insp_good_memory_read(const char *path, struct insp_good_memory *ret, struct insp_error *reterr) {
    _cleanup_(insp_safetensors_closep) struct insp_safetensors *file = NULL;
    struct insp_good_memory memory = {0};
    int r = insp_safetensors_open(path, &file, reterr);
    if (r < 0)
        return r;
    r = read_all(file, &memory, reterr);
    if (r < 0) {
        insp_error_prefix(reterr, "%s", path);
        insp_good_memory_clear(&memory);
        return r;
    }
    *ret = memory;
    return 0;
}
