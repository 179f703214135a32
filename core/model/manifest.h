/* core/model/manifest.h - manifest.json of a bundle: what a model is, how its input is made, how it was trained
 * and how good it was. Pure data; reading and writing block on nothing. Any thread; one thread per object at a
 * time.
 *
 *   {
 *     "format": 1,
 *     "product": "cubes", "version": "20261124T202720Z",  names as insp_name_valid
 *     "created": "2026-11-24T20:27:20.123Z",              RFC 3339, milliseconds, 1970 to 9999
 *     "trunk": {"sha256": "..."},                         <state>/trunks/<sha256>.safetensors
 *     "weights": {"file": "model.safetensors", "sha256": "..."},
 *     "golden": {"file": "golden.json", "sha256": "..."},  see golden.h; null or missing: none
 *     "input": {"width": 224, "height": 224, "channel_order": "rgb" | "bgr", "scale": 1e-9..1e9,
 *               "mean": [3 numbers], "std": [3 numbers, 1e-9..1e9]},
 *                                                         the network sees (pixel * scale - mean) / std
 *     "classes": ["good", "anomaly"],
 *     "threshold": 0..1,
 *     "threshold_source": {"from": "default" | "training" | "patch" | "cross-validate", ...},
 *     "review": {"low": 0..threshold, "high": threshold..1},  low < high; null or missing: none
 *     "heatmap": {"scale": "fixed" | "per_image", "threshold": 0..1, "low": number, "high": number > low},
 *     "pictures": {"count": ..., "bright": [least, greatest], ...},  see training_pictures.h; null or missing: not
 * known "training": {...}, "dataset": {...}, "curve": [...], "metrics": {...}, "lineage": {...} } the documents,
 * threshold_source too, may be missing or null
 *
 * Floats are written as the shortest decimal that reads back as the same float, the doubles inside the
 * documents with 15 digits. */
#ifndef INSP_MODEL_MANIFEST_H
#define INSP_MODEL_MANIFEST_H

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/image/stats.h"
#include "core/image/transform.h"

#include <jansson.h>
#include <stdint.h>

enum {
    INSP_MANIFEST_FORMAT = 1,
    INSP_NAME_BYTES = 65,
    INSP_MANIFEST_BYTES_MAX = 1 << 20,
    INSP_MANIFEST_DEPTH_MAX = 16, /* levels of nesting */
};

/* The files of a bundle */
#define INSP_MANIFEST_FILE "manifest.json"
#define INSP_WEIGHTS_FILE "model.safetensors"
#define INSP_GOLDEN_FILE "golden.json" /* with the pictures that it names; bundles from before it have none */

/* Probabilities in [low, high) answer `review`; low <= threshold <= high, low < high. */
struct insp_review {
    bool on;
    float low, high; /* 0..1; without meaning where off */
};

enum insp_heatmap_scale { INSP_SCALE_FIXED, INSP_SCALE_PER_IMAGE };

/* What turns a map into a picture: heat = (cam - low) / (high - low), clamped to 0..1 */
struct insp_heat_params {
    enum insp_heatmap_scale scale;
    float threshold; /* 0..1, of the scaled map */
    float low, high; /* in units of the class activation map; used by INSP_SCALE_FIXED; low < high */
};

struct insp_manifest {
    int format;
    char product[INSP_NAME_BYTES], version[INSP_NAME_BYTES];
    int64_t created_us; /* wall clock; whole milliseconds survive the file */
    char trunk_sha256[INSP_SHA256_HEX_BYTES];
    char weights_sha256[INSP_SHA256_HEX_BYTES];
    struct insp_transform input;
    float threshold; /* probability from which the verdict is anomaly, 0..1 */
    struct insp_review review;
    char golden_sha256[INSP_SHA256_HEX_BYTES]; /* of the file of golden samples; "" where the bundle has none */
    struct insp_heat_params heatmap;
    struct insp_stat_ranges pictures; /* of the good training pictures; count 0: not known */
    /* Documents without influence on a verdict, kept as they are (each may be NULL): training parameters,
     * {"digest","counts"}, [{"epoch","loss","accuracy"}], evaluation on the held-out split, where the threshold
     * came from, {"parent": version that served then or null, "job": id or null, "dataset": digest}. Owned
     * references. */
    json_t *training, *dataset, *curve, *metrics, *threshold_source, *lineage;
};

/* Defaults: threshold 0.5, heatmap 0.7 fixed 0..1, the notebook's input; names and hashes empty. NULL without
 * memory. */
struct insp_manifest *insp_manifest_new(void);
void insp_manifest_free(struct insp_manifest *manifest); /* NULL is fine */

/* Parses and checks every field (type, range, name, hash form). Unknown keys are allowed and dropped (a newer
 * minor writer); duplicate keys and a higher `format` are refused. text need not end in a NUL. *ret is the
 * caller's. INSP_E_MODEL names the field and its range, INSP_E_NOMEM. */
int insp_manifest_parse(const char *text, size_t bytes, struct insp_manifest **ret, struct insp_error *reterr);

/* -> indented JSON text with sorted, stable keys; *ret is the caller's (free). INSP_E_MODEL where a field is
 * outside its range or not set, so that what is written can be read again; INSP_E_NOMEM. */
int insp_manifest_format(const struct insp_manifest *manifest, char **ret, struct insp_error *reterr);

/* The same as a JSON object (new reference) for the API; NULL without memory, or with a number that is not finite.
 * The documents are shared with the manifest, not copied: do not change them. */
json_t *insp_manifest_json(const struct insp_manifest *manifest);

/* A band is consistent with a threshold, or is off: else `code`, which says what is wrong. */
int insp_review_check(const struct insp_review *review, float threshold, int code, struct insp_error *reterr);

/* The shortest decimal that reads back as the same float, as a double in a new reference; NULL for a value that is
 * not finite, or without memory. */
json_t *insp_float_json(float value);

DEFINE_CLEANUP(struct insp_manifest, insp_manifest_free);
#endif
