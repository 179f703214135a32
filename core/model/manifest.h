/* core/model/manifest.h - parse and write manifest.json of a bundle: the model, its input, its training and its
 * figures. Pure data; nothing blocks. Any thread; one thread per object at a time.
 *
 *   {
 *     "format": 1 to 4,
 *     "product": "cubes", "version": "20261124T202720Z",  names as insp_name_valid
 *     "created": "2026-11-24T20:27:20.123Z",              RFC 3339, milliseconds, 1970 to 9999
 *     "trunk": {"sha256": "..."},                         <state>/trunks/<sha256>.safetensors
 *     "weights": {"file": "model.safetensors", "sha256": "..."}, null: the good-only model decides
 *     "golden": {"file": "golden.json", "sha256": "..."}, see golden.h; null or missing: none
 *     "good_only": {...},                                 see good_only.h; null or missing: none
 *     "good_scores": {...},                               see good/good_scores.h; null or missing: not known
 *     "logistic": {...},                                  see logistic/logistic.h; null or missing: none
 *     "input": {"width": 224, "height": 224, "channel_order": "rgb" | "bgr", "scale": 1e-9..1e9,
 *               "mean": [3 numbers], "std": [3 numbers, 1e-9..1e9]},
 *                                                         the network's input is (pixel * scale - mean) / std
 *     "classes": ["good", "anomaly"],
 *     "threshold": 0..1,
 *     "threshold_source": {"from": "default" | "training" | "patch" | "cross-validate", ...},
 *     "review": {"low": 0..threshold, "high": threshold..1},  low < high; null or missing: none
 *     "heatmap": {"scale": "fixed" | "per_image", "threshold": 0..1, "low": number, "high": number > low},
 *     "heat": {"map": ..., "chosen": ...},                see heat/heat_choice.h; null or missing: older bundles
 *     "pictures": {"count": ..., "bright": [least, greatest], ...},
 *                                                         see training_pictures.h; null or missing: not known
 *     "regions": {"default": ..., "cameras": {...}},      see field_set.h; null or missing: the whole picture
 *     "tiles": {"columns": 1..16, "rows": 1..16},         see tiles.h; null or missing: none
 *     "training": {...}, "dataset": {...}, "curve": [...], "metrics": {...}, "lineage": {...}
 *   }
 *
 * The documents of the last line and threshold_source may be missing or null. A manifest with regions has format
 * 2, one that shows another heat than class activation beside a tail format 3, one with tiles format 4: a reader
 * of an older format would serve the version without them. Floats are written as the shortest decimal that reads
 * back as the same float, doubles inside the documents with 15 digits. */
#ifndef INSP_MODEL_MANIFEST_H
#define INSP_MODEL_MANIFEST_H

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/image/stats.h"
#include "core/image/transform.h"
#include "core/model/good/good_scores.h"
#include "core/model/good_only.h"
#include "core/model/heat/heat_choice.h"
#include "core/model/logistic/logistic.h"
#include "core/region/field_set.h"

#include <jansson.h>
#include <stdint.h>

enum {
    INSP_MANIFEST_FORMAT = 4, /* written: insp_manifest_json chooses */
    INSP_NAME_BYTES = 65,
    INSP_MANIFEST_BYTES_MAX = 1 << 20,
    INSP_MANIFEST_DEPTH_MAX = 16, /* levels of nesting */
};

/* The files of a bundle. */
#define INSP_MANIFEST_FILE "manifest.json"
#define INSP_WEIGHTS_FILE "model.safetensors"
#define INSP_GOLDEN_FILE "golden.json" /* names the pictures beside it; older bundles have none */

/* Gives probabilities in [low, high) the verdict `review`; low <= threshold <= high, low < high. */
struct insp_review {
    bool on;
    float low, high; /* 0..1; unused if off */
};

enum insp_heatmap_scale { INSP_SCALE_FIXED, INSP_SCALE_PER_IMAGE };

/* Turns a map into heat: heat = (cam - low) / (high - low), clamped to 0..1. */
struct insp_heat_params {
    enum insp_heatmap_scale scale;
    float threshold;          /* 0..1, of the scaled map */
    float low, high;          /* in units of the class activation map; used by INSP_SCALE_FIXED; low < high */
    struct insp_map_size map; /* of the maps; zeros: 14x14 */
};

