/* Scores files with the decoding, transform, network and heatmap of the daemon. */
#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/heat/heatmap.h"
#include "core/image/image.h"
#include "core/inspect/scoring.h"
#include "core/inspect/suspect.h"
#include "core/model/verdict.h"
#include "core/region/look.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/cli_device.h"
#include "daemon/cli/cli_product.h"
#include "daemon/serve_config.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

struct predict {
    struct cli_call call;
    const char *product, *version, *camera, *heatmap;
    bool json;
    struct insp_image_limits limits;
    struct cli_device device;
    struct insp_model *model;
};

struct result {
    float probability, cam[INSP_TILES_MAP_MAX];
    enum insp_verdict verdict;
    uint32_t width, height; /* of the image in the file */
    struct insp_heat_summary heat;
    struct insp_good_answer good;
    uint32_t suspect;
    double decode_ms, inference_ms;
};

/* Reads a file into *ret, as insp_look_tiles makes it, the caller's, and sets the result's size and suspect
 * reasons. */
static int read_picture(const struct predict *predict, const char *path, uint8_t **ret, struct result *result,
                        struct insp_error *reterr) {
    const struct insp_manifest *manifest = predict->model->manifest;
    const struct insp_media_type type = {.media = INSP_MEDIA_UNKNOWN};
    _cleanup_(insp_image_freep) struct insp_image *image = NULL;
    const struct insp_field *field = insp_field_of(manifest->fields, predict->camera);
    struct insp_image_stats stats;
    _cleanup_free_ char *bytes = NULL;
    size_t count;
    int r = insp_read_file(path, predict->limits.bytes, &bytes, &count, reterr);
    if (r == 0)
        r = insp_image_decode(bytes, count, &type, insp_look_side(manifest->tiles), &predict->limits, &image,
                              reterr);
    if (r == 0)
        r = insp_look_tiles(image, field, manifest->tiles, &stats, ret, reterr);
    if (r)
        return r;
    result->width = image->posted_width;
    result->height = image->posted_height;
    result->suspect =
        insp_suspect_reasons(&stats, &manifest->pictures) | insp_suspect_tiles(manifest->tiles, &stats);
    return 0;
}

static int score(struct predict *predict, const char *path, struct result *result, struct insp_error *reterr) {
    const struct insp_manifest *manifest = predict->model->manifest;
    _cleanup_free_ uint8_t *rgb = NULL;
    int64_t began = insp_mono_us();
    int r = read_picture(predict, path, &rgb, result, reterr);
    int64_t decoded = insp_mono_us();
    if (r == 0)
        r = insp_model_score(predict->device.trunk,
                             &(struct insp_shot){.model = predict->model,
                                                 .rgb = rgb,
                                                 .field = insp_field_of(manifest->fields, predict->camera)},
                             1, &result->probability, result->cam, &result->good, reterr);
    if (r < 0)
        return r;
    result->decode_ms = (double)(decoded - began) / 1000;
    result->inference_ms = (double)(insp_mono_us() - decoded) / 1000;
    result->verdict = insp_model_verdict(manifest, result->probability, &result->good, &result->suspect);
    return insp_heat_summarise(&manifest->heatmap, result->verdict != INSP_VERDICT_GOOD, result->cam,
                               result->width, result->height, &result->heat, reterr);
}

/* Writes the overlay at the size of the image in the file. */
static int write_heatmap(const struct predict *predict, const char *path, const struct result *result,
                         struct insp_error *reterr) {
    const struct insp_media_type type = {.media = INSP_MEDIA_UNKNOWN};
    _cleanup_(insp_image_freep) struct insp_image *image = NULL;
    _cleanup_free_ char *bytes = NULL;
    _cleanup_free_ unsigned char *png = NULL;
    size_t count, png_bytes;
    int r = insp_read_file(path, predict->limits.bytes, &bytes, &count, reterr);
    if (r == 0)
        r = insp_image_decode(bytes, count, &type, 0, &predict->limits, &image, reterr);
    if (r == 0)
        r = insp_heat_render(&predict->model->manifest->heatmap, result->verdict != INSP_VERDICT_GOOD, result->cam,
                             INSP_VIEW_OVERLAY, image, result->width, result->height, NULL, &png, &png_bytes,
                             reterr);
    if (r == 0)
        r = insp_write_file(predict->heatmap, png, png_bytes, 0666 & ~predict->call.umask, false, reterr);
    return r;
}

/* Returns the shortest decimal that reads back as the same float: 0.7, not 0.699999988. */
static double plain(float value) {
    char text[32];
    snprintf(text, sizeof text, "%.7g", (double)value);
    return strtof(text, NULL) == value ? strtod(text, NULL) : (double)value;
}

static json_t *good_json(const struct insp_manifest *manifest, const struct insp_good_answer *good) {
    return good->known
               ? json_pack("{s:f, s:f, s:f}", "score", plain(good->score), "threshold",
                           plain(manifest->good_only.scale.threshold), "percentile", plain(good->percentile))
               : json_null();
}

