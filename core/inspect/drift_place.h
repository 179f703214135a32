/* core/inspect/drift_place.h - find the place of a part among the good parts of its version's training. Pure; any
 * thread. */
#ifndef INSP_INSPECT_DRIFT_PLACE_H
#define INSP_INSPECT_DRIFT_PLACE_H

#include "core/good_only/good_drift.h"
#include "core/model/manifest.h"

/* Finds the place of a part that the version judged good among the good parts of its training that its present
 * threshold and review band judge good.
 *   probability  of the answer
 *   good_score   of the answer, where the good-only model decides */
struct insp_drift_place insp_model_drift_place(const struct insp_manifest *manifest, float probability,
                                               float good_score);

#endif
