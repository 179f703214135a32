/* core/judge/judgement.h - what a model (in cross-validation: each image's own fold's) said of images, as the part
 * of a report that is about single images. Internal to core/train. One thread, the job's. */
#ifndef INSP_JUDGE_JUDGEMENT_H
#define INSP_JUDGE_JUDGEMENT_H

#include "core/dataset/members.h"
#include "core/model/manifest.h"

/* All borrowed. */
struct insp_judgement {
    const struct insp_members *set;
    const size_t *member; /* [count] */
    size_t count;
    const float *probability; /* [count] */
    const float *map;         /* [count,14,14], insp_heat_normalise'd with the range of the model that made each */
    double threshold;         /* of the verdict */
    enum insp_heatmap_scale heatmap_scale;
    float heatmap_threshold;
};

/* The heatmap's parameters for these maps: range 0..1. */
struct insp_heat_params insp_judgement_heat(const struct insp_judgement *judgement);
bool insp_judgement_anomaly(const struct insp_judgement *judgement, size_t i);

/* {"threshold", "heatmap": {"scale","threshold"}, "roc", "histogram", "images", "examples", "good_shown",
 * "localisation"} as a new reference: report.h and localise.h say what they hold; good_shown is the rate of good
 * images whose heatmap shows anything. Blocks on the disk, where there are masks. INSP_E_NOMEM,
 * INSP_E_CANCELLED, INSP_E_MODEL (a map that is not finite). */
int insp_judgement_json(const struct insp_judgement *judgement, const struct insp_image_limits *limits,
                        const struct insp_progress *progress, json_t **ret, struct insp_error *reterr);

#endif
