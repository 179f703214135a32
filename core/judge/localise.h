/* core/judge/localise.h - measures whether the heatmaps point at the defects, for images with a mask (mask.h).
 * Internal to core/judge. One thread, the job's; blocks on the disk. */
#ifndef INSP_JUDGE_LOCALISE_H
#define INSP_JUDGE_LOCALISE_H

#include "core/judge/judgement.h"
#include "core/judge/metrics.h"

/* Covers the anomalous images with a mask; good images are not counted. */
struct insp_localisation {
    size_t images;            /* with a usable mask */
    size_t unusable;          /* with a mask that cannot be read or marks nothing: logged, counted nowhere else */
    double pixel_auroc;       /* over all pixels of the masks, scored by unclamped heat; NaN if undefined */
    double pixel_auroc_error; /* largest error of pixel_auroc (pixel_roc.h); NaN if undefined */
    struct insp_rate boxes;   /* served boxes that hit a defect, of all served boxes */
    struct insp_rate defects; /* regions of the masks that a box hits, of all regions */
};

/* Compares the judgement's maps with the masks. Without masks `images` and `unusable` are 0. `progress` may be
 * NULL. Errors:
 *   INSP_E_MODEL      a map is not finite
 *   INSP_E_CANCELLED, INSP_E_NOMEM */
int insp_localise(const struct insp_judgement *judgement, const struct insp_image_limits *limits,
                  const struct insp_progress *progress, struct insp_localisation *ret, struct insp_error *reterr);

/* Returns {"images","unusable_masks","pixel_auroc","pixel_auroc_error","boxes":{rate},"defects":{rate}} as a new
 * reference (rates as insp_rate_json), JSON null if no image has a mask, NULL without memory. */
json_t *insp_localisation_json(const struct insp_localisation *localisation);

#endif
