/* core/judge/localise.h - whether the heatmaps point at the defects, where the set has masks (mask.h). Internal to
 * core/train. One thread, the job's; blocks on the disk. */
#ifndef INSP_JUDGE_LOCALISE_H
#define INSP_JUDGE_LOCALISE_H

#include "core/judge/judgement.h"
#include "core/judge/metrics.h"

/* Over the anomalous images that have a mask; good ones take no part. */
struct insp_localisation {
    size_t images;   /* with a mask that was used */
    size_t unusable; /* with one that cannot be read or marks nothing: each told in the log, counted in nothing
                        else */
    /* Each pixel of each mask, by the heat there before it is clamped to 0..1. NaN where it cannot be said. */
    double pixel_auroc, pixel_auroc_error; /* the second: how much the first may be off (pixel_roc.h) */
    struct insp_rate boxes;                /* boxes as they are served, and how many of them hit a defect */
    struct insp_rate defects;              /* regions of the masks, and how many of them a box hits */
};

/* Without masks: images and unusable are 0. INSP_E_NOMEM, INSP_E_CANCELLED, INSP_E_MODEL for a map that is not
 * finite.
 */
int insp_localise(const struct insp_judgement *judgement, const struct insp_image_limits *limits,
                  const struct insp_progress *progress, struct insp_localisation *ret, struct insp_error *reterr);

/* {"images","unusable_masks","pixel_auroc","pixel_auroc_error","boxes":{hits, of, ...},"defects":{...}} as a new
 * reference; JSON null where the set has no masks; NULL without memory. */
json_t *insp_localisation_json(const struct insp_localisation *localisation);

#endif
