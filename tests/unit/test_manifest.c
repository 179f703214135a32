#include "core/model/manifest.h"

#include "field_samples.h"
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define HASH_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HASH_B "ffff456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct insp_manifest *example(void) {
    struct insp_manifest *m = insp_manifest_new();
    ck_assert_ptr_nonnull(m);
    strcpy(m->product, "cubes");
    strcpy(m->version, "20261124T202720Z");
    m->created_us = 1795552040123000;
    strcpy(m->trunk_sha256, HASH_A);
    strcpy(m->weights_sha256, HASH_B);
    return m;
}

static struct insp_manifest *round_trip(const struct insp_manifest *m) {
    struct insp_error err = {0};
    _cleanup_free_ char *text = NULL;
    struct insp_manifest *back = NULL;
    ck_insp_ok(insp_manifest_format(m, &text, &err), err);
    ck_insp_ok(insp_manifest_parse(text, strlen(text), &back, &err), err);
    return back;
}

START_TEST(test_defaults_are_the_notebooks) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = insp_manifest_new();
    ck_assert_float_eq(m->threshold, 0.5F);
    ck_assert_float_eq(m->heatmap.threshold, 0.7F);
    ck_assert_int_eq(m->heatmap.scale, INSP_SCALE_FIXED);
    ck_assert_float_eq(m->input.scale, 1 / 255.F);
    ck_assert(!m->input.bgr);
    insp_manifest_free(NULL);
}
END_TEST

START_TEST(test_round_trip_keeps_every_field) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = example();
    m->input.bgr = true;
    m->input.scale = nextafterf(1 / 255.F, 1);
    for (int i = 0; i < 3; i++) {
        m->input.mean[i] = 0.1F * (float)i - 0.123456789F;
        m->input.std[i] = 0.229F / (float)(i + 1);
    }
    m->threshold = nextafterf(0.5F, 0);
    m->heatmap = (struct insp_heat_params){
        .scale = INSP_SCALE_PER_IMAGE, .threshold = 1.F / 3, .low = -1.2345678e-20F, .high = 3.4028e20F};
    m->training = json_pack("{s:i, s:f}", "batch", 10, "learning_rate", 1e-4);
    m->dataset = json_pack("{s:s}", "digest", "x");
    m->curve = json_pack("[{s:i, s:f}]", "epoch", 1, "loss", 0.25);
    m->metrics = json_pack("{s:n}", "precision");
    m->review = (struct insp_review){true, 0.1F, 0.7F};
    strcpy(m->golden_sha256, HASH_A);
    m->threshold_source = json_pack("{s:s}", "from", "patch");
    m->lineage = json_pack("{s:n, s:n}", "parent", "job");
    _cleanup_(insp_manifest_freep) struct insp_manifest *back = round_trip(m);
    ck_assert_str_eq(back->product, m->product);
    ck_assert_str_eq(back->version, m->version);
    ck_assert_str_eq(back->trunk_sha256, m->trunk_sha256);
    ck_assert_str_eq(back->weights_sha256, m->weights_sha256);
    ck_assert_int_eq(back->created_us, m->created_us);
    ck_assert(back->input.bgr && back->input.width == 224 && back->input.height == 224);
    ck_assert_mem_eq(&back->input.scale, &m->input.scale, sizeof m->input.scale);
    ck_assert_mem_eq(back->input.mean, m->input.mean, sizeof m->input.mean);
    ck_assert_mem_eq(back->input.std, m->input.std, sizeof m->input.std);
    ck_assert_mem_eq(&back->heatmap, &m->heatmap, sizeof m->heatmap);
    ck_assert_mem_eq(&back->threshold, &m->threshold, sizeof m->threshold);
    ck_assert(json_equal(back->training, m->training) && json_equal(back->dataset, m->dataset));
    ck_assert(back->review.on && back->review.low == 0.1F && back->review.high == 0.7F);
    ck_assert_str_eq(back->golden_sha256, HASH_A);
    ck_assert(json_equal(back->threshold_source, m->threshold_source) && json_equal(back->lineage, m->lineage));
    ck_assert(json_equal(back->curve, m->curve) && json_equal(back->metrics, m->metrics));
}
END_TEST

