/* api/models.h - which model serves which product, and whether it is well. Loop thread, but for what is loaded on
 * the inference thread meanwhile. */
#ifndef INSP_API_MODELS_H
#define INSP_API_MODELS_H

#include "core/inspect/engine.h"

#include <jansson.h>

struct api_models;

struct api_model {
    char product[INSP_NAME_BYTES];
    struct insp_model *model;              /* owned reference; NULL where loading failed or no version is active */
    char failure[INSP_ERROR_DETAIL_BYTES]; /* why model is NULL, or what the self-test found; "" */
    char reload_failure[INSP_ERROR_DETAIL_BYTES]; /* why the active version is not the one that serves; "" */
    bool golden_known, passed;
    float golden; /* the self-test's first answer, which every later one is held against */
};

/* Loads every product's active version; waits. One that cannot be loaded is logged, kept by name, and does not
 * keep the others from serving. INSP_E_NOMEM and errors of the registry folder itself. config strings are
 * borrowed. */
int api_models_new(struct insp_engine *engine, const char *state_dir, struct api_models **ret,
                   struct insp_error *reterr);
void api_models_free(struct api_models *models); /* only when not busy */

/* Reads active versions and manifests again in the background; what changed is loaded, self-tested and swapped in
 * on the loop. done (may be NULL) comes on the loop after a reading that began after this call, whether it went
 * well or not: a call during a reading is answered by the next one. */
typedef void api_models_done(void *arg);
void api_models_reload(struct api_models *models, api_models_done *done, void *arg);

/* changed comes on the loop for each product whose version was swapped in. */
typedef void api_models_changed(void *arg, const char *product, const char *version);
void api_models_on_change(struct api_models *models, api_models_changed *changed, void *arg);

/* Scores a fixed procedural image with each model in turn and compares with the first answer. The first run is
 * also the warm-up. Does nothing while one runs. */
void api_models_test(struct api_models *models);
bool api_models_busy(const struct api_models *models);  /* a reload or a self-test is under way */
bool api_models_ready(const struct api_models *models); /* at least one model passed */

/* A new reference to the product's model. INSP_E_UNKNOWN_PRODUCT; INSP_E_NOT_READY says what is wrong with it. */
int api_models_get(struct api_models *models, const char *product, struct insp_model **ret,
                   struct insp_error *reterr);

/* Why the registry could not be read again at the last try; "". What concerns one product stands in its api_model.
 */
const char *api_models_failure(const struct api_models *models);

size_t api_models_count(const struct api_models *models);
const struct api_model *api_models_at(const struct api_models *models, size_t place);

/* New reference: {"product": {"version", "ready", "failure"}}; NULL without memory. */
json_t *api_models_json(const struct api_models *models);

/* Pure: is a self-test's answer well? Finite, 0..1, and within tolerance of golden where that is known. */
bool api_models_answer_well(float probability, bool golden_known, float golden, float tolerance);

#endif
