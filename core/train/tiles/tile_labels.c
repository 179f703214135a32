#include "core/train/tiles/tile_labels.h"

#include "core/base/fs.h"
#include "core/dataset/mask_file.h"
#include "core/judge/mask.h"
#include "core/train/tiles/box_file.h"

#include <math.h>
#include <string.h>

#define SHARE_OF_MOST 0.25
#define SHARE_OF_TILE 0.01
enum { NAMED = 3, BOX_SIDE = 4096 /* of the raster on which boxes are drawn */ };

void insp_tile_label_by(const double *share, size_t count, uint8_t *ret) {
    double most = 0;
    for (size_t t = 0; t < count; t++)
        most = fmax(most, share[t]);
    const double enough = fmin(SHARE_OF_MOST * most, SHARE_OF_TILE);
    for (size_t t = 0; t < count; t++)
        ret[t] = share[t] > 0 && share[t] >= enough ? INSP_TILE_ANOMALY
                 : share[t] > 0                     ? INSP_TILE_LEFT_OUT
                                                    : INSP_TILE_GOOD;
}

/* --- which images have a mark --- */

/* Finds the mask of an image, else its box file. *ret_path is "" if there is neither. */
static int find_mark(const struct insp_dataset *dataset, const struct insp_dataset_item *item, char *ret_path,
                     bool *ret_boxes, struct insp_error *reterr) {
    int r = insp_mask_find(dataset, item, ret_path, NULL, reterr);
    *ret_boxes = r == 0 && !*ret_path;
    return *ret_boxes ? insp_box_find(dataset, item, ret_path, reterr) : r;
}

int insp_tile_marks(const struct insp_dataset *dataset, size_t *ret_marked, size_t *ret_bare,
                    char ret_names[INSP_TILE_NAMES_BYTES], struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    bool boxes;
    size_t used = 0;
    *ret_marked = *ret_bare = 0;
    *ret_names = '\0';
    for (size_t i = 0; i < dataset->count; i++) {
        const struct insp_dataset_item *item = &dataset->item[i];
        if (item->label != INSP_CLASS_ANOMALY)
            continue;
        int r = find_mark(dataset, item, path, &boxes, reterr);
        if (r < 0)
            return r;
        *(*path ? ret_marked : ret_bare) += 1;
        if (*path || *ret_bare > NAMED)
            continue;
        int n = snprintf(ret_names + used, INSP_TILE_NAMES_BYTES - used, "%s%s", used ? ", " : "",
                         item->path + strlen(dataset->root) + 1);
        used += n > 0 && (size_t)n < INSP_TILE_NAMES_BYTES - used ? (size_t)n : 0;
        ret_names[used] = '\0';
    }
    return 0;
}

size_t insp_tile_unmarkable(const struct insp_dataset *dataset) {
    size_t count = 0;
    for (size_t i = 0; i < dataset->count; i++)
        count += dataset->item[i].label == INSP_CLASS_ANOMALY && !insp_mask_may_have(dataset, &dataset->item[i]);
    return count;
}

static int check_marks(const struct insp_dataset *dataset, struct insp_error *reterr) {
    char names[INSP_TILE_NAMES_BYTES], move[96] = "";
    size_t marked, bare, outside = insp_tile_unmarkable(dataset);
    int r = insp_tile_marks(dataset, &marked, &bare, names, reterr);
    if (r < 0 || !bare)
        return r;
    if (outside)
        snprintf(move, sizeof move, "%zu of them are below train: move these to test/<defect>. ", outside);
    return insp_fail(
        reterr, INSP_E_DATASET,
        "%zu of %zu defective images have neither mask nor boxes, which say which of their tiles show "
        "the defect. %sAdd ground_truth/<defect>/<name>_mask.png or <name>.txt, take the images away, or "
        "train with mode good_only, which needs neither. They are: %s%s",
        bare, marked + bare, move, names, bare > NAMED ? ", ..." : "");
}

/* --- how much of a tile is defective --- */

/* Holds the pixels that are marked. */
struct marks {
    uint32_t width, height;
    const struct insp_image *mask; /* NULL: boxes */
    const struct insp_box_share *box;
    size_t boxes;
};

/* Writes 1 for each marked pixel of a row, else 0. */
static void marked_row(const struct marks *marks, uint32_t y, uint8_t *ret) {
    for (uint32_t x = 0; x < marks->width; x++)
        ret[x] = marks->mask && insp_mask_defect(marks->mask, x, y);
    for (size_t b = 0; b < marks->boxes; b++) {
        const struct insp_box_share *box = &marks->box[b];
        if (y < floor(box->top * marks->height) || y >= ceil(box->bottom * marks->height))
            continue;
        const size_t left = (size_t)floor(box->left * marks->width),
                     right = (size_t)ceil(box->right * marks->width);
        memset(ret + left, 1, right - left);
    }
}