START_TEST(test_floats_survive_exactly_and_read_well) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = example();
    _cleanup_free_ char *text = NULL;
    struct insp_error err = {0};
    ck_insp_ok(insp_manifest_format(m, &text, &err), err);
    ck_assert_ptr_nonnull(strstr(text, "\"threshold\": 0.7"));
    ck_assert_ptr_null(strstr(text, "0.69999"));
    uint32_t bits = 12345;
    for (int i = 0; i < 2000; i++) { /* a fixed walk over bit patterns of 2^-126..1 */
        bits = bits * 1664525 + 1013904223;
        uint32_t pattern = 0x00800000 + bits % (0x3f800000 - 0x00800000);
        memcpy(&m->threshold, &pattern, sizeof pattern);
        _cleanup_(insp_manifest_freep) struct insp_manifest *back = round_trip(m);
        ck_assert_mem_eq(&back->threshold, &m->threshold, sizeof m->threshold);
    }
}
END_TEST

/* As inspectd wrote it before there were golden samples, review bands, sources of thresholds and lineages. */
START_TEST(test_what_the_first_bundles_say_is_read_and_kept) {
    static const char text[] =
        "{\"classes\":[\"good\",\"anomaly\"],\"created\":\"2026-11-24T22:10:22.884Z\","
        "\"curve\":[{\"accuracy\":0.466666666666667,\"epoch\":1,\"loss\":0.992244454224904,\"seconds\":5.481747}],"
        "\"dataset\":{\"counts\":{\"good\":116,\"spot\":72},\"digest\":\"" HASH_A
        "\",\"ignored\":0,\"images\":188,"
        "\"skipped\":0},\"format\":1,\"heatmap\":{\"high\":26.36,\"low\":-10.742992,\"scale\":\"fixed\","
        "\"threshold\":0.7},\"input\":{\"channel_order\":\"rgb\",\"height\":224,\"mean\":[0.0,0.0,0.0],"
        "\"scale\":0.003921569,\"std\":[1.0,1.0,1.0],\"width\":224},\"metrics\":{\"balanced_accuracy\":1.0},"
        "\"product\":\"cubes\",\"threshold\":0.5,\"training\":{\"activate\":\"if_better\",\"batch\":10},"
        "\"trunk\":{\"sha256\":\"" HASH_A "\"},\"version\":\"20261124T221022Z\","
        "\"weights\":{\"file\":\"model.safetensors\",\"sha256\":\"" HASH_B "\"}}";
    struct insp_error err = {0};
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = NULL, *back = NULL;
    ck_insp_ok(insp_manifest_parse(text, strlen(text), &m, &err), err);
    ck_assert(m->heatmap.low == -10.742992F && m->heatmap.high == 26.36F && m->threshold == 0.5F);
    ck_assert(!m->review.on && !m->golden_sha256[0] && !m->threshold_source && !m->lineage);
    m->review = (struct insp_review){true, 0.25F, 0.75F}; /* as a PATCH does: the rest stays */
    back = round_trip(m);
    ck_assert(back->review.on && !back->golden_sha256[0] && back->created_us == m->created_us);
    ck_assert(json_equal(back->curve, m->curve) && json_equal(back->dataset, m->dataset));
    ck_assert(json_equal(back->training, m->training) && json_equal(back->metrics, m->metrics));
}
END_TEST

START_TEST(test_documents_may_be_missing_or_null) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = example();
    _cleanup_(insp_manifest_freep) struct insp_manifest *back = round_trip(m);
    ck_assert_ptr_null(back->training);
    ck_assert_ptr_null(back->curve);
    ck_assert_ptr_null(back->threshold_source);
    ck_assert(!back->review.on && !back->golden_sha256[0]);
}
END_TEST

