/* core/heat/heat_render.c - render the views of a heatmap, row by row into the PNG encoder: for a 64 megapixel
 * image one row is computed at a time, never a second picture of that size. */
#include "core/heat/heat_colour.h"
#include "core/heat/heat_rows.h"
#include "core/heat/heatmap.h"
#include "core/image/png_writer.h"

#include <string.h>

enum {
    THRESHOLD_ALPHA = 192, /* of 255: opacity of the threshold view; the surface shows through a little */
    OVERLAY_MIX = 144,     /* of 256: share of the heat in the overlay */
};

static const uint8_t BOX_LINE[3] = {255, 255, 255},
                     BOX_EDGE[3] = {16, 16, 16}; /* light with a dark edge, visible on any surface */

struct painter {
    enum insp_heat_view view;
    struct insp_heat_rows rows;
    double threshold;
    bool hot;                         /* false: nothing is above the threshold */
    const uint8_t *rgb;               /* overlay: the image at the size of the view */
    struct insp_heat_summary summary; /* overlay: the boxes */
    uint32_t line;                    /* overlay: width of a box's outline in pixels */
    uint8_t colour[256][3];
};

static const uint8_t *colour_of(const struct painter *painter, double heat) {
    return painter->colour[(unsigned)(heat * 255 + 0.5)];
}

/* Returns the colour of heat above the threshold. The range from the threshold to 1 always goes from crimson
 * to amber: differences within a region show, and neither end disappears on a dark or a white surface. */
static const uint8_t *hot_colour_of(const struct painter *painter, double heat) {
    double room = 1 - painter->threshold;
    return colour_of(painter, 0.45 + (room > 0 ? 0.4 * (heat - painter->threshold) / room : 0.4));
}

static void paint_raw(const struct painter *painter, const double *profile, uint8_t *out) {
    for (unsigned c = 0; c < painter->rows.map.columns; c++) {
        for (uint32_t x = painter->rows.start[c]; x < painter->rows.start[c + 1]; x++)
            memcpy(out + (size_t)x * 3, colour_of(painter, insp_heat_rows_value(&painter->rows, profile, c, x)),
                   3);
    }
}

/* Colours the pixels begin..end-1 of one row, over the content of out. */
static void paint_run(const struct painter *painter, const double *profile, const struct insp_heat_run *run,
                      uint8_t *out) {
    for (unsigned c = 0; c < painter->rows.map.columns; c++) {
        uint32_t begin = run->begin > painter->rows.start[c] ? run->begin : painter->rows.start[c];
        uint32_t end = run->end < painter->rows.start[c + 1] ? run->end : painter->rows.start[c + 1];
        for (uint32_t x = begin; x < end; x++) {
            const uint8_t *colour = hot_colour_of(painter, insp_heat_rows_value(&painter->rows, profile, c, x));
            if (painter->view == INSP_VIEW_THRESHOLD) {
                memcpy(out + (size_t)x * 4, colour, 3);
                out[(size_t)x * 4 + 3] = THRESHOLD_ALPHA;
            } else {
                for (unsigned i = 0; i < 3; i++) {
                    uint8_t *v = out + (size_t)x * 3 + i;
                    *v = (uint8_t)((*v * (256 - OVERLAY_MIX) + colour[i] * OVERLAY_MIX + 128) >> 8);
                }
            }
        }
    }
}

static void paint_hot(const struct painter *painter, const double *profile, uint8_t *out) {
    struct insp_heat_run run[INSP_HEAT_COLUMNS_MAX];
    size_t count = painter->hot ? insp_heat_rows_runs(&painter->rows, profile, painter->threshold, run) : 0;
    for (size_t i = 0; i < count; i++)
        paint_run(painter, profile, &run[i], out);
}

static void fill(uint8_t *row, uint32_t begin, uint32_t end, const uint8_t colour[3]) {
    for (uint32_t x = begin; x < end; x++)
        memcpy(row + (size_t)x * 3, colour, 3);
}

/* Paints one row of a box's frame, `line` wide; its outer edge is `margin` outside of the box or at the
 * image's edge. */
static void paint_frame(const struct painter *painter, const struct insp_box *box, uint32_t y, uint32_t margin,
                        uint32_t line, const uint8_t colour[3], uint8_t *row) {
    uint32_t width = painter->rows.width, height = painter->rows.height;
    uint32_t x0 = box->x > margin ? box->x - margin : 0, y0 = box->y > margin ? box->y - margin : 0;
    uint32_t x1 = box->x + box->width, y1 = box->y + box->height;
    x1 = width - x1 > margin ? x1 + margin : width;
    y1 = height - y1 > margin ? y1 + margin : height;
    if (y < y0 || y >= y1)
        return;
    if (y - y0 < line || y1 - 1 - y < line || x1 - x0 <= 2 * line) {
        fill(row, x0, x1, colour);
        return;
    }
    fill(row, x0, x0 + line, colour);
    fill(row, x1 - line, x1, colour);
}

