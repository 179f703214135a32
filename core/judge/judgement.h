/* core/judge/judgement.h - turn a model's answers to labelled images into the part of a report that concerns
 * single images. In cross-validation each image's answer comes from the model of its fold. One thread, the job's.
 */
#ifndef INSP_JUDGE_JUDGEMENT_H
#define INSP_JUDGE_JUDGEMENT_H

#include "core/dataset/members.h"
#include "core/model/manifest.h"

/* All pointers are borrowed. */
struct insp_judgement {
    const struct insp_members *set;
    const size_t *member; /* [count], indices of set */
    size_t count;
    const float *probability; /* [count], of an anomaly, 0..1 */
    const float *map;         /* [count,14,14], scaled by insp_heat_normalise with the range of its model */
    double threshold;         /* verdict anomaly if probability >= threshold */
    enum insp_heatmap_scale heatmap_scale;
    float heatmap_threshold; /* heat 0..1 */
};

/* Returns the heatmap's parameters for these maps: range 0..1. */
struct insp_heat_params insp_judgement_heat(const struct insp_judgement *judgement);
/* Returns true if the verdict on image i is anomaly. */
bool insp_judgement_anomaly(const struct insp_judgement *judgement, size_t i);

/* Builds {"threshold", "heatmap": {"scale","threshold"}, "roc", "histogram", "images", "examples", "good_shown",
 * "localisation"} as a new reference. report.h and localise.h describe the members; good_shown is the rate of good
 * images whose heatmap shows anything. Blocks on the disk if the dataset has masks.
 *   limits    for decoding the masks
 *   progress  may be NULL; asked for cancellation before each image
 * Errors:
 *   INSP_E_MODEL      a map is not finite
 *   INSP_E_CANCELLED, INSP_E_NOMEM */
int insp_judgement_json(const struct insp_judgement *judgement, const struct insp_image_limits *limits,
                        const struct insp_progress *progress, json_t **ret, struct insp_error *reterr);

#endif
