/* core/serving/models.h - keep the model that serves each product, and test it at intervals. Loop thread,
 * except insp_models_new (before the loop runs) and the functions that say so. */
#ifndef INSP_SERVING_MODELS_H
#define INSP_SERVING_MODELS_H

#include "core/base/lanes/work.h"
#include "core/inspect/engine.h"
#include "core/serving/model_change.h"
#include "core/serving/model_list.h"

#include <jansson.h>
#include <uv.h>

struct insp_models;

/* Loads and proves active versions by the names of their products, until one serves, and further ones as far as a
 * start may wait for them; blocks. The other products and all shadows are pending: insp_models_load_pending starts
 * to load them. A version that cannot be loaded or fails its self-test is logged and listed with its failure, and
 * the other products serve. state_dir is borrowed until insp_models_free. *ret is the caller's. Fails with
 * INSP_E_NOMEM and errors of the registry folder. */
int insp_models_new(struct insp_lanes *lanes, struct insp_engine *engine, const char *state_dir,
                    struct insp_models **ret, struct insp_error *reterr);
void insp_models_free(struct insp_models *models); /* accepts NULL; only while not insp_models_busy */

/* Starts to load the versions that are pending, a few per reading, on lane CHORE; each reading swaps in what it
 * loaded, and starts the next one. Shadows come last. A product that insp_models_get was asked for comes first. A
 * version that cannot be loaded is tried again only by insp_models_reload. */
void insp_models_load_pending(struct insp_models *models);
/* Starts no further reading for pending products: the daemon stops. */
void insp_models_stop(struct insp_models *models);

/* Makes a version the active one: calls `change` (insp_change_activate or insp_change_rollback) with a changer
 * that proves the version on the serving device, all under one lock. Call insp_models_reload afterwards, which
 * swaps the proved model in. changer: its callbacks are ignored. Blocks on the disk and on the inference
 * thread: any thread but the loop. Fails as `change` and insp_model_loader_prove do. */
typedef int insp_models_change(const struct insp_changer *changer, const char *product, const char *version,
                               struct insp_error *reterr);
int insp_models_switch(struct insp_models *models, const struct insp_changer *changer, insp_models_change *change,
                       const char *product, const char *version, struct insp_error *reterr);

/* Makes a version the shadow of its product, or ends the shadow, as insp_change_shadow does; proves it as
 * insp_models_switch does. Call insp_models_reload afterwards. Blocks: any thread but the loop. */
int insp_models_shadow(struct insp_models *models, const struct insp_changer *changer, const char *product,
                       const struct insp_shadow_choice *choice, struct insp_error *reterr);

/* Removes a version as insp_change_remove does. Fails with INSP_E_CONFLICT also for the version that serves
 * while the active one cannot be loaded. Blocks on the disk: any thread but the loop. */
int insp_models_remove(struct insp_models *models, const struct insp_changer *changer, const char *product,
                       const char *version, struct insp_error *reterr);

/* Reads active versions and manifests again on lane CHORE; changed ones are loaded, proved and swapped in on
 * the loop. `done` (may be NULL) is called on the loop after a reading that began after this call, successful
 * or not: a call during a reading waits for the next one. Without memory it is called at once. One reading loads a
 * few versions; more of them are pending afterwards. A version that insp_models_switch proved is never pending. */
typedef void insp_models_done(void *arg);
void insp_models_reload(struct insp_models *models, insp_models_done *done, void *arg);
/* Reads again and also hashes the files of the serving models. Damage appears in the log, in insp_models_json
 * and in insp_models_trunk_damage; the models keep serving. */
void insp_models_verify(struct insp_models *models, insp_models_done *done, void *arg);

/* Says whether a version gives the verdicts of its product; a shadow does not. Any thread. */
bool insp_models_judge(struct insp_models *models, const char *product, const char *version);

/* Sets the callback for each product whose version or thresholds were swapped in; it is called on the loop. */
typedef void insp_models_changed(void *arg, const char *product, const char *version);
void insp_models_on_change(struct insp_models *models, insp_models_changed *changed, void *arg);

/* Starts the self-test: scores a drawn picture with each model in turn and compares the answer with the one at
 * loading. Does nothing while a self-test runs. Returns at once. */
void insp_models_test(struct insp_models *models);
bool insp_models_busy(const struct insp_models *models);  /* a reload or a self-test is in progress */
bool insp_models_ready(const struct insp_models *models); /* at least one model's last self-test passed */

/* Gets a new reference to the product's model, the caller's. Fails with INSP_E_UNKNOWN_PRODUCT;
 * INSP_E_NOT_READY, whose detail is the model's failure. A pending product is loaded next. */
int insp_models_get(struct insp_models *models, const char *product, struct insp_model **ret,
                    struct insp_error *reterr);

/* Return the number of entries and one of them; an entry is valid until the next swap. */
size_t insp_models_count(const struct insp_models *models);
const struct insp_served_model *insp_models_at(const struct insp_models *models, size_t place);

/* Returns the product's entry, or NULL; valid until the next swap. */
const struct insp_served_model *insp_models_named(const struct insp_models *models, const char *product);

/* Returns the damage that the last verification found in the trunk's file; "" for none. */
const char *insp_models_trunk_damage(const struct insp_models *models);

/* Returns the error of the last reading of the registry; "" for none. */
const char *insp_models_failure(const struct insp_models *models);

/* Returns a new reference to {"product": {"version", "ready", "failure", "self_test": "golden" | "drawn" |
 * null}}; NULL without memory. self_test: the pictures with which the serving version was proved. */
json_t *insp_models_json(const struct insp_models *models);

/* Says whether the probability of a self-test is 0..1 and within tolerance of the expected one. Pure. */
bool insp_models_answer_well(float probability, float expected, float tolerance);

#endif