static void paint_boxes(const struct painter *painter, uint32_t y, uint8_t *row) {
    const struct insp_heat_summary *s = &painter->summary;
    uint32_t line = painter->line;
    for (size_t i = 0; i < s->box_count; i++)
        paint_frame(painter, &s->box[i], y, line + 1, line + 2, BOX_EDGE, row);
    for (size_t i = 0; i < s->box_count; i++)
        paint_frame(painter, &s->box[i], y, line, line, BOX_LINE, row);
}

static void paint_row(const struct painter *painter, uint32_t y, uint8_t *out) {
    double profile[INSP_HEAT_COLUMNS_MAX + 1];
    insp_heat_rows_profile(&painter->rows, y, profile);
    switch (painter->view) {
    case INSP_VIEW_RAW:
        paint_raw(painter, profile, out);
        break;
    case INSP_VIEW_THRESHOLD:
        memset(out, 0, (size_t)painter->rows.width * 4);
        paint_hot(painter, profile, out);
        break;
    case INSP_VIEW_OVERLAY:
        memcpy(out, painter->rgb + (size_t)y * painter->rows.width * 3, (size_t)painter->rows.width * 3);
        paint_hot(painter, profile, out);
        paint_boxes(painter, y, out);
        break;
    }
}

static int check_cancelled(const struct insp_image_limits *limits, struct insp_error *reterr) {
    if (limits && limits->cancelled && limits->cancelled(limits->cancelled_arg))
        return insp_fail(reterr, INSP_E_CANCELLED, "drawing was cancelled: the picture is no longer wanted");
    return 0;
}

static int encode(const struct painter *painter, const struct insp_image_limits *limits, unsigned char **ret_png,
                  size_t *ret_bytes, struct insp_error *reterr) {
    unsigned channels = painter->view == INSP_VIEW_THRESHOLD ? 4 : 3;
    _cleanup_free_ uint8_t *row = malloc((size_t)painter->rows.width * channels);
    if (!row)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a heatmap %u pixels wide", painter->rows.width);
    _cleanup_(insp_png_writer_freep) struct insp_png_writer *writer = NULL;
    int code = insp_png_writer_new(painter->rows.width, painter->rows.height, channels,
                                   painter->view == INSP_VIEW_OVERLAY ? INSP_PNG_PHOTO : INSP_PNG_DRAWING, &writer,
                                   reterr);
    for (uint32_t y = 0; !code && y < painter->rows.height; y++) {
        if ((code = check_cancelled(limits, reterr)))
            break;
        paint_row(painter, y, row);
        code = insp_png_writer_row(writer, row, reterr);
    }
    return code ? code : insp_png_writer_finish(writer, ret_png, ret_bytes, reterr);
}

/* Returns the width of outlines: 3 pixels at 1024, at least 1. */
static uint32_t line_width(uint32_t width, uint32_t height) {
    uint32_t side = width < height ? width : height;
    return side < 64 ? 1 : side < 680 ? 2 : side / 340;
}

int insp_heat_render(const struct insp_heat_params *params, bool suspect, const float *cam,
                     enum insp_heat_view view, const struct insp_image *image, uint32_t width, uint32_t height,
                     const struct insp_image_limits *limits, unsigned char **ret_png, size_t *ret_bytes,
                     struct insp_error *reterr) {
    if (view == INSP_VIEW_OVERLAY && !image)
        return insp_fail(reterr, INSP_E_INTERNAL, "an overlay needs the image");
    _cleanup_free_ float *heat = malloc(insp_heat_cells(params) * sizeof *heat);
    struct painter painter = {.view = view,
                              .threshold = params->threshold,
                              .hot = params->scale == INSP_SCALE_FIXED || suspect,
                              .line = line_width(width, height)};
    _cleanup_(insp_image_freep) struct insp_image *resized = NULL;
    int code = heat ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for a map");
    if (!code && view == INSP_VIEW_OVERLAY) {
        code = insp_heat_summarise(params, suspect, cam, width, height, &painter.summary, reterr);
        painter.rgb = image->rgb;
        if (!code && (image->width != width || image->height != height)) {
            code = insp_image_resize(image, width, height, &resized, reterr);
            painter.rgb = code ? NULL : resized->rgb;
        }
    }
    if (code)
        return code;
    insp_heat_scale(params, cam, heat);
    insp_heat_colours(painter.colour);
    code = insp_heat_rows_init(heat, insp_heat_map(params), width, height, &painter.rows, reterr);
    if (code)
        return code;
    code = encode(&painter, limits, ret_png, ret_bytes, reterr);
    insp_heat_rows_clear(&painter.rows);
    return code;
}
