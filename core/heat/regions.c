#include "core/heat/regions.h"

static int make_room(struct insp_regions *regions, size_t room, struct insp_error *reterr) {
    struct insp_region *grown = room < UINT32_MAX ? reallocarray(regions->at, room, sizeof *grown) : NULL;
    if (!grown)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu regions", room);
    regions->at = grown;
    regions->room = room;
    return 0;
}

static int make_run_room(struct insp_regions *regions, size_t room, struct insp_error *reterr) {
    for (int i = 0; i < 2; i++) {
        struct insp_labelled_run *grown = reallocarray(regions->run[i], room, sizeof *grown);
        if (!grown)
            return insp_fail(reterr, INSP_E_NOMEM, "no memory for the regions of a row");
        regions->run[i] = grown;
    }
    regions->run_room = room;
    return 0;
}

int insp_regions_init(struct insp_regions *regions, size_t room, size_t runs, size_t limit,
                      struct insp_error *reterr) {
    *regions = (struct insp_regions){.limit = limit};
    int r = make_room(regions, room, reterr);
    return r ? r : make_run_room(regions, runs, reterr);
}

void insp_regions_clear(struct insp_regions *regions) {
    free(regions->at);
    free(regions->run[0]);
    free(regions->run[1]);
    *regions = (struct insp_regions){0};
}

static uint32_t find(struct insp_regions *regions, uint32_t i) {
    /* i was set by add_region. NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
    while (regions->at[i].parent != i) {
        regions->at[i].parent = regions->at[regions->at[i].parent].parent;
        i = regions->at[i].parent;
    }
    return i;
}

static void include(struct insp_region *into, const struct insp_region *from) {
    into->x0 = from->x0 < into->x0 ? from->x0 : into->x0;
    into->y0 = from->y0 < into->y0 ? from->y0 : into->y0;
    into->x1 = from->x1 > into->x1 ? from->x1 : into->x1;
    into->y1 = from->y1 > into->y1 ? from->y1 : into->y1;
    into->pixels += from->pixels;
    into->max = from->max > into->max ? from->max : into->max;
}

static int add_region(struct insp_regions *regions, const struct insp_region *region, uint32_t *ret,
                      struct insp_error *reterr) {
    if (regions->count == regions->limit)
        return insp_fail(reterr, INSP_E_IMAGE_LIMIT, "more than %zu regions", regions->limit);
    int code = regions->count == regions->room ? make_room(regions, 2 * regions->room, reterr) : 0;
    if (code)
        return code;
    *ret = (uint32_t)regions->count++;
    regions->at[*ret] = *region;
    regions->at[*ret].parent = *ret;
    return 0;
}

/* Joins a run with the regions that it touches in the row above, also at corners, or starts a new one. *first:
 * the first run above that this run, or one to its right, may touch. */
static int label_run(struct insp_regions *regions, int above, size_t *first, const struct insp_heat_run *run,
                     uint32_t y, uint32_t *ret, struct insp_error *reterr) {
    struct insp_region region = {
        .x0 = run->begin, .y0 = y, .x1 = run->end - 1, .y1 = y, .pixels = run->end - run->begin, .max = run->max};
    const struct insp_labelled_run *upper = regions->run[above];
    size_t count = regions->run_count[above];
    bool joined = false;
    uint32_t label = 0;
    while (*first < count && upper[*first].end < run->begin)
        ++*first;
    for (size_t i = *first; i < count && upper[i].begin <= run->end; i++) {
        uint32_t other = find(regions, upper[i].region);
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

int insp_regions_row(struct insp_regions *regions, uint32_t y, const struct insp_heat_run *run, size_t count,
                     struct insp_error *reterr) {
    int now = (int)(y % 2);
    size_t first = 0;
    int code = count > regions->run_room ? make_run_room(regions, count, reterr) : 0;
    for (size_t i = 0; i < count && !code; i++) {
        struct insp_labelled_run *labelled = &regions->run[now][i];
        labelled->begin = run[i].begin;
        labelled->end = run[i].end;
        code = label_run(regions, !now, &first, &run[i], y, &labelled->region, reterr);
    }
    regions->run_count[now] = count;
    return code;
}

size_t insp_regions_finish(struct insp_regions *regions) {
    size_t roots = 0;
    for (uint32_t i = 0; i < regions->count; i++) {
        if (regions->at[i].parent == i)
            regions->at[roots++] = regions->at[i];
    }
    regions->count = roots;
    return roots;
}
