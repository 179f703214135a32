/* core/model/golden.h - a few pictures that a bundle carries together with what its model answered to them when it
 * was trained: the self-test that a bundle has to pass before it serves.
 *
 *   golden.json    {"device": "cpu" | "cuda", "samples": [{"file": "golden-1.png", "sha256": "...",
 *                   "class": "good" | "anomaly", "probability": 0..1, "map": [196 numbers]}]}, 1 to 4 samples
 *   golden-N.png   the 224x224 RGB8 pixels that the transform was applied to: 150 KB at most
 *
 * The manifest holds the hash of golden.json, which holds those of the pictures. All functions block on the disk;
 * any thread. */
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
    float probability;          /* 0..1, what the model answered */
    float map[INSP_MAP_FLOATS]; /* its class activation map, unscaled */
    uint8_t *rgb;               /* [224,224,3], owned */
};

struct insp_golden {
    bool cuda; /* the answers are those of a GPU, in half precision */
    size_t count;
    struct insp_golden_sample sample[INSP_GOLDEN_MAX];
};

struct insp_golden *insp_golden_new(void); /* without samples; NULL without memory */
void insp_golden_free(struct insp_golden *golden);

/* Writes the files into a bundle's (temporary) folder, fsynced. ret_sha256 (INSP_SHA256_HEX_BYTES) is that of
 * golden.json. Needs 1 to INSP_GOLDEN_MAX samples with finite answers. INSP_E_MODEL, INSP_E_NOSPACE,
 * INSP_E_NOMEM... */
int insp_golden_write(const char *folder, const struct insp_golden *golden, char *ret_sha256,
                      struct insp_error *reterr);

/* Reads and verifies against the manifest's hash. INSP_E_MODEL names the file and what is wrong with it. */
int insp_golden_read(const char *folder, const char *sha256, struct insp_golden **ret, struct insp_error *reterr);

DEFINE_CLEANUP(struct insp_golden, insp_golden_free);
#endif