struct insp_manifest {
    int format;
    char product[INSP_NAME_BYTES], version[INSP_NAME_BYTES];
    int64_t created_us; /* wall clock; whole milliseconds survive the file */
    char trunk_sha256[INSP_SHA256_HEX_BYTES];
    char weights_sha256[INSP_SHA256_HEX_BYTES]; /* of the tail; "" if the bundle has only a good-only model */
    struct insp_transform input;
    float threshold; /* probability from which the verdict is anomaly, 0..1 */
    struct insp_review review;
    char golden_sha256[INSP_SHA256_HEX_BYTES]; /* of golden.json; "" if the bundle has none */
    struct insp_good_only good_only;           /* images 0: the bundle has none */
    struct insp_good_scores good_scores;       /* of good parts that the tail had not seen */
    struct insp_logistic_entry logistic;
    struct insp_heat_params heatmap;
    struct insp_heat_choice heat;     /* insp_manifest_new: class activation */
    json_t *heat_chosen;              /* why; owned reference, may be NULL */
    struct insp_stat_ranges pictures; /* of the good training pictures; count 0: not known */
    struct insp_field_set *fields;    /* the parts of the pictures that were trained; owned; NULL: all */
    struct insp_tiles tiles;          /* the grid that the network sees; insp_manifest_tile sets it */
    /* Documents that do not influence a verdict, kept unchanged (each may be NULL): training parameters,
     * {"digest","counts"}, [{"epoch","loss","accuracy"}], evaluation on the held-out split, origin of the
     * threshold, {"parent": version that served then or null, "job": id or null, "dataset": digest}. Owned
     * references. */
    json_t *training, *dataset, *curve, *metrics, *threshold_source, *lineage;
    /* The images that the version was trained on (insp_report_members). They are no part of the manifest's text:
     * insp_bundle_write_parts writes them beside it (snapshot.h), and parsing leaves NULL. Owned reference. */
    json_t *images;
};

/* Returns a manifest with defaults, the caller's: threshold 0.5, heatmap 0.7 fixed 0..1, the notebook's input;
 * names and hashes empty. NULL without memory. */
struct insp_manifest *insp_manifest_new(void);
void insp_manifest_free(struct insp_manifest *manifest); /* accepts NULL */

/* Parses a manifest and checks every field (type, range, name, form of hashes). Drops unknown keys (of a newer
 * minor writer); refuses duplicate keys and a higher `format`. text need not end in a NUL. *ret is the
 * caller's. Fails with INSP_E_MODEL, which names the field and its range, INSP_E_NOMEM. */
int insp_manifest_parse(const char *text, size_t bytes, struct insp_manifest **ret, struct insp_error *reterr);

/* Writes indented JSON text with sorted keys; *ret is the caller's (free). Fails with INSP_E_MODEL if a field
 * is unset or out of range, so that the text can always be parsed; INSP_E_NOMEM. */
int insp_manifest_format(const struct insp_manifest *manifest, char **ret, struct insp_error *reterr);

/* Returns the manifest as a JSON object (new reference) for the API; NULL without memory or with a number that
 * is not finite. The object shares the documents with the manifest: do not change them. */
json_t *insp_manifest_json(const struct insp_manifest *manifest);

/* Sets the grid of tiles, the size of the heat's map and the tiles of the fields. Fails as insp_field_set_tile
 * does.
 */
int insp_manifest_tile(struct insp_manifest *manifest, struct insp_tiles tiles, struct insp_error *reterr);
/* Sets grid and size for {"columns", "rows"} or null of a manifest's text, whose heatmap is set. Leaves the fields
 * without tiles, which take milliseconds each: lists of versions need none. Fails with INSP_E_MODEL. */
int insp_manifest_read_tiles(struct insp_manifest *manifest, const json_t *json, struct insp_error *reterr);
/* Sets the tiles of the fields of a manifest that was parsed, before it masks a picture. Fails with INSP_E_MODEL.
 */
int insp_manifest_tile_fields(struct insp_manifest *manifest, struct insp_error *reterr);
/* Sets heat and heat_chosen for the object of a manifest's text, NULL in older ones, all other fields of which are
 * set. Fails as insp_heat_choice_parse does. */
int insp_manifest_read_heat(struct insp_manifest *manifest, const json_t *json, struct insp_error *reterr);

/* Says whether the good-only model decides, because the bundle has no trained tail. */
bool insp_manifest_good_decides(const struct insp_manifest *manifest);

/* Checks that a band is off or consistent with a threshold; else fails with `code`, whose detail explains the
 * fault. */
int insp_review_check(const struct insp_review *review, float threshold, int code, struct insp_error *reterr);

DEFINE_CLEANUP(struct insp_manifest, insp_manifest_free);
#endif
