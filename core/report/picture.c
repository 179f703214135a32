#include "core/report/picture.h"

#include "core/base/base64.h"
#include "core/base/below.h"
#include "core/base/fs.h"
#include "core/base/sha256.h"
#include "core/compute/vgg16.h"
#include "core/heat/heatmap.h"
#include "core/report/html.h"
#include "core/report/lookup.h"

#include <math.h>
#include <string.h>

enum { JPEG_QUALITY = 82 };

/* Reads an image of the report. It must be inside the dataset and have the hash of the report. */
static int read_image(const struct insp_report_source *source, const json_t *image, char **ret_bytes,
                      size_t *ret_count, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES], root[INSP_PATH_BYTES], resolved[INSP_PATH_BYTES], hash[INSP_SHA256_HEX_BYTES];
    _cleanup_free_ char *bytes = NULL;
    if (!source->dataset_root || insp_resolve(source->dataset_root, root))
        return insp_fail(reterr, INSP_E_NOT_FOUND, "the dataset no longer exists");
    int r = insp_path(path, reterr, "%s/%s", root, insp_lookup_text(image, "path"));
    if (r < 0)
        return r;
    if (insp_resolve_below(root, path, resolved) != INSP_BELOW)
        return insp_fail(reterr, INSP_E_NOT_FOUND, "the image no longer exists");
    r = insp_read_file(resolved, source->limits.bytes, &bytes, ret_count, reterr);
    if (r < 0)
        return r;
    insp_sha256_hex(bytes, *ret_count, hash);
    if (strcmp(hash, insp_lookup_text(image, "sha256")) != 0)
        return insp_fail(reterr, INSP_E_NOT_FOUND, "the file has changed since");
    *ret_bytes = insp_take_ptr(bytes);
    return 0;
}

static int make_thumbnail(const struct insp_report_source *source, const json_t *image, struct insp_image **ret,
                          struct insp_error *reterr) {
    static const struct insp_media_type sniff = {.media = INSP_MEDIA_UNKNOWN};
    _cleanup_free_ char *bytes = NULL;
    _cleanup_(insp_image_freep) struct insp_image *whole = NULL;
    size_t count;
    int r = read_image(source, image, &bytes, &count, reterr);
    if (r < 0 ||
        (r = insp_image_decode(bytes, count, &sniff, INSP_REPORT_THUMBNAIL, &source->limits, &whole, reterr)) < 0)
        return r;
    double side = fmax(whole->width, whole->height), scale = fmin(1, INSP_REPORT_THUMBNAIL / side);
    return insp_image_resize(whole, (uint32_t)fmax(1, round(whole->width * scale)),
                             (uint32_t)fmax(1, round(whole->height * scale)), ret, reterr);
}

static int put_data(FILE *out, const char *before, const void *data, size_t bytes, const char *behind,
                    struct insp_error *reterr) {
    _cleanup_free_ char *text = NULL;
    int r = insp_base64_encode(data, bytes, &text, reterr);
    if (r == 0)
        fprintf(out, "%s%s%s", before, text, behind);
    return r;
}

static int put_photo(FILE *out, const struct insp_image *thumbnail, const char *name, struct insp_error *reterr) {
    _cleanup_free_ unsigned char *jpeg = NULL;
    size_t bytes;
    int r = insp_image_encode_jpeg(thumbnail->rgb, thumbnail->width, thumbnail->height, JPEG_QUALITY, &jpeg,
                                   &bytes, reterr);
    if (r < 0 || (r = put_data(out, "<img src=\"data:image/jpeg;base64,", jpeg, bytes, "\" alt=\"", reterr)) < 0)
        return r;
    insp_html_text(out, name);
    fputs("\">", out);
    return 0;
}

/* Draws the heat above the threshold and its boxes, as light lines with a dark edge like the daemon's overlay. */
static int put_heat(FILE *out, const struct insp_image *thumbnail, const float *heat, float threshold,
                    struct insp_error *reterr) {
    const struct insp_heat_params params = {
        .scale = INSP_SCALE_FIXED, .threshold = threshold, .low = 0, .high = 1};
    struct insp_heat_summary summary;
    _cleanup_free_ unsigned char *png = NULL;
    size_t bytes;
    uint32_t width = thumbnail->width, height = thumbnail->height;
    int r = insp_heat_summarise(&params, true, heat, width, height, &summary, reterr);
    if (r < 0 || summary.box_count == 0)
        return r;
    r = insp_heat_render(&params, true, heat, INSP_VIEW_THRESHOLD, NULL, width, height, NULL, &png, &bytes,
                         reterr);
    if (r < 0 || (r = put_data(out, "<img class=\"heat\" src=\"data:image/png;base64,", png, bytes, "\" alt=\"\">",
                               reterr)) < 0)
        return r;
    fprintf(out, "<svg class=\"heat\" viewBox=\"0 0 %u %u\" aria-hidden=\"true\">", width, height);
    for (int edge = 1; edge >= 0; edge--)
        for (size_t i = 0; i < summary.box_count; i++)
            fprintf(out, "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>",
                    edge ? "box-edge" : "box", summary.box[i].x, summary.box[i].y, summary.box[i].width,
                    summary.box[i].height);
    fputs("</svg>", out);
    return 0;
}

static void put_note(FILE *out, const char *text) {
    fputs("<p class=\"note\">", out);
    insp_html_text(out, text);
    fputs("</p>", out);
}

int insp_report_picture(FILE *out, const struct insp_report_source *source, const json_t *image,
                        float heat_threshold, struct insp_error *reterr) {
    uint8_t byte[INSP_MAP_FLOATS];
    float heat[INSP_MAP_FLOATS] = {0};
    _cleanup_(insp_image_freep) struct insp_image *thumbnail = NULL;
    struct insp_error why = {0};
    int r = make_thumbnail(source, image, &thumbnail, &why);
    if (r == INSP_E_NOMEM)
        return insp_fail(reterr, r, "%s", why.detail);
    if (r < 0) { /* the note hides the server's paths, because reports are passed on */
        put_note(out, r == INSP_E_NOT_FOUND ? why.detail : "the image can no longer be read");
        return 0;
    }
    if (insp_base64_decode(insp_lookup_text(image, "heat"), byte, sizeof byte))
        for (size_t i = 0; i < INSP_MAP_FLOATS; i++)
            heat[i] = (float)byte[i] / 255;
    fprintf(out, "<div class=\"picture\" tabindex=\"0\">");
    r = put_photo(out, thumbnail, insp_lookup_text(image, "path"), reterr);
    if (r == 0 && heat_threshold <= 1)
        r = put_heat(out, thumbnail, heat, heat_threshold, reterr);
    fputs("</div>", out);
    return r;
}
