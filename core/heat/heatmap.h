/* core/heat/heatmap.h - turn a class activation map into heat, boxes and pictures. Pure functions; any thread. */
#ifndef INSP_HEAT_HEATMAP_H
#define INSP_HEAT_HEATMAP_H

#include "core/image/box.h"
#include "core/image/image.h"
#include "core/model/manifest.h"

#include <stddef.h>
#include <stdint.h>

struct insp_heat_summary {
    float max;  /* largest heat over the upsampled image, 0..1 */
    float area; /* share of the image's pixels at or above the threshold, 0..1 */
    size_t box_count;
    struct insp_box box[INSP_BOXES_MAX]; /* largest area first */
};

/* Returns the size of the maps: params->map, 14x14 where that is not set; and its cells, at most
 * INSP_TILES_MAP_MAX. */
struct insp_map_size insp_heat_map(const struct insp_heat_params *params);
size_t insp_heat_cells(const struct insp_heat_params *params);

/* Scales a map to heat 0..1 by the manifest's parameters. A flat map and a NaN give 0. out may be cam. */
void insp_heat_scale(const struct insp_heat_params *params, const float *cam, float *out);

/* Computes boxes, area and maximum of the heat upsampled bilinearly (align_corners = false; heat_rows.h has
 * the formula) to width x height, both >= 1: one box per 8-connected region with heat >= params->threshold,
 * the largest INSP_BOXES_MAX of them. Exact to the pixel, in time that grows with the height only: 0.2 ms at
 * 1024 x 1024.
 *   suspect  the verdict is anomaly or review. With INSP_SCALE_PER_IMAGE a good part has no boxes and area 0,
 *            because its map lights up somewhere by construction
 * Fails with INSP_E_NOMEM. */
int insp_heat_summarise(const struct insp_heat_params *params, bool suspect, const float *cam, uint32_t width,
                        uint32_t height, struct insp_heat_summary *ret, struct insp_error *reterr);

enum insp_heat_view {
    INSP_VIEW_THRESHOLD, /* RGBA, colour where heat >= threshold, else transparent */
    INSP_VIEW_OVERLAY,   /* RGB, the image with the heat blended over it and the boxes drawn */
    INSP_VIEW_RAW,       /* RGB, the whole scaled map in colours, no threshold */
};
/* Parses "threshold", "overlay" or "raw"; returns false for any other text. */
bool insp_heat_view_parse(const char *text, enum insp_heat_view *ret);

/* Renders a PNG of width x height, both >= 1. image: for INSP_VIEW_OVERLAY, of any size (it is resized), else
 * NULL. As in insp_heat_summarise, a good part scaled per image has nothing above the threshold; the raw view
 * shows all heat. Needs memory for one row besides the image and the PNG. Takes some 15 ms at 1024 x 1024, a
 * second at 64 megapixels: not on the loop thread. Calls limits->cancelled before each row; limits may be
 * NULL. *ret_png is the caller's (free). Fails with INSP_E_NOMEM; INSP_E_INTERNAL for an overlay without
 * image; INSP_E_CANCELLED. */
int insp_heat_render(const struct insp_heat_params *params, bool suspect, const float *cam,
                     enum insp_heat_view view, const struct insp_image *image, uint32_t width, uint32_t height,
                     const struct insp_image_limits *limits, unsigned char **ret_png, size_t *ret_bytes,
                     struct insp_error *reterr);

#endif
