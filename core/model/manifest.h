/* core/model/manifest.h - manifest.json of a bundle: what a model is, how its input is made, how it was trained
 * and how good it was. Pure data; reading and writing block on nothing. */
#ifndef INSP_MODEL_MANIFEST_H
#define INSP_MODEL_MANIFEST_H

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/image/transform.h"

#include <jansson.h>
#include <stdint.h>

enum { INSP_MANIFEST_FORMAT = 1, INSP_NAME_BYTES = 65 };

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
    int64_t created_us; /* wall clock */
    char trunk_sha256[INSP_SHA256_HEX_BYTES];
    char weights_sha256[INSP_SHA256_HEX_BYTES];
    struct insp_transform input;
    float threshold; /* probability from which the verdict is anomaly, 0..1 */
    struct insp_heat_params heatmap;
    /* Documents without influence on a verdict, kept as they are (each may be NULL): training parameters,
     * {"digest","counts"}, [{"epoch","loss","accuracy"}], evaluation on the held-out split. Owned references. */
    json_t *training, *dataset, *curve, *metrics;
};

struct insp_manifest *insp_manifest_new(void); /* defaults: threshold 0.5, heatmap 0.7 fixed 0..1, the notebook's input */
void insp_manifest_free(struct insp_manifest *manifest);

/* Parses and checks every field (range, name, hash form); INSP_E_MODEL names the field. Unknown keys are kept out
 * but allowed (a newer minor writer); a higher `format` is refused. */
int insp_manifest_parse(const char *text, size_t bytes, struct insp_manifest **ret, struct insp_error *reterr);

/* -> indented JSON text with sorted, stable keys; *ret is the caller's (free). */
int insp_manifest_format(const struct insp_manifest *manifest, char **ret, struct insp_error *reterr);

/* The same as a JSON object (new reference) for the API; NULL without memory. */
json_t *insp_manifest_json(const struct insp_manifest *manifest);

DEFINE_CLEANUP(struct insp_manifest, insp_manifest_free);
#endif