/* Parses the example with one field replaced (NULL: removed) at a dotted path. */
static int parse_with(const char *path, const char *json, struct insp_error *err) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = example(), *back = NULL;
    json_t *root = insp_manifest_json(m);
    char first[64];
    snprintf(first, sizeof first, "%s", path);
    char *dot = strchr(first, '.');
    json_t *parent = root;
    const char *key = first;
    if (dot) {
        *dot = '\0';
        key = dot + 1;
        parent = json_object_get(root, first);
    }
    if (json)
        ck_assert_int_eq(json_object_set_new(parent, key, json_loads(json, JSON_DECODE_ANY, NULL)), 0);
    else
        ck_assert_int_eq(json_object_del(parent, key), 0);
    char *text = json_dumps(root, 0);
    json_decref(root);
    int r = insp_manifest_parse(text, strlen(text), &back, err);
    free(text);
    return r;
}

START_TEST(test_errors_name_the_field_and_the_range) {
    static const struct {
        const char *path, *json, *says;
    } bad[] = {
        {"format", "5", "newer"},
        {"tiles", "{\"columns\": 17, \"rows\": 1}", "1 to 16"},
        {"tiles", "{\"columns\": 9, \"rows\": 8}", "64"},
        {"tiles", "\"4x3\"", "columns"},
        {"format", "0", "expected 1"},
        {"format", "1.0", "integer"},
        {"product", "\"../x\"", "product"},
        {"product", "\"\"", "product"},
        {"version", "\".hidden\"", "version"},
        {"version", NULL, "missing"},
        {"created", "\"yesterday\"", "RFC 3339"},
        {"created", "\"0475-11-18T11:06:40.000Z\"",
         "1970 to 9999"}, /* found by fuzzing: did not print as it read */
        {"trunk", "\"abc\"", "trunk is a string, expected an object"},
        {"trunk.sha256", "\"ABC\"", "64 lower-case"},
        {"weights.sha256", "12", "weights.sha256 is a number"},
        {"input", NULL, "input is missing"},
        {"input.width", "256", "input.width is 256, expected 224"},
        {"input.height", "224.5", "an integer"},
        {"input.channel_order", "\"gbr\"", "\"rgb\" or \"bgr\""},
        {"input.scale", "0", "input.scale is 0, expected 1e-09"},
        {"input.mean", "[1,2]", "3 numbers"},
        {"input.mean", "[1,2,null]", "input.mean[2] is null"},
        {"input.std", "[1,0,1]", "input.std[1] is 0"},
        {"classes", "[\"anomaly\",\"good\"]", "classes"},
        {"threshold", "1.01", "threshold is 1.01, expected 0 to 1"},
        {"threshold", "-1e-9", "expected 0 to 1"},
        {"threshold", "\"0.5\"", "a string"},
        {"heatmap.threshold", "7", "heatmap.threshold"},
        {"heatmap.scale", "\"auto\"", "\"fixed\" or \"per_image\""},
        {"heatmap.low", "1", "heatmap.low is 1, expected less than heatmap.high (1)"},
        {"heatmap.high", "1e31", "heatmap.high"},
        {"review", "[]", "review is an array, expected an object"},
        {"review", "{\"low\": 0.6, \"high\": 0.7}", "the threshold between them"},
        {"review", "{\"low\": 0.5, \"high\": 0.5}", "low must be less than high"},
        {"review", "{\"low\": 0.1}", "review.high is missing"},
        {"golden", "{\"file\": \"../golden.json\", \"sha256\": \"" HASH_A "\"}", "golden.file"},
        {"golden", "{\"file\": \"golden.json\", \"sha256\": \"1\"}", "64 lower-case"},
        {"lineage", "[]", "lineage is an array"},
        {"threshold_source", "\"me\"", "threshold_source is a string"},
        {"training", "[]", "training is an array"},
        {"curve", "{}", "curve is an object"},
        {"metrics", "true", "metrics is a boolean"},
    };
    for (size_t i = 0; i < INSP_COUNT(bad); i++) {
        struct insp_error err = {0};
        ck_insp_code(parse_with(bad[i].path, bad[i].json, &err), INSP_E_MODEL, err);
        ck_assert_msg(strstr(err.detail, bad[i].says) != NULL, "%s = %s says: %s", bad[i].path, bad[i].json,
                      err.detail);
    }
}
END_TEST

