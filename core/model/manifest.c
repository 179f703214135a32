#include "core/model/manifest.h"

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/compute/vgg16.h"
#include "core/model/float_json.h"
#include "core/model/training_pictures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct range {
    double low, high;
};

static const struct range share = {0, 1};
static const struct range scale_range = {1e-9, 1e9};
static const struct range mean_range = {-1e9, 1e9};
static const struct range heat_range = {-1e30, 1e30};

static const int64_t created_max_us = INT64_C(253402300799999999); /* 9999-12-31T23:59:59.999999Z */

struct insp_manifest *insp_manifest_new(void) {
    struct insp_manifest *manifest = calloc(1, sizeof *manifest);
    if (!manifest)
        return NULL;
    manifest->format = 1;
    manifest->input = insp_transform_default();
    manifest->threshold = 0.5F;
    manifest->heatmap =
        (struct insp_heat_params){.scale = INSP_SCALE_FIXED, .threshold = 0.7F, .low = 0, .high = 1};
    manifest->heat = insp_heat_choice_old(true, manifest->heatmap.threshold);
    manifest->pictures = insp_stat_ranges_none();
    return manifest;
}

int insp_review_check(const struct insp_review *review, float threshold, int code, struct insp_error *reterr) {
    if (!review->on || (review->low < review->high && review->low <= threshold && threshold <= review->high))
        return 0;
    return insp_fail(
        reterr, code,
        "review is [%g, %g) and threshold %g: low must be less than high and the threshold between them, "
        "so that rising probabilities answer good, review, anomaly",
        (double)review->low, (double)review->high, (double)threshold);
}

void insp_manifest_free(struct insp_manifest *manifest) {
    if (!manifest)
        return;
    insp_field_set_unref(manifest->fields);
    json_decref(manifest->training);
    json_decref(manifest->dataset);
    json_decref(manifest->curve);
    json_decref(manifest->metrics);
    json_decref(manifest->threshold_source);
    json_decref(manifest->lineage);
    json_decref(manifest->images);
    json_decref(manifest->heat_chosen);
    free(manifest);
}

/* --- reading: every getter takes the dotted path of a field for its message, and looks its last part up in
 * the object that the caller has found --- */

static const char *type_name(const json_t *value) {
    if (!value)
        return "missing";
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    default:
        return "null";
    }
}

static json_t *lookup(const json_t *parent, const char *path) {
    const char *dot = strrchr(path, '.');
    return json_object_get(parent, dot ? dot + 1 : path);
}

static int wrong_type(const char *path, const json_t *value, const char *want, struct insp_error *reterr) {
    return insp_fail(reterr, INSP_E_MODEL, "%s is %s, expected %s", path, type_name(value), want);
}

static int check_number(const json_t *value, const char *path, struct range range, float *ret,
                        struct insp_error *reterr) {
    if (!json_is_number(value))
        return wrong_type(path, value, "a number", reterr);
    double number = json_number_value(value);
    if (!(number >= range.low && number <= range.high))
        return insp_fail(reterr, INSP_E_MODEL, "%s is %g, expected %g to %g", path, number, range.low, range.high);
    *ret = (float)number;
    return 0;
}

static int get_number(const json_t *parent, const char *path, struct range range, float *ret,
                      struct insp_error *reterr) {
    return check_number(lookup(parent, path), path, range, ret, reterr);
}

