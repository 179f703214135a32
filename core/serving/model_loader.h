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

/* Says whether a version gives the verdicts of its product, or did at the loop's last swap. Any thread. */
bool insp_model_loader_judges(struct insp_model_loader *loader, const char *product, const char *version);
/* Says whether a version serves, as the active one or as the shadow, or did at the loop's last swap: its files
 * must stay. Any thread. */
bool insp_model_loader_serves(struct insp_model_loader *loader, const char *product, const char *version);
/* Notes the versions in the loop's list, after each swap. Returns 0, or INSP_E_NOMEM and keeps the earlier
 * note. */
int insp_model_loader_note_serving(struct insp_model_loader *loader, const struct insp_model_list *list);

#endif