/* Computes which share of each tile is marked and kept by the field. share: [tiles]. */
static int measure(const struct marks *marks, const struct insp_field *field, struct insp_tiles tiles,
                   double *share, struct insp_error *reterr) {
    const size_t count = insp_tiles_count(tiles), width = marks->width;
    _cleanup_free_ uint8_t *row = malloc(width + 1), *keep = malloc(width + 1);
    _cleanup_free_ uint32_t *before = calloc(width + 1, sizeof *before); /* marked pixels left of each one */
    if (!row || !keep || !before)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a row of a mask");
    memset(share, 0, count * sizeof *share);
    for (uint32_t y = 0; y < marks->height; y++) {
        marked_row(marks, y, row);
        if (!memchr(row, 1, width))
            continue;
        insp_field_row(field, marks->width, marks->height, y, keep);
        for (size_t x = 0; x < width; x++)
            before[x + 1] = before[x] + (row[x] & keep[x]);
        for (size_t t = 0; t < count; t++) {
            const struct insp_tile_rect rect = insp_tiles_rect(tiles, t, marks->width, marks->height);
            if (y >= rect.y && y - rect.y < rect.height)
                share[t] += before[rect.x + rect.width] - before[rect.x];
        }
    }
    for (size_t t = 0; t < count; t++) {
        const struct insp_tile_rect rect = insp_tiles_rect(tiles, t, marks->width, marks->height);
        share[t] /= (double)rect.width * rect.height;
    }
    return 0;
}

/* Measures the tiles of a defective image. */
static int measure_item(const struct insp_dataset *dataset, const struct insp_dataset_item *item,
                        const struct insp_field *field, struct insp_tiles tiles,
                        const struct insp_image_limits *limits, double *share, struct insp_error *reterr) {
    _cleanup_(insp_image_freep) struct insp_image *mask = NULL;
    _cleanup_free_ struct insp_box_share *box = NULL;
    struct marks marks = {.width = BOX_SIDE, .height = BOX_SIDE};
    char path[INSP_PATH_BYTES];
    bool boxes;
    int r = find_mark(dataset, item, path, &boxes, reterr);
    if (r == 0 && !*path)
        r = insp_fail(reterr, INSP_E_DATASET, "the mask of %s is gone", item->path);
    if (r == 0 && boxes)
        r = insp_box_read(path, &box, &marks.boxes, reterr);
    if (r == 0 && !boxes)
        r = insp_mask_read(path, limits, &mask, reterr);
    if (r < 0)
        return r;
    marks.box = box;
    if (mask)
        marks = (struct marks){.width = mask->width, .height = mask->height, .mask = mask};
    return measure(&marks, field, tiles, share, reterr);
}

/* --- labels --- */

/* Labels the tiles of an image by their shares; *ret_hidden says that none shows its defect. */
static void label(const struct insp_dataset_item *item, const struct insp_field *field, struct insp_tiles tiles,
                  const double *share, uint8_t *ret, bool *ret_hidden) {
    const size_t count = insp_tiles_count(tiles);
    struct insp_field_cells cells;
    insp_tile_label_by(share, count, ret);
    *ret_hidden = item->label == INSP_CLASS_ANOMALY && !memchr(ret, INSP_TILE_ANOMALY, count);
    for (size_t t = 0; t < count; t++)
        if (*ret_hidden || (field && !insp_field_cells_of(field, tiles, t, &cells)))
            ret[t] = INSP_TILE_LEFT_OUT;
}

int insp_tile_labels(const struct insp_dataset *dataset, const struct insp_field_set *fields,
                     struct insp_tiles tiles, const struct insp_image_limits *limits,
                     const struct insp_progress *progress, uint8_t **ret, struct insp_error *reterr) {
    const size_t count = insp_tiles_count(tiles);
    _cleanup_free_ uint8_t *labels = calloc(dataset->count + 1, count);
    size_t hidden = 0;
    if (!labels)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the tiles of %zu images", dataset->count);
    int r = check_marks(dataset, reterr);
    for (size_t i = 0; i < dataset->count && r == 0; i++) {
        const struct insp_dataset_item *item = &dataset->item[i];
        const struct insp_field *field = insp_field_of(fields, item->camera);
        double share[INSP_TILES_MAX] = {0};
        bool none = false;
        struct insp_error why = {0};
        if (insp_progress_cancelled(progress))
            return insp_fail(reterr, INSP_E_CANCELLED, "cancelled while reading masks");
        if (item->label == INSP_CLASS_ANOMALY)
            r = measure_item(dataset, item, field, tiles, limits, share, &why);
        if (r < 0)
            return insp_fail(reterr, r == INSP_E_NOMEM ? r : INSP_E_DATASET, "%s", why.detail);
        label(item, field, tiles, share, labels + i * count, &none);
        hidden += none;
        insp_progress_yield(progress);
    }
    if (hidden)
        insp_progress_log(progress,
                          "check: %zu defective images have their defect in ignored parts alone; their tiles are "
                          "not trained on",
                          hidden);
    if (r == 0)
        *ret = insp_take_ptr(labels);
    return r;
}
