/* core/serving/model_loader.h - from the registry folder to proved models. The pool reads, hashes and packs, so
 * that the inference thread, which the line waits for, has no more to do than the self-test's passes, one at a
 * time. */
#ifndef INSP_SERVING_MODEL_LOADER_H
#define INSP_SERVING_MODEL_LOADER_H

#include "core/inspect/engine.h"
#include "core/serving/model_list.h"

struct insp_model_loader;

/* state_dir is borrowed. INSP_E_NOMEM. */
int insp_model_loader_new(struct insp_engine *engine, const char *state_dir, struct insp_model_loader **ret,
                          struct insp_error *reterr);
void insp_model_loader_free(struct insp_model_loader *loader); /* NULL is fine */

/* Loads and proves a version before it is made the active one, and keeps the model for the next reading, which
 * then has nothing to load. Blocks on the disk and on the inference thread; the pool or the job's thread.
 * INSP_E_SELF_TEST: it does not answer its golden samples as it did when trained; INSP_E_CONFLICT: it was trained
 * on another trunk than the loaded one (where none is loaded its trunk is loaded now); INSP_E_NOT_FOUND,
 * INSP_E_MODEL. */
int insp_model_loader_prove(struct insp_model_loader *loader, const char *product, const char *version,
                            struct insp_error *reterr);
/* Drops what prove kept: the version was not made active after all. Any thread. */
void insp_model_loader_withdraw(struct insp_model_loader *loader);

/* True where this version serves, or did when the loop last swapped models: its files must stay. Any thread. */
bool insp_model_loader_serves(struct insp_model_loader *loader, const char *product, const char *version);
/* The loop's list, after each swap. INSP_E_NOMEM: then every version of the listed products counts as serving. */
int insp_model_loader_note_serving(struct insp_model_loader *loader, const struct insp_model_list *list);

/* One reading of the registry. */
struct insp_model_reading {
    struct insp_model_loader *loader;
    bool verify;                                /* hash the files of what serves again, and the trunk's */
    char trunk_damage[INSP_ERROR_DETAIL_BYTES]; /* out, with verify: what is wrong with the trunk's file; "" */
    struct insp_model_list old;                 /* what serves, with references of its own */
    struct insp_model_list fresh;               /* what is to serve */
    size_t loaded;                              /* how many were not there before */
};

/* Fills `fresh`. What serves already under its version, weights and thresholds is taken over; other thresholds for
 * the same weights cost nothing on the device; the rest is loaded and proved. A product that cannot be read or
 * proved, or whose folder is gone, keeps what it had and says why in `failure`. With `verify` a version whose
 * files are damaged goes on serving from memory and says so in `damage`. Blocks on the disk and on the inference
 * thread: startup or the pool. INSP_E_NOMEM and errors of the registry folder itself. */
int insp_model_reading_read(struct insp_model_reading *reading, struct insp_error *reterr);
void insp_model_reading_clear(struct insp_model_reading *reading);

#endif
