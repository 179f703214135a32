/* core/model/golden.h - write and read golden samples: a few pictures in a bundle with the answers that its
 * model gave when it was trained. The self-test compares new answers with them before the bundle serves.
 *
 *   golden.json   {"device": "cpu" | "cuda", "samples": [{"file": "golden-1.png", "sha256": "...",
 *                  "class": "good" | "anomaly", "probability": 0..1, "map": [196 numbers]}]}, 1 to 4 samples
 *   golden-N.png  the 224x224 RGB8 pixels to which the transform was applied: about 150 KB at most
 *
 * The manifest holds the hash of golden.json, which holds those of the pictures. All functions block on the
 * disk; any thread. */
#ifndef INSP_MODEL_GOLDEN_H
#define INSP_MODEL_GOLDEN_H

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/compute/vgg16.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INSP_GOLDEN_MAX = 4, INSP_GOLDEN_RGB_BYTES = INSP_INPUT_SIDE * INSP_INPUT_SIDE * 3 };

struct insp_golden_sample {
    uint8_t label;              /* INSP_CLASS_GOOD or INSP_CLASS_ANOMALY */
    float probability;          /* 0..1, the model's answer */
    float map[INSP_MAP_FLOATS]; /* the map that the version shows as heat, as insp_model_score gives it */
    uint8_t *rgb;               /* [224,224,3], owned */
};

struct insp_golden {
    bool cuda; /* the answers come from a GPU, which computes in bfloat16 or float16 */
    size_t count;
    struct insp_golden_sample sample[INSP_GOLDEN_MAX];
};

/* Returns an object without samples, the caller's; NULL without memory. */
struct insp_golden *insp_golden_new(void);
void insp_golden_free(struct insp_golden *golden); /* accepts NULL */

/* Writes the files into a bundle's (temporary) folder and syncs them. ret_sha256 (INSP_SHA256_HEX_BYTES) is
 * the hash of golden.json. Fails with INSP_E_MODEL unless there are 1 to INSP_GOLDEN_MAX samples with finite
 * answers; INSP_E_NOSPACE, INSP_E_PERMISSION, INSP_E_IO, INSP_E_NOMEM. */
int insp_golden_write(const char *folder, const struct insp_golden *golden, char *ret_sha256,
                      struct insp_error *reterr);

/* Reads the samples and verifies all files, starting from the manifest's hash. *ret is the caller's. Fails
 * with INSP_E_MODEL, which names the file and its fault, INSP_E_NOMEM. */
int insp_golden_read(const char *folder, const char *sha256, struct insp_golden **ret, struct insp_error *reterr);

DEFINE_CLEANUP(struct insp_golden, insp_golden_free);
#endif
