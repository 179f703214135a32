/* core/serving/model_loader.h - load and prove models from the registry folder. The calling thread reads,
 * hashes and packs the weights; the inference thread only runs the self-test, one pass at a time, so the line
 * waits as little as possible. (With libtorch the inference thread also copies the weights.) */
#ifndef INSP_SERVING_MODEL_LOADER_H
#define INSP_SERVING_MODEL_LOADER_H

#include "core/inspect/engine.h"
#include "core/serving/model_list.h"

struct insp_model_loader;

/* Makes a loader. engine and state_dir are borrowed until insp_model_loader_free. *ret is the caller's. Fails
 * with INSP_E_NOMEM. */
int insp_model_loader_new(struct insp_engine *engine, const char *state_dir, struct insp_model_loader **ret,
                          struct insp_error *reterr);
void insp_model_loader_free(struct insp_model_loader *loader); /* accepts NULL */

/* Loads and proves a version before it is made active, and keeps the model for the next reading, which then
 * has nothing to load. Blocks on the disk and on the inference thread: any lane thread. Fails as
 * insp_model_read and insp_engine_call do, and with
 *   INSP_E_SELF_TEST  the version does not reproduce the answers to its golden samples
 *   INSP_E_CONFLICT   it was trained on another trunk than the loaded one (if none is loaded, its trunk is
 *                     loaded now) */
int insp_model_loader_prove(struct insp_model_loader *loader, const char *product, const char *version,
                            struct insp_error *reterr);
/* Drops the model that insp_model_loader_prove kept, because the version was not made active. Any thread. */
void insp_model_loader_withdraw(struct insp_model_loader *loader);

/* Says whether a version serves, or did at the loop's last swap: its files must stay. Any thread. */
bool insp_model_loader_serves(struct insp_model_loader *loader, const char *product, const char *version);
/* Notes the versions in the loop's list, after each swap. Returns 0, or INSP_E_NOMEM and keeps the earlier
 * note. */
int insp_model_loader_note_serving(struct insp_model_loader *loader, const struct insp_model_list *list);

/* Holds one reading of the registry. */
struct insp_model_reading {
    struct insp_model_loader *loader;
    bool verify;                                /* also hash the files of the serving models and the trunk's */
    size_t load_most;                           /* versions to load, at least 1; the other ones stay pending */
    char asked[INSP_NAME_BYTES];                /* the product whose version is loaded first; "" */
    char trunk_damage[INSP_ERROR_DETAIL_BYTES]; /* out, with verify: damage of the trunk's file; "" */
    struct insp_model_list old;                 /* the models that serve, with references */
    struct insp_model_list fresh;               /* the models that are to serve */
    size_t loaded;                              /* models that were not loaded before */
    size_t pending;                             /* products left to a later reading */
};

/* Fills `fresh`. A model that serves already with equal version, weights and thresholds is kept; new
 * thresholds for equal weights need no device work; load_most of the other versions are loaded and proved. The
 * rest is marked `pending`: its products keep their models, or have none yet. A product whose
 * version cannot be read or proved, or whose folder is gone, keeps its model and gets the error in
 * `reload_failure` (without a model: in `failure`). With `verify`, a version with damaged files keeps serving
 * from memory and gets the error in `damage`. Blocks on the disk and on the inference thread: at startup or on
 * a lane. Fails with INSP_E_NOMEM and errors of the registry folder. */
int insp_model_reading_read(struct insp_model_reading *reading, struct insp_error *reterr);
void insp_model_reading_clear(struct insp_model_reading *reading); /* drops the references */

#endif
