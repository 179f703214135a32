/* core/serving/model_reading.h - read which versions the registry wants to serve, and load those that are not
 * loaded yet, a few per reading. */
#ifndef INSP_SERVING_MODEL_READING_H
#define INSP_SERVING_MODEL_READING_H

#include "core/serving/model_loader.h"

/* Holds one reading of the registry. */
struct insp_model_reading {
    struct insp_model_loader *loader;
    bool verify;                 /* also hash the files of the serving models and the trunk's */
    size_t load_most;            /* versions to load, at least 1; the other ones stay pending */
    int64_t until_us;            /* monotonic; if one is loaded, no further one is then; 0: no end */
    bool active_only;            /* shadows stay pending */
    bool chained;                /* it continues the reading that made `old` */
    char asked[INSP_NAME_BYTES]; /* the product whose version is loaded first; "" */
    char trunk_damage[INSP_ERROR_DETAIL_BYTES]; /* out, with verify: damage of the trunk's file; "" */
    struct insp_model_list old;                 /* the models that serve, with references */
    struct insp_model_list fresh;               /* the models that are to serve */
    size_t tried;                               /* versions that it loaded or failed to load */
    size_t loaded;                              /* models that were not loaded before */
    size_t pending;                             /* versions left to a later reading */
};

/* Fills `fresh`. A model that serves already with equal weights and manifest is kept; a new manifest for equal
 * weights (thresholds, review band, heat) needs no device work; load_most of the other versions are loaded and
 * proved, active ones first, then shadows, and last among both the versions that failed before. A chained reading
 * does not try those again. The rest is marked `pending`, or `shadow_pending`: its products keep their models, or
 * have none yet. A product whose version cannot be read or proved, or whose folder is gone, keeps its model and
 * gets the error in `reload_failure` (without a model: in `failure`). With `verify`, a version with damaged files
 * keeps serving from memory and gets the error in `damage`. Blocks on the disk and on the inference thread: at
 * startup or on a lane. Fails with INSP_E_NOMEM and errors of the registry folder. */
int insp_model_reading_read(struct insp_model_reading *reading, struct insp_error *reterr);
void insp_model_reading_clear(struct insp_model_reading *reading); /* drops the references */

#endif