START_TEST(test_unknown_keys_are_dropped) {
    struct insp_error err = {0};
    ck_insp_ok(parse_with("novelty", "{\"a\": 1}", &err), err);
    ck_insp_ok(parse_with("input.interpolation", "\"bilinear\"", &err), err);
}
END_TEST

START_TEST(test_hostile_texts) {
    struct insp_manifest *back = NULL;
    struct insp_error err = {0};
    static const char *const texts[] = {
        "", "{", "[]", "null", "{\"format\": 1, \"format\": 1}", "{\"a\": 1e999}", "{\"a\": \"\\ud800\"}"};
    for (size_t i = 0; i < INSP_COUNT(texts); i++)
        ck_insp_code(insp_manifest_parse(texts[i], strlen(texts[i]), &back, &err), INSP_E_MODEL, err);
    char deep[4000];
    memset(deep, '[', sizeof deep);
    ck_insp_code(insp_manifest_parse(deep, sizeof deep, &back, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "nested"));
    ck_insp_code(insp_manifest_parse(deep, INSP_MANIFEST_BYTES_MAX + 1, &back, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "limit"));
    ck_assert_ptr_null(back);
}
END_TEST

START_TEST(test_every_truncation_is_refused) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = example();
    _cleanup_free_ char *text = NULL;
    struct insp_error err = {0};
    ck_insp_ok(insp_manifest_format(m, &text, &err), err);
    for (size_t n = 0; n < strlen(text); n++) {
        struct insp_manifest *back = NULL;
        _cleanup_free_ char *cut = malloc(n + 1); /* exact size, so that the sanitizer sees a read beyond it */
        memcpy(cut, text, n);
        ck_insp_code(insp_manifest_parse(cut, n, &back, &err), INSP_E_MODEL, err);
    }
}
END_TEST

START_TEST(test_format_refuses_what_could_not_be_read) {
    struct insp_error err = {0};
    char *text = NULL;
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = example();
    m->threshold = NAN;
    ck_insp_code(insp_manifest_format(m, &text, &err), INSP_E_MODEL, err);
    m->threshold = 2;
    ck_insp_code(insp_manifest_format(m, &text, &err), INSP_E_MODEL, err);
    m->threshold = 0.5F;
    m->product[0] = '\0';
    ck_insp_code(insp_manifest_format(m, &text, &err), INSP_E_MODEL, err);
    ck_assert_ptr_null(text);
}
END_TEST

/* An older inspectd kept a changed heatmap.threshold in the bundle; its golden maps are those of the training. */
START_TEST(test_older_bundles_show_the_heat_of_their_training) {
    static const struct {
        const char *training;
        float threshold;
    } bundle[] = {{"{\"heatmap_threshold\": 0.75}", 0.75F},
                  {"{\"heatmap_threshold\": 7}", 0.25F},
                  {"{\"heatmap_threshold\": \"0.75\"}", 0.25F},
                  {"null", 0.25F}};
    for (size_t i = 0; i < INSP_COUNT(bundle); i++) {
        struct insp_error err = {0};
        _cleanup_(insp_manifest_freep) struct insp_manifest *m = example(), *back = NULL;
        m->heatmap.threshold = 0.25F; /* by a PATCH */
        json_t *root = insp_manifest_json(m);
        json_object_del(root, "heat");
        json_object_set_new(root, "training", json_loads(bundle[i].training, JSON_DECODE_ANY, NULL));
        _cleanup_free_ char *text = json_dumps(root, 0);
        json_decref(root);
        ck_insp_ok(insp_manifest_parse(text, strlen(text), &back, &err), err);
        ck_assert_float_eq(back->heat.threshold, bundle[i].threshold);
        ck_assert_float_eq(back->heatmap.threshold, 0.25F);
    }
}
END_TEST

