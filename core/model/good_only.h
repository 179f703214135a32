/* core/model/good_only.h - read and write the good-only model of a bundle: its part of the manifest, and
 * good_only.safetensors.
 *
 *   manifest   "good_only": {"file": "good_only.safetensors", "sha256": "...",
 *                "sums_sha256": hash of good_sums.safetensors (good/good_memory.h), or null,
 *                "images": good images that it was fitted to, 20 or more,
 *                "channels": [100 ascending numbers of channels, 0..447],
 *                "alpha": 0..1, at most this share of good parts reaches the threshold, with 95 % confidence,
 *                "threshold": above 0, "spread": above 0, "cold" < "warm" < "threshold",  see good_threshold.h
 *                "unlike": above 0, the score beyond which a picture is unlike good parts (insp_good_unlike),
 *                "quantiles": [101 ascending scores of good parts: 0 %, 1 %, ... 100 %]}
 *   the file   "mean" [784,100] and "whitening" [784,5050], 16 MB in float32; float16, half of it, is read too
 *
 * Reading and writing the file blocks on the disk; any thread. */
#ifndef INSP_MODEL_GOOD_ONLY_H
#define INSP_MODEL_GOOD_ONLY_H

#include "core/base/sha256.h"
#include "core/good_only/good_fit.h"
#include "core/good_only/good_threshold.h"

#include <jansson.h>

#define INSP_GOOD_ONLY_FILE "good_only.safetensors"

struct insp_good_only {
    size_t images; /* 0: the bundle has no good-only model, and the other fields are unset */
    char sha256[INSP_SHA256_HEX_BYTES];
    char sums_sha256[INSP_SHA256_HEX_BYTES]; /* of INSP_GOOD_SUMS_FILE; "": the version cannot be extended */
    uint16_t channel[INSP_GOOD_DIMS];
    double alpha;
    struct insp_good_scale scale;
    float quantile[INSP_GOOD_QUANTILES];
    float unlike; /* insp_good_unlike */
};

/* Parses the manifest's object; NULL or null gives no model. Fails with INSP_E_MODEL, which names the field. */
int insp_good_only_parse(const json_t *object, struct insp_good_only *ret, struct insp_error *reterr);
/* Returns the object, or null for no model; a new reference, NULL without memory. */
json_t *insp_good_only_json(const struct insp_good_only *good);

/* Writes the file, whole or not at all. Fails as insp_safetensors_write does. */
int insp_good_gauss_write(const char *path, const struct insp_good_gauss *gauss, struct insp_error *reterr);
/* Reads the file. Both tensors must have their shape and finite values, and the whitening's diagonal must be above
 * 0. *ret is the caller's. Fails with INSP_E_MODEL, which names the tensor and its fault, INSP_E_NOMEM and the
 * codes of insp_fail_errno. */
int insp_good_gauss_read(const char *path, struct insp_good_gauss **ret, struct insp_error *reterr);

#endif
