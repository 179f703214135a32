#include "core/judge/localise.h"

#include "core/base/fs.h"
#include "core/dataset/mask_file.h"
#include "core/judge/mask.h"
#include "core/judge/pixel_roc.h"

#include <math.h>

struct localiser {
    const struct insp_judgement *judgement;
    const struct insp_image_limits *limits;
    const struct insp_progress *progress;
    struct insp_pixel_roc roc;
    size_t images, unusable, boxes, boxes_hit, defects, defects_hit;
};

/* Finds the extremes of all maps; upsampled values stay within them. */
static int map_range(const struct insp_judgement *j, double *ret_low, double *ret_high,
                     struct insp_error *reterr) {
    float low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < j->count * INSP_MAP_FLOATS; i++) {
        if (!isfinite(j->map[i]))
            return insp_fail(reterr, INSP_E_MODEL, "the map of image %zu is not finite", i / INSP_MAP_FLOATS + 1);
        low = fminf(low, j->map[i]);
        high = fmaxf(high, j->map[i]);
    }
    *ret_low = (double)low;
    *ret_high = (double)high;
    return 0;
}

static int compare(struct localiser *l, size_t i, const struct insp_image *mask, struct insp_error *reterr) {
    const struct insp_heat_params params = insp_judgement_heat(l->judgement);
    const float *map = l->judgement->map + i * INSP_MAP_FLOATS;
    struct insp_heat_summary summary;
    struct insp_mask_hits hits;
    int r = insp_heat_summarise(&params, insp_judgement_anomaly(l->judgement, i), map, mask->width, mask->height,
                                &summary, reterr);
    if (r < 0 || (r = insp_mask_hits(mask, summary.box, summary.box_count, &hits, reterr)) < 0 ||
        (r = insp_pixel_roc_add(&l->roc, map, mask, reterr)) < 0)
        return r;
    l->images++;
    l->boxes += summary.box_count;
    l->boxes_hit += hits.boxes_hit;
    l->defects += hits.defects;
    l->defects_hit += hits.defects_hit;
    return 0;
}

/* Compares one image with its mask. An unusable mask is logged and counted, so that it does not cost the report of
 * a long training. */
static int localise_image(struct localiser *l, size_t i, struct insp_error *reterr) {
    const struct insp_members *set = l->judgement->set;
    const struct insp_dataset_item *item = &set->dataset->item[set->item[l->judgement->member[i]]];
    _cleanup_(insp_image_freep) struct insp_image *mask = NULL;
    char path[INSP_PATH_BYTES];
    struct insp_error why;
    int r = insp_mask_find(set->dataset, item, path, NULL, &why);
    if (r == 0 && !*path)
        return 0;
    if (r == 0)
        r = insp_mask_read(path, l->limits, &mask, &why);
    if (r == 0)
        r = compare(l, i, mask, &why);
    if (r == INSP_E_NOMEM)
        return insp_fail(reterr, r, "%s", why.detail);
    if (r < 0) {
        insp_progress_log(l->progress, "mask not used: %s", why.detail);
        l->unusable++;
    }
    return 0;
}

int insp_localise(const struct insp_judgement *judgement, const struct insp_image_limits *limits,
                  const struct insp_progress *progress, struct insp_localisation *ret, struct insp_error *reterr) {
    struct localiser l = {.judgement = judgement, .limits = limits, .progress = progress};
    double low, high;
    int r = map_range(judgement, &low, &high, reterr);
    if (r == 0)
        r = insp_pixel_roc_init(&l.roc, low, high, reterr);
    for (size_t i = 0; i < judgement->count && r == 0; i++)
        r = insp_progress_cancelled(progress)
                ? insp_fail(reterr, INSP_E_CANCELLED, "cancelled while comparing heatmaps with masks")
                : localise_image(&l, i, reterr);
    if (r == 0) {
        *ret = (struct insp_localisation){.images = l.images,
                                          .unusable = l.unusable,
                                          .boxes = insp_rate(l.boxes_hit, l.boxes),
                                          .defects = insp_rate(l.defects_hit, l.defects)};
        insp_pixel_roc_area(&l.roc, &ret->pixel_auroc, &ret->pixel_auroc_error);
    }
    insp_pixel_roc_clear(&l.roc);
    return r;
}

static json_t *number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *insp_localisation_json(const struct insp_localisation *l) {
    if (!l->images && !l->unusable)
        return json_null();
    return json_pack("{s:I, s:I, s:o, s:o, s:o, s:o}", "images", (json_int_t)l->images, "unusable_masks",
                     (json_int_t)l->unusable, "pixel_auroc", number(l->pixel_auroc), "pixel_auroc_error",
                     number(l->pixel_auroc_error), "boxes", insp_rate_json(&l->boxes), "defects",
                     insp_rate_json(&l->defects));
}
