/* core/heat/heat_boxes.c - describe connected regions of hot pixels as boxes. */
#include "core/heat/heat_rows.h"
#include "core/heat/heatmap.h"
#include "core/heat/regions.h"

/* Orders regions: largest first, among equals the upper, then the left one, so that the order is always the
 * same. */
static int compare_regions(const void *left, const void *right) {
    const struct insp_region *a = left, *b = right;
    if (a->pixels != b->pixels)
        return a->pixels > b->pixels ? -1 : 1;
    if (a->y0 != b->y0)
        return a->y0 < b->y0 ? -1 : 1;
    return a->x0 < b->x0 ? -1 : a->x0 > b->x0;
}

static void write_boxes(struct insp_regions *regions, struct insp_heat_summary *summary) {
    size_t count = insp_regions_finish(regions);
    qsort(regions->at, count, sizeof *regions->at, compare_regions);
    summary->box_count = count < INSP_BOXES_MAX ? count : INSP_BOXES_MAX;
    for (size_t i = 0; i < summary->box_count; i++) {
        const struct insp_region *r = &regions->at[i];
        summary->box[i] = (struct insp_box){
            .x = r->x0, .y = r->y0, .width = r->x1 - r->x0 + 1, .height = r->y1 - r->y0 + 1, .max = (float)r->max};
    }
}

int insp_heat_summarise(const struct insp_heat_params *params, bool suspect, const float *cam, uint32_t width,
                        uint32_t height, struct insp_heat_summary *ret, struct insp_error *reterr) {
    _cleanup_free_ float *heat = malloc(insp_heat_cells(params) * sizeof *heat);
    if (!heat)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a map");
    insp_heat_scale(params, cam, heat);
    _cleanup_(insp_heat_rows_clear) struct insp_heat_rows rows = {0};
    _cleanup_(insp_regions_clear) struct insp_regions regions = {0};
    int code = insp_heat_rows_init(heat, insp_heat_map(params), width, height, &rows, reterr);
    if (!code)
        code = insp_regions_init(&regions, INSP_BOXES_MAX, insp_heat_map(params).columns, UINT32_MAX,
                                 reterr); /* enough room, except for ridges thinner than a pixel */
    if (code)
        return code;

    bool boxes = params->scale == INSP_SCALE_FIXED || suspect;
    uint64_t pixels = 0;
    double max = 0;
    for (uint32_t y = 0; y < height; y++) {
        double profile[INSP_HEAT_COLUMNS_MAX + 1];
        insp_heat_rows_profile(&rows, y, profile);
        max = insp_heat_rows_max(&rows, profile, max);
        if (!boxes)
            continue;
        struct insp_heat_run run[INSP_HEAT_COLUMNS_MAX];
        size_t count = insp_heat_rows_runs(&rows, profile, params->threshold, run);
        code = insp_regions_row(&regions, y, run, count, reterr);
        if (code)
            return code;
        for (size_t i = 0; i < count; i++)
            pixels += run[i].end - run[i].begin;
    }
    *ret =
        (struct insp_heat_summary){.max = (float)max, .area = (float)((double)pixels / ((double)width * height))};
    write_boxes(&regions, ret);
    return 0;
}