static int print_json(const struct predict *predict, const char *path, const struct result *result) {
    const struct insp_manifest *manifest = predict->model->manifest;
    json_t *boxes = json_array();
    for (size_t i = 0; boxes && i < result->heat.box_count; i++) {
        const struct insp_box *box = &result->heat.box[i];
        json_array_append_new(boxes, json_pack("{s:I, s:I, s:I, s:I, s:f}", "x", (json_int_t)box->x, "y",
                                               (json_int_t)box->y, "width", (json_int_t)box->width, "height",
                                               (json_int_t)box->height, "max", plain(box->max)));
    }
    json_t *reasons = json_array();
    for (unsigned i = 0; reasons && i < INSP_SUSPECT_COUNT; i++)
        if (result->suspect >> i & 1)
            json_array_append_new(reasons, json_string(insp_suspect_name((enum insp_suspect_reason)i)));
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s, s:f, s:f, s:s, s:o, s:{s:s, s:f, s:f, s:f, s:o}, s:{s:I, s:I}, s:b, s:o, "
                  "s:{s:f, s:f}}",
                  "file", path, "product", manifest->product, "model", manifest->version, "verdict",
                  insp_verdict_name(result->verdict), "probability", plain(result->probability), "threshold",
                  plain(manifest->threshold), "decided_by",
                  insp_manifest_good_decides(manifest) ? "good_only" : "supervised", "good_only",
                  good_json(manifest, &result->good), "heatmap", "map", insp_heat_kind_name(manifest->heat.kind),
                  "threshold", plain(manifest->heatmap.threshold), "max", plain(result->heat.max), "area",
                  plain(result->heat.area), "boxes", boxes, "image", "width", (json_int_t)result->width, "height",
                  (json_int_t)result->height, "suspect", result->suspect != 0, "reasons", reasons, "timing_ms",
                  "decode", result->decode_ms, "inference", result->inference_ms);
    return cli_print_json(predict->call.command, object);
}

/* Prints which model decided, and the good-only score with its threshold, if the version has such a model. */
static void print_good(const struct insp_manifest *manifest, const struct insp_good_answer *good) {
    if (good->known)
        printf("  %s %.3f of %.3f",
               insp_manifest_good_decides(manifest) ? "decided by good-only:" : "good-only beside:",
               (double)good->score, (double)manifest->good_only.scale.threshold);
}

static void print_row(const struct predict *predict, const char *path, const struct result *result) {
    printf("%-8s %11.4f %7.1f %% %6zu %8.1f  %s",
           result->verdict == INSP_VERDICT_ANOMALY ? "ANOMALY" : insp_verdict_name(result->verdict),
           (double)result->probability, 100 * (double)result->heat.area, result->heat.box_count,
           result->decode_ms + result->inference_ms, path);
    print_good(predict->model->manifest, &result->good);
    const char *before = "  suspect: ";
    for (unsigned i = 0; i < INSP_SUSPECT_COUNT; i++) {
        if (!(result->suspect >> i & 1))
            continue;
        printf("%s%s", before, insp_suspect_name((enum insp_suspect_reason)i));
        before = ", ";
    }
    putchar('\n');
}

/* Scores all files. Reports a file that cannot be scored on stderr and continues. */
static int predict_files(struct predict *predict) {
    const struct cli_command *command = predict->call.command;
    int code = CLI_OK;
    if (!predict->json)
        printf("%-8s %11s %9s %6s %8s  %s\n", "verdict", "probability", "hot area", "boxes", "ms", "file");
    for (int i = 0; i < predict->call.count; i++) {
        const char *path = predict->call.argument[i];
        struct insp_error error = {0};
        struct result result = {0};
        int r = score(predict, path, &result, &error);
        if (r == 0 && predict->heatmap)
            r = write_heatmap(predict, path, &result, &error);
        if (r < 0) {
            if (!strstr(error.detail, path))
                insp_error_prefix(&error, "%s", path);
            code = cli_fail(command, &error);
        } else if (predict->json) {
            code = print_json(predict, path, &result) == CLI_OK ? code : CLI_FAILED;
        } else {
            print_row(predict, path, &result);
        }
    }
    return fflush(stdout) == 0 ? code : CLI_FAILED;
}

static int open_model(struct predict *predict, struct insp_error *reterr) {
    const struct daemon_settings *settings = &predict->call.settings;
    const char *state_dir = settings->storage_state_dir;
    struct insp_device_config config = daemon_device_config(settings);
    config.batch_max = 1;
    char version[INSP_NAME_BYTES], trunk_sha256[INSP_SHA256_HEX_BYTES];
    int r = cli_product_version(state_dir, predict->product, predict->version, version, trunk_sha256, reterr);
    if (r == 0)
        r = cli_device_open(&predict->device, &config, state_dir, trunk_sha256, reterr);
    if (r == 0)
        r = insp_model_load(predict->device.device, state_dir, predict->product, version, &predict->model, reterr);
    return r;
}

int cli_predict(const struct cli_command *command, int argc, char **argv) {
    struct predict predict = {0};
    struct insp_error error = {0};
    int code;
    const struct cli_option options[] = {
        {"product", CLI_STRING, &predict.product, 0, 0, "P", "name of the product"},
        {"version", CLI_STRING, &predict.version, 0, 0, "V", "version to use (default: the active one)"},
        {"camera", CLI_STRING, &predict.camera, 0, 0, "C", "camera that took the pictures, for its regions"},
        {"heatmap", CLI_STRING, &predict.heatmap, 0, 0, "OUT.png", "write the image with the heatmap over it"},
        {"json", CLI_FLAG, &predict.json, 0, 0, NULL, "print one JSON object per line"},
    };
    if (!cli_parse(&predict.call, command, argc, argv, options, INSP_COUNT(options), 1, INT_MAX, &code))
        return code;
    if (!predict.product)
        return cli_usage(command, "--product is required");
    if (predict.heatmap && predict.call.count != 1)
        return cli_usage(command, "--heatmap needs exactly one image, not %d", predict.call.count);
    predict.limits = daemon_image_limits(&predict.call.settings);
    code = open_model(&predict, &error) < 0 ? cli_fail(command, &error) : predict_files(&predict);
    insp_model_unref(predict.model);
    cli_device_close(&predict.device);
    return code;
}
