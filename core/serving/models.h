/* core/serving/models.h - which model serves which product, and whether it is well. Loop thread, but for
 * insp_models_switch and insp_models_remove. */
#ifndef INSP_SERVING_MODELS_H
#define INSP_SERVING_MODELS_H

#include "core/base/lanes/work.h"
#include "core/inspect/engine.h"
#include "core/serving/model_change.h"
#include "core/serving/model_list.h"

#include <jansson.h>
#include <uv.h>

struct insp_models;

/* Loads every product's active version; waits. One that cannot be loaded or fails its self-test is logged, kept by
 * name, and does not keep the others from serving. INSP_E_NOMEM and errors of the registry folder itself. config
 * strings are borrowed. */
int insp_models_new(struct insp_lanes *lanes, struct insp_engine *engine, const char *state_dir,
                    struct insp_models **ret, struct insp_error *reterr);
void insp_models_free(struct insp_models *models); /* only when not busy */

/* Makes a version the active one by insp_change_activate or insp_change_rollback, proved on the device that
 * serves, all of it under one lock; then read again (insp_models_reload), which swaps the proved model in.
 * changer: without its callbacks. Blocks on the disk and on the inference thread: any thread but the loop. Fails
 * as `change` and insp_model_loader_prove do. */
typedef int insp_models_change(const struct insp_changer *changer, const char *product, const char *version,
                               struct insp_error *reterr);
int insp_models_switch(struct insp_models *models, const struct insp_changer *changer, insp_models_change *change,
                       const char *product, const char *version, struct insp_error *reterr);

/* As insp_change_remove; INSP_E_CONFLICT also for the version that serves while the active one cannot be loaded.
 */
int insp_models_remove(struct insp_models *models, const struct insp_changer *changer, const char *product,
                       const char *version, struct insp_error *reterr);

/* Reads active versions and manifests again in the background; what changed is loaded, self-tested and swapped in
 * on the loop. done (may be NULL) comes on the loop after a reading that began after this call, whether it went
 * well or not: a call during a reading is answered by the next one. */
typedef void insp_models_done(void *arg);
void insp_models_reload(struct insp_models *models, insp_models_done *done, void *arg);
/* The same, and hashes the files of what serves again: damage is told in the log, by insp_models_json and by
 * insp_models_trunk_damage, and changes nothing in what serves. */
void insp_models_verify(struct insp_models *models, insp_models_done *done, void *arg);

/* changed comes on the loop for each product whose version or thresholds were swapped in. */
typedef void insp_models_changed(void *arg, const char *product, const char *version);
void insp_models_on_change(struct insp_models *models, insp_models_changed *changed, void *arg);

/* Scores a drawn picture with each model in turn and compares with what it answered when it was loaded. Does
 * nothing while one runs. */
void insp_models_test(struct insp_models *models);
bool insp_models_busy(const struct insp_models *models);  /* a reload or a self-test is under way */
bool insp_models_ready(const struct insp_models *models); /* at least one model passed */

/* A new reference to the product's model. INSP_E_UNKNOWN_PRODUCT; INSP_E_NOT_READY says what is wrong with it. */
int insp_models_get(struct insp_models *models, const char *product, struct insp_model **ret,
                    struct insp_error *reterr);

size_t insp_models_count(const struct insp_models *models);
const struct insp_served_model *insp_models_at(const struct insp_models *models, size_t place);

/* The product's entry, NULL for none. */
const struct insp_served_model *insp_models_named(const struct insp_models *models, const char *product);

/* What the last verification found wrong with the trunk's file; "". */
const char *insp_models_trunk_damage(const struct insp_models *models);

const char *
insp_models_failure(const struct insp_models *models); /* why the registry could not be read again; "" */

/* New reference: {"product": {"version", "ready", "failure", "self_test": "golden" | "drawn" | null}}; NULL
 * without memory. self_test: what the version that serves has been proved by. */
json_t *insp_models_json(const struct insp_models *models);

/* Pure: is a self-test's answer well? 0..1 and within tolerance of what was expected. */
bool insp_models_answer_well(float probability, float expected, float tolerance);

#endif
