/* core/inspect/heat_boxes.c - connected regions of hot pixels, by union-find over the runs of each row. */
#include "core/inspect/heat_rows.h"
#include "core/inspect/heatmap.h"

struct region {
    uint32_t parent;         /* an older region that it turned out to be part of, or itself */
    uint32_t x0, y0, x1, y1; /* first and last column and row */
    uint64_t pixels;
    double max;
};

struct regions {
    struct region *at;
    size_t count, room;
};

static void regions_clear(struct regions *regions) {
    free(regions->at);
}

static uint32_t find(struct regions *regions, uint32_t i) {
    /* i is a label of add_region. NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
    while (regions->at[i].parent != i) {
        regions->at[i].parent = regions->at[regions->at[i].parent].parent;
        i = regions->at[i].parent;
    }
    return i;
}

static void include(struct region *into, const struct region *from) {
    into->x0 = from->x0 < into->x0 ? from->x0 : into->x0;
    into->y0 = from->y0 < into->y0 ? from->y0 : into->y0;
    into->x1 = from->x1 > into->x1 ? from->x1 : into->x1;
    into->y1 = from->y1 > into->y1 ? from->y1 : into->y1;
    into->pixels += from->pixels;
    into->max = from->max > into->max ? from->max : into->max;
}

static int make_room(struct regions *regions, size_t room, struct insp_error *reterr) {
    struct region *grown = room < UINT32_MAX ? realloc(regions->at, room * sizeof *grown) : NULL;
    if (!grown)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the heatmap's regions");
    regions->at = grown;
    regions->room = room;
    return 0;
}

static int add_region(struct regions *regions, const struct region *region, uint32_t *ret,
                      struct insp_error *reterr) {
    int code = regions->count == regions->room ? make_room(regions, 2 * regions->room, reterr) : 0;
    if (code)
        return code;
    *ret = (uint32_t)regions->count++;
    regions->at[*ret] = *region;
    regions->at[*ret].parent = *ret;
    return 0;
}

struct labelled_runs {
    struct insp_heat_run run[INSP_MAP_SIDE];
    uint32_t region[INSP_MAP_SIDE];
    size_t count;
};

/* Joins a run with the regions that it touches in the row above, at corners too, or starts one. */
static int label_run(struct regions *regions, const struct labelled_runs *above, const struct insp_heat_run *run,
                     uint32_t y, uint32_t *ret, struct insp_error *reterr) {
    struct region region = {
        .x0 = run->begin, .y0 = y, .x1 = run->end - 1, .y1 = y, .pixels = run->end - run->begin, .max = run->max};
    bool joined = false;
    uint32_t label = 0;
    for (size_t i = 0; i < above->count; i++) {
        if (above->run[i].begin > run->end || above->run[i].end < run->begin)
            continue;
        uint32_t other = find(regions, above->region[i]);
        if (!joined) {
            include(&regions->at[other], &region);
            label = other;
            joined = true;
        } else if (other != label) {
            regions->at[other].parent = label;
            include(&regions->at[label], &regions->at[other]);
        }
    }
    if (!joined)
        return add_region(regions, &region, ret, reterr);
    *ret = label;
    return 0;
}

/* Largest first; among equals the upper, then the left one, so that the order is always the same. */
static int compare_regions(const void *left, const void *right) {
    const struct region *a = left, *b = right;
    if (a->pixels != b->pixels)
        return a->pixels > b->pixels ? -1 : 1;
    if (a->y0 != b->y0)
        return a->y0 < b->y0 ? -1 : 1;
    return a->x0 < b->x0 ? -1 : a->x0 > b->x0;
}

static void write_boxes(struct regions *regions, struct insp_heat_summary *summary) {
    size_t roots = 0;
    for (uint32_t i = 0; i < regions->count; i++) {
        if (regions->at[i].parent == i)
            regions->at[roots++] = regions->at[i];
    }
    qsort(regions->at, roots, sizeof *regions->at, compare_regions);
    summary->box_count = roots < INSP_BOXES_MAX ? roots : INSP_BOXES_MAX;
    for (size_t i = 0; i < summary->box_count; i++) {
        const struct region *r = &regions->at[i];
        summary->box[i] = (struct insp_box){
            .x = r->x0, .y = r->y0, .width = r->x1 - r->x0 + 1, .height = r->y1 - r->y0 + 1, .max = (float)r->max};
    }
}

int insp_heat_summarise(const struct insp_heat_params *params, bool suspect, const float *cam, uint32_t width,
                        uint32_t height, struct insp_heat_summary *ret, struct insp_error *reterr) {
    float heat[INSP_MAP_FLOATS];
    insp_heat_scale(params, cam, heat);
    _cleanup_(insp_heat_rows_clear) struct insp_heat_rows rows = {0};
    _cleanup_(regions_clear) struct regions regions = {0};
    int code = insp_heat_rows_init(heat, width, height, &rows, reterr);
    if (!code)
        code = make_room(&regions, INSP_BOXES_MAX, reterr); /* enough but for ridges thinner than a pixel */
    if (code)
        return code;

    bool boxes = params->scale == INSP_SCALE_FIXED || suspect;
    struct labelled_runs runs[2] = {{.count = 0}, {.count = 0}};
    uint64_t pixels = 0;
    double max = 0;
    for (uint32_t y = 0; y < height; y++) {
        double profile[INSP_MAP_SIDE + 1];
        insp_heat_rows_profile(&rows, y, profile);
        max = insp_heat_rows_max(&rows, profile, max);
        if (!boxes)
            continue;
        struct labelled_runs *now = &runs[y % 2];
        now->count = insp_heat_rows_runs(&rows, profile, params->threshold, now->run);
        for (size_t i = 0; i < now->count; i++) {
            code = label_run(&regions, &runs[(y + 1) % 2], &now->run[i], y, &now->region[i], reterr);
            if (code)
                return code;
            pixels += now->run[i].end - now->run[i].begin;
        }
    }
    *ret =
        (struct insp_heat_summary){.max = (float)max, .area = (float)((double)pixels / ((double)width * height))};
    write_boxes(&regions, ret);
    return 0;
}