START_TEST(test_a_manifest_with_regions_needs_a_reader_that_knows_them) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = example();
    _cleanup_free_ char *plain = NULL, *text = NULL;
    struct insp_error err = {0};
    ck_insp_ok(insp_manifest_format(m, &plain, &err), err);
    ck_assert_ptr_nonnull(strstr(plain, "\"format\": 1"));
    m->fields = sample_fields("{\"default\": {\"look\": [" SAMPLE_LEFT_HALF
                              "]}, \"cameras\": {\"top\": {\"ignore\": [" SAMPLE_RIGHT_HALF "]}}}");
    _cleanup_(insp_manifest_freep) struct insp_manifest *back = round_trip(m);
    ck_assert(insp_field_set_equal(m->fields, back->fields) && insp_field_own(back->fields, "top"));
    ck_insp_ok(insp_manifest_format(m, &text, &err), err);
    ck_assert_ptr_nonnull(strstr(text, "\"format\": 2"));
    ck_insp_code(parse_with("regions", "{\"look\": [[[0, 0], [1, 0]]]}", &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "regions: default: look[0]"));
}
END_TEST

START_TEST(test_a_manifest_with_tiles_needs_a_reader_that_knows_them) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = example();
    _cleanup_free_ char *text = NULL;
    struct insp_error err = {0};
    m->heatmap.scale = INSP_SCALE_FIXED;
    m->fields = sample_fields("{\"look\": [" SAMPLE_LEFT_HALF "]}");
    ck_insp_ok(insp_manifest_tile(m, (struct insp_tiles){4, 3}, &err), err);
    _cleanup_(insp_manifest_freep) struct insp_manifest *back = round_trip(m);
    ck_assert(back->tiles.columns == 4 && back->tiles.rows == 3);
    ck_assert(back->heatmap.map.columns == 50 && back->heatmap.map.rows == 38);
    ck_assert_int_eq(back->fields->general->tiles.columns, 0); /* a list of versions masks no tiles */
    ck_insp_ok(insp_manifest_tile_fields(back, &err), err);
    ck_assert_int_eq(back->fields->general->tiles.columns, 4); /* ready to mask them */
    ck_assert_mem_eq(back->fields->general->tile_keep, m->fields->general->tile_keep,
                     sizeof m->fields->general->tile_keep);
    ck_insp_ok(insp_manifest_format(m, &text, &err), err);
    ck_assert_ptr_nonnull(strstr(text, "\"format\": 4"));
    m->heatmap.scale = INSP_SCALE_PER_IMAGE;
    ck_insp_code(insp_manifest_format(m, &text, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "heatmap.scale"));
}
END_TEST

INSP_TESTS(test_older_bundles_show_the_heat_of_their_training,
           test_a_manifest_with_tiles_needs_a_reader_that_knows_them,
           test_a_manifest_with_regions_needs_a_reader_that_knows_them, test_defaults_are_the_notebooks,
           test_round_trip_keeps_every_field, test_floats_survive_exactly_and_read_well,
           test_what_the_first_bundles_say_is_read_and_kept, test_documents_may_be_missing_or_null,
           test_errors_name_the_field_and_the_range, test_unknown_keys_are_dropped, test_hostile_texts,
           test_every_truncation_is_refused, test_format_refuses_what_could_not_be_read);