static int get_triple(const json_t *parent, const char *path, struct range range, float ret[3],
                      struct insp_error *reterr) {
    const json_t *array = lookup(parent, path);
    if (!json_is_array(array) || json_array_size(array) != 3)
        return insp_fail(reterr, INSP_E_MODEL, "%s is %s, expected an array of 3 numbers", path,
                         json_is_array(array) ? "an array of another length" : type_name(array));
    for (size_t i = 0; i < 3; i++) {
        char element[64];
        snprintf(element, sizeof element, "%s[%zu]", path, i);
        int r = check_number(json_array_get(array, i), element, range, &ret[i], reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

static int get_string(const json_t *parent, const char *path, const char **ret, struct insp_error *reterr) {
    const json_t *value = lookup(parent, path);
    if (!json_is_string(value))
        return wrong_type(path, value, "a string", reterr);
    *ret = json_string_value(value);
    return 0;
}

static int get_object(const json_t *parent, const char *path, const json_t **ret, struct insp_error *reterr) {
    const json_t *value = lookup(parent, path);
    if (!json_is_object(value))
        return wrong_type(path, value, "an object", reterr);
    *ret = value;
    return 0;
}

static int get_name(const json_t *parent, const char *path, char *ret, struct insp_error *reterr) {
    const char *text;
    int r = get_string(parent, path, &text, reterr);
    if (r < 0)
        return r;
    if (!insp_name_valid(text))
        return insp_fail(reterr, INSP_E_MODEL,
                         "%s is \"%.80s\", expected 1 to 64 of A-Z a-z 0-9 . _ - that start with neither . nor -",
                         path, text);
    snprintf(ret, INSP_NAME_BYTES, "%s", text);
    return 0;
}

static int get_sha256(const json_t *parent, const char *path, char *ret, struct insp_error *reterr) {
    const char *text;
    int r = get_string(parent, path, &text, reterr);
    if (r < 0)
        return r;
    if (!insp_sha256_hex_valid(text))
        return insp_fail(reterr, INSP_E_MODEL, "%s is \"%.80s\", expected 64 lower-case hexadecimal digits", path,
                         text);
    memcpy(ret, text, INSP_SHA256_HEX_BYTES);
    return 0;
}

/* Checks a side. It is fixed; the file has the field so that other readers need not know that. */
static int get_side(const json_t *parent, const char *path, unsigned *ret, struct insp_error *reterr) {
    const json_t *value = lookup(parent, path);
    if (!json_is_integer(value))
        return wrong_type(path, value, "an integer", reterr);
    if (json_integer_value(value) != INSP_INPUT_SIDE)
        return insp_fail(reterr, INSP_E_MODEL, "%s is %lld, expected %d", path,
                         (long long)json_integer_value(value), INSP_INPUT_SIDE);
    *ret = INSP_INPUT_SIDE;
    return 0;
}

static int read_format(const json_t *root, int *ret, struct insp_error *reterr) {
    const json_t *value = lookup(root, "format");
    if (!json_is_integer(value))
        return wrong_type("format", value, "an integer", reterr);
    json_int_t format = json_integer_value(value);
    if (format > INSP_MANIFEST_FORMAT)
        return insp_fail(reterr, INSP_E_MODEL,
                         "format is %lld: written by a newer inspectd, this one reads up to %d", (long long)format,
                         INSP_MANIFEST_FORMAT);
    if (format < 1)
        return insp_fail(reterr, INSP_E_MODEL, "format is %lld, expected 1 to %d", (long long)format,
                         INSP_MANIFEST_FORMAT);
    *ret = (int)format;
    return 0;
}

/* Null is for bundles whose good-only model decides; read_fields checks that there is one. */
static int get_weights(const json_t *root, char *ret_sha256, struct insp_error *reterr) {
    const json_t *weights = lookup(root, "weights");
    if (json_is_null(weights)) {
        ret_sha256[0] = '\0';
        return 0;
    }
    int r = get_object(root, "weights", &weights, reterr);
    return r < 0 ? r : get_sha256(weights, "weights.sha256", ret_sha256, reterr);
}

static int read_identity(const json_t *root, struct insp_manifest *manifest, struct insp_error *reterr) {
    const char *created;
    const json_t *trunk;
    int r;
    if ((r = read_format(root, &manifest->format, reterr)) < 0 ||
        (r = get_name(root, "product", manifest->product, reterr)) < 0 ||
        (r = get_name(root, "version", manifest->version, reterr)) < 0 ||
        (r = get_string(root, "created", &created, reterr)) < 0 ||
        (r = get_object(root, "trunk", &trunk, reterr)) < 0 ||
        (r = get_sha256(trunk, "trunk.sha256", manifest->trunk_sha256, reterr)) < 0 ||
        (r = get_weights(root, manifest->weights_sha256, reterr)) < 0)
        return r;
    if (!insp_rfc3339_parse(created, &manifest->created_us) || manifest->created_us < 0 ||
        manifest->created_us > created_max_us)
        return insp_fail(reterr, INSP_E_MODEL,
                         "created is \"%.80s\", expected an RFC 3339 time in the years 1970 to 9999", created);
    return 0;
}

static int read_input(const json_t *root, struct insp_transform *input, struct insp_error *reterr) {
    const json_t *object;
    const char *order;
    int r;
    if ((r = get_object(root, "input", &object, reterr)) < 0 ||
        (r = get_side(object, "input.width", &input->width, reterr)) < 0 ||
        (r = get_side(object, "input.height", &input->height, reterr)) < 0 ||
        (r = get_string(object, "input.channel_order", &order, reterr)) < 0 ||
        (r = get_number(object, "input.scale", scale_range, &input->scale, reterr)) < 0 ||
        (r = get_triple(object, "input.mean", mean_range, input->mean, reterr)) < 0 ||
        (r = get_triple(object, "input.std", scale_range, input->std, reterr)) < 0)
        return r;
    input->bgr = strcmp(order, "bgr") == 0;
    if (!input->bgr && strcmp(order, "rgb") != 0)
        return insp_fail(reterr, INSP_E_MODEL, "input.channel_order is \"%.80s\", expected \"rgb\" or \"bgr\"",
                         order);
    return 0;
}

static int read_heatmap(const json_t *root, struct insp_heat_params *heatmap, struct insp_error *reterr) {
    const json_t *object;
    const char *scale;
    int r;
    if ((r = get_object(root, "heatmap", &object, reterr)) < 0 ||
        (r = get_string(object, "heatmap.scale", &scale, reterr)) < 0 ||
        (r = get_number(object, "heatmap.threshold", share, &heatmap->threshold, reterr)) < 0 ||
        (r = get_number(object, "heatmap.low", heat_range, &heatmap->low, reterr)) < 0 ||
        (r = get_number(object, "heatmap.high", heat_range, &heatmap->high, reterr)) < 0)
        return r;
    if (strcmp(scale, "fixed") == 0)
        heatmap->scale = INSP_SCALE_FIXED;
    else if (strcmp(scale, "per_image") == 0)
        heatmap->scale = INSP_SCALE_PER_IMAGE;
    else
        return insp_fail(reterr, INSP_E_MODEL, "heatmap.scale is \"%.80s\", expected \"fixed\" or \"per_image\"",
                         scale);
    if (!(heatmap->low < heatmap->high))
        return insp_fail(reterr, INSP_E_MODEL, "heatmap.low is %g, expected less than heatmap.high (%g)",
                         (double)heatmap->low, (double)heatmap->high);
    return 0;
}

static int read_classes(const json_t *root, struct insp_error *reterr) {
    static const char *const name[INSP_CLASSES] = {"good", "anomaly"};
    const json_t *array = lookup(root, "classes");
    bool equal = json_is_array(array) && json_array_size(array) == INSP_CLASSES;
    for (size_t i = 0; equal && i < INSP_CLASSES; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        equal = text && strcmp(text, name[i]) == 0;
    }
    return equal ? 0 : insp_fail(reterr, INSP_E_MODEL, "classes is not [\"good\", \"anomaly\"]");
}

static int read_review(const json_t *root, float threshold, struct insp_review *review,
                       struct insp_error *reterr) {
    const json_t *object = json_object_get(root, "review");
    int r;
    if (!object || json_is_null(object))
        return 0;
    if ((r = get_object(root, "review", &object, reterr)) < 0 ||
        (r = get_number(object, "review.low", share, &review->low, reterr)) < 0 ||
        (r = get_number(object, "review.high", share, &review->high, reterr)) < 0)
        return r;
    review->on = true;
    return insp_review_check(review, threshold, INSP_E_MODEL, reterr);
}

static int read_golden(const json_t *root, char *ret_sha256, struct insp_error *reterr) {
    const json_t *object = json_object_get(root, "golden");
    const char *file;
    int r;
    if (!object || json_is_null(object))
        return 0;
    if ((r = get_object(root, "golden", &object, reterr)) < 0 ||
        (r = get_string(object, "golden.file", &file, reterr)) < 0 ||
        (r = get_sha256(object, "golden.sha256", ret_sha256, reterr)) < 0)
        return r;
    return strcmp(file, INSP_GOLDEN_FILE) == 0
               ? 0
               : insp_fail(reterr, INSP_E_MODEL, "golden.file is \"%.80s\", expected \"" INSP_GOLDEN_FILE "\"",
                           file);
}

static int read_regions(const json_t *root, struct insp_field_set **ret, struct insp_error *reterr) {
    struct insp_error why = {0};
    int r = insp_field_set_parse(json_object_get(root, "regions"), ret, &why);
    return r == 0 ? 0 : insp_fail(reterr, r == INSP_E_NOMEM ? r : INSP_E_MODEL, "regions: %s", why.detail);
}

/* Keeps a document unchanged but checks its kind, so that later code finds an array for a curve and not a
 * string. */
static int read_document(json_t *root, const char *key, bool array, json_t **ret, struct insp_error *reterr) {
    json_t *value = json_object_get(root, key);
    if (!value || json_is_null(value))
        return 0;
    if (array ? !json_is_array(value) : !json_is_object(value))
        return wrong_type(key, value, array ? "an array" : "an object", reterr);
    *ret = json_incref(value);
    return 0;
}

static int read_fields(json_t *root, struct insp_manifest *manifest, struct insp_error *reterr) {
    int r;
    if ((r = read_identity(root, manifest, reterr)) < 0 || (r = read_input(root, &manifest->input, reterr)) < 0 ||
        (r = read_classes(root, reterr)) < 0 ||
        (r = get_number(root, "threshold", share, &manifest->threshold, reterr)) < 0 ||
        (r = read_review(root, manifest->threshold, &manifest->review, reterr)) < 0 ||
        (r = read_heatmap(root, &manifest->heatmap, reterr)) < 0 ||
        (r = read_golden(root, manifest->golden_sha256, reterr)) < 0 ||
        (r = insp_good_only_parse(json_object_get(root, "good_only"), &manifest->good_only, reterr)) < 0 ||
        (r = insp_good_scores_parse(json_object_get(root, "good_scores"), &manifest->good_scores, reterr)) < 0 ||
        (r = insp_logistic_parse(json_object_get(root, "logistic"), &manifest->logistic, reterr)) < 0 ||
        (r = insp_pictures_parse(json_object_get(root, "pictures"), &manifest->pictures, reterr)) < 0 ||
        (r = read_regions(root, &manifest->fields, reterr)) < 0 ||
        (r = insp_manifest_read_tiles(manifest, json_object_get(root, "tiles"), reterr)) < 0 ||
        (r = read_document(root, "threshold_source", false, &manifest->threshold_source, reterr)) < 0 ||
        (r = read_document(root, "lineage", false, &manifest->lineage, reterr)) < 0 ||
        (r = read_document(root, "training", false, &manifest->training, reterr)) < 0 ||
        (r = read_document(root, "dataset", false, &manifest->dataset, reterr)) < 0 ||
        (r = read_document(root, "curve", true, &manifest->curve, reterr)) < 0 ||
        (r = read_document(root, "metrics", false, &manifest->metrics, reterr)) < 0)
        return r;
    if (!manifest->weights_sha256[0] && !insp_manifest_good_decides(manifest))
        return insp_fail(reterr, INSP_E_MODEL, "weights and good_only are null: the bundle has no model");
    if ((r = insp_manifest_read_heat(manifest, json_object_get(root, "heat"), reterr)) < 0)
        return r;
    if (!manifest->weights_sha256[0] && manifest->logistic.use != INSP_LOGISTIC_NONE)
        return insp_fail(reterr, INSP_E_MODEL, "logistic must be null where weights are: the tail gives the map");
    return 0;
}

bool insp_manifest_good_decides(const struct insp_manifest *manifest) {
    return !manifest->weights_sha256[0] && manifest->good_only.images;
}

/* Says whether a text is nested too deeply. jansson's parser and json_decref recurse, with a limit of 2048
 * levels; a manifest has 5. */
static bool too_deep(const char *text, size_t bytes) {
    size_t depth = 0;
    bool string = false;
    for (size_t i = 0; i < bytes; i++) {
        char c = text[i];
        if (string && c == '\\')
            i++;
        else if (c == '"')
            string = !string;
        else if (!string && (c == '{' || c == '['))
            depth++;
        else if (!string && (c == '}' || c == ']') && depth)
            depth--;
        if (depth > INSP_MANIFEST_DEPTH_MAX)
            return true;
    }
    return false;
}

int insp_manifest_parse(const char *text, size_t bytes, struct insp_manifest **ret, struct insp_error *reterr) {
    if (bytes > INSP_MANIFEST_BYTES_MAX)
        return insp_fail(reterr, INSP_E_MODEL, "%zu bytes, more than the limit of %d", bytes,
                         INSP_MANIFEST_BYTES_MAX);
    if (too_deep(text, bytes))
        return insp_fail(reterr, INSP_E_MODEL, "nested deeper than %d levels", INSP_MANIFEST_DEPTH_MAX);
    json_error_t syntax;
    json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &syntax);
    if (!root)
        return insp_fail(reterr, INSP_E_MODEL, "not JSON: line %d, column %d: %s", syntax.line, syntax.column,
                         syntax.text);
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = insp_manifest_new();
    int r = manifest ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for a manifest");
    if (r == 0 && !json_is_object(root))
        r = insp_fail(reterr, INSP_E_MODEL, "the document is %s, expected an object", type_name(root));
    if (r == 0)
        r = read_fields(root, manifest, reterr);
    json_decref(root);
    if (r < 0)
        return r;
    *ret = insp_take_ptr(manifest);
    return 0;
}

/* --- writing --- */

static json_t *triple_json(const float value[3]) {
    return json_pack("[o, o, o]", insp_float_json(value[0]), insp_float_json(value[1]), insp_float_json(value[2]));
}

static json_t *input_json(const struct insp_transform *input) {
    return json_pack("{s:i, s:i, s:s, s:o, s:o, s:o}", "width", (int)input->width, "height", (int)input->height,
                     "channel_order", input->bgr ? "bgr" : "rgb", "scale", insp_float_json(input->scale), "mean",
                     triple_json(input->mean), "std", triple_json(input->std));
}

static json_t *heatmap_json(const struct insp_heat_params *heatmap) {
    return json_pack("{s:s, s:o, s:o, s:o}", "scale", heatmap->scale == INSP_SCALE_FIXED ? "fixed" : "per_image",
                     "threshold", insp_float_json(heatmap->threshold), "low", insp_float_json(heatmap->low),
                     "high", insp_float_json(heatmap->high));
}

static json_t *review_json(const struct insp_review *review) {
    return review->on ? json_pack("{s:o, s:o}", "low", insp_float_json(review->low), "high",
                                  insp_float_json(review->high))
                      : json_null();
}

static json_t *weights_json(const char *sha256) {
    return *sha256 ? json_pack("{s:s, s:s}", "file", INSP_WEIGHTS_FILE, "sha256", sha256) : json_null();
}

static json_t *golden_json(const char *sha256) {
    return *sha256 ? json_pack("{s:s, s:s}", "file", INSP_GOLDEN_FILE, "sha256", sha256) : json_null();
}

/* A bundle without a tail has no other map than the good-only one. */
static json_t *heat_json(const struct insp_manifest *manifest) {
    struct insp_heat_choice choice = manifest->heat;
    if (!*manifest->weights_sha256)
        choice.kind = INSP_HEAT_GOOD_ONLY;
    return insp_heat_choice_json(&choice, manifest->heat_chosen);
}

static int format_of(const struct insp_manifest *manifest) {
    if (insp_tiles_on(manifest->tiles))
        return 4;
    if (*manifest->weights_sha256 && manifest->heat.kind != INSP_HEAT_ACTIVATION)
        return 3;
    return manifest->fields ? 2 : 1;
}

json_t *insp_manifest_json(const struct insp_manifest *manifest) {
    char created[INSP_RFC3339_BYTES];
    insp_rfc3339(manifest->created_us, created);
    return json_pack(
        "{s:i, s:s, s:s, s:s, s:{s:s}, s:o, s:o, s:[s, s], s:o, s:O?, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
        "s:o, s:o, "
        "s:O?, "
        "s:O?, s:O?, s:O?, "
        "s:O?}",
        "format", format_of(manifest), "product", manifest->product, "version", manifest->version, "created",
        created, "trunk", "sha256", manifest->trunk_sha256, "weights", weights_json(manifest->weights_sha256),
        "input", input_json(&manifest->input), "classes", "good", "anomaly", "threshold",
        insp_float_json(manifest->threshold), "threshold_source", manifest->threshold_source, "review",
        review_json(&manifest->review), "heatmap", heatmap_json(&manifest->heatmap), "heat", heat_json(manifest),
        "golden", golden_json(manifest->golden_sha256), "good_only", insp_good_only_json(&manifest->good_only),
        "good_scores", insp_good_scores_json(&manifest->good_scores), "logistic",
        insp_logistic_json(&manifest->logistic), "pictures", insp_pictures_json(&manifest->pictures), "regions",
        insp_field_set_json(manifest->fields), "tiles", insp_tiles_json(manifest->tiles), "training",
        manifest->training, "dataset", manifest->dataset, "curve", manifest->curve, "metrics", manifest->metrics,
        "lineage", manifest->lineage);
}

int insp_manifest_format(const struct insp_manifest *manifest, char **ret, struct insp_error *reterr) {
    json_t *root = insp_manifest_json(manifest);
    if (!root)
        return insp_fail(reterr, INSP_E_MODEL, "the manifest holds a number that is not finite");
    /* With 15 digits a double that came from a short decimal is written as that decimal. */
    _cleanup_free_ char *text = json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));
    json_decref(root);
    if (!text)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the manifest's text");
    /* Refuse to write a text that could not be parsed again. */
    _cleanup_(insp_manifest_freep) struct insp_manifest *again = NULL;
    int r = insp_manifest_parse(text, strlen(text), &again, reterr);
    if (r < 0)
        return r;
    *ret = insp_take_ptr(text);
    return 0;
}
