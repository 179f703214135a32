/* core/judge/maps/heat_maps.h - choose the map that a version shows as heat, by how well each locates the defects
 * of images that its models have not seen. One thread, the job's; blocks on the disk if the dataset has masks. */
#ifndef INSP_JUDGE_MAPS_HEAT_MAPS_H
#define INSP_JUDGE_MAPS_HEAT_MAPS_H

#include "core/judge/judgement.h"
#include "core/judge/metrics.h"
#include "core/model/heat/heat_choice.h"

enum insp_heat_from {
    INSP_HEAT_BY_MASKS,      /* pixel_auroc */
    INSP_HEAT_BY_SEPARATION, /* no image has a mask */
    INSP_HEAT_BY_PARAMETER,  /* a person chose it */
};

struct insp_heat_figures {
    double pixel_auroc;     /* localise.h; NaN: no mask, or none that can be used */
    double separation;      /* area under the ROC curve of the hottest cell, good against defective images */
    struct insp_rate shown; /* good images with a cell at or above the heatmap's threshold */
};

struct insp_heat_maps {
    struct insp_heat_figures figures[INSP_HEAT_KINDS];
    size_t masks; /* images that were compared with one */
    enum insp_heat_kind taken;
    enum insp_heat_from from;
};

/* Compares the maps and takes the one with the largest figure: pixel_auroc if any image has a usable mask, else
 * separation. Another map than class activation is taken only for a figure that is larger by INSP_HEAT_MARGIN, and
 * only if it shows heat on no more than INSP_HEAT_SHOWN_MAX of the good images, or on no more than class
 * activation does.
 *   judgement  of the images; its map is not used
 *   map        [count,14,14] for each kind, heat
 *   progress   may be NULL; asked for cancellation before each image
 * Fails as insp_localise and insp_metrics_auc do. */
#define INSP_HEAT_MARGIN 0.005
#define INSP_HEAT_SHOWN_MAX 0.05
int insp_heat_maps_compare(const struct insp_judgement *judgement, const float *const map[INSP_HEAT_KINDS],
                           const struct insp_image_limits *limits, const struct insp_progress *progress,
                           struct insp_heat_maps *ret, struct insp_error *reterr);

/* Returns {"taken": name, "from": "masks" | "separation" | "parameter", "masks", "reason": a sentence, "list":
 * [{"name", "pixel_auroc": number or null, "separation": number or null, "good_shown": rate}]} as a new reference;
 * NULL without memory. */
json_t *insp_heat_maps_json(const struct insp_heat_maps *maps);

#endif
