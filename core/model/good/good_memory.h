/* core/model/good/good_memory.h - keep the sums that a good-only model was fitted to, so that a later version can
 * add a good image exactly, without the old images.
 *
 *   good_sums.safetensors   "count" [1], "tap_sum" [3], "tap_squares" [3], "sum" [49,100,16],
 *                           "product" [49,5050,16], all F64 (good_sums.h); "score" [n] F32, scores of the images
 * by models that had not seen them; "sha256" [n,32] U8, hashes of the images, ascending;
 *                           with tiles also "samples" [1] F64: the number of tiles in the sums
 *
 * 33 MB. It is read by trainings only: a daemon that serves the version never opens it. Blocks on the disk; any
 * thread. */
#ifndef INSP_MODEL_GOOD_GOOD_MEMORY_H
#define INSP_MODEL_GOOD_GOOD_MEMORY_H

#include "core/base/sha256.h"
#include "core/good_only/good_sums.h"

#include <stdbool.h>

#define INSP_GOOD_SUMS_FILE "good_sums.safetensors"

struct insp_good_memory {
    size_t images;
    struct insp_good_sums *sums;           /* owned; a sample of each image, or of each of its tiles */
    float *score;                          /* [images], finite, 0 or more, in the order of sha256; owned */
    char (*sha256)[INSP_SHA256_HEX_BYTES]; /* [images], ascending; owned */
};
void insp_good_memory_clear(struct insp_good_memory *memory); /* accepts a zeroed one */

/* Finds an image by its hash. Returns the place of the first hash that is not smaller; *ret_found says whether it
 * is this one. */
size_t insp_good_memory_find(const struct insp_good_memory *memory, const char *sha256, bool *ret_found);

/* Adds an image that insp_good_memory_find did not find.
 *   sample  [samples], of its tiles; one without tiles
 *   score   by a model that had not seen it
 * Fails with
 * INSP_E_NOMEM, and then changes nothing. */
int insp_good_memory_add(struct insp_good_memory *memory, const char *sha256,
                         const struct insp_good_sample *sample, size_t samples, float score,
                         struct insp_error *reterr);

/* Writes the file, whole or not at all. Fails as insp_safetensors_write does. */
int insp_good_memory_write(const char *path, const struct insp_good_memory *memory, struct insp_error *reterr);
/* Reads the file and checks shapes, order and values. insp_good_memory_clear releases *ret. Fails with
 * INSP_E_MODEL, which names the tensor and its fault, INSP_E_NOMEM and the codes of insp_fail_errno. */
int insp_good_memory_read(const char *path, struct insp_good_memory *ret, struct insp_error *reterr);

#endif
