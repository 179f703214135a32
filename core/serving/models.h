/* core/serving/models.h - which model serves which product, and whether it is well. Loop thread, but for
 * insp_models_prove and insp_models_withdraw. */
#ifndef INSP_SERVING_MODELS_H
#define INSP_SERVING_MODELS_H

#include "core/base/work.h"
#include "core/inspect/engine.h"
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

/* Loads and proves a version that is to be activated (model_loader.h); then activate it and read again. Pool or
 * job's thread. insp_models_withdraw where it is not activated after all. */
int insp_models_prove(struct insp_models *models, const char *product, const char *version,
                      struct insp_error *reterr);
void insp_models_withdraw(struct insp_models *models);

/* Reads active versions and manifests again in the background; what changed is loaded, self-tested and swapped in
 * on the loop. done (may be NULL) comes on the loop after a reading that began after this call, whether it went
 * well or not: a call during a reading is answered by the next one. */
typedef void insp_models_done(void *arg);
void insp_models_reload(struct insp_models *models, insp_models_done *done, void *arg);

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

const char *
insp_models_failure(const struct insp_models *models); /* why the registry could not be read again; "" */

/* New reference: {"product": {"version", "ready", "failure"}}; NULL without memory. */
json_t *insp_models_json(const struct insp_models *models);

/* Pure: is a self-test's answer well? 0..1 and within tolerance of what was expected. */
bool insp_models_answer_well(float probability, float expected, float tolerance);

#endif
