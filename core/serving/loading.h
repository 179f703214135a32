/* core/serving/loading.h - share the loader's parts between model_loader.c and model_reading.c; no file outside of
 * core/serving includes it. */
#ifndef INSP_SERVING_LOADING_H
#define INSP_SERVING_LOADING_H

#include "core/inspect/engine.h"
#include "core/model/model.h"

#include <pthread.h>

struct insp_model_loader {
    struct insp_engine *engine;
    const char *state_dir;
    pthread_mutex_t packing; /* one thread at a time loads onto the device */
    pthread_mutex_t lock;
    struct insp_model *offered; /* under the lock; owned reference or NULL */
    struct serving_name {
        char product[INSP_NAME_BYTES], version[INSP_NAME_BYTES];
        bool shadow;
    } * serving; /* under the lock; owned */
    size_t serving_count;
};

/* Takes the model offered for this product out of the loader; NULL for none. Any thread. */
struct insp_model *insp_model_loader_take(struct insp_model_loader *loader, const char *product);

/* Checks that a version belongs to the loaded trunk; the daemon serves only one. A daemon that started without a
 * trunk loads that of the first version. Blocks. Fails with `code`, and as insp_engine_open_trunk does. */
int insp_model_loader_check_trunk(const struct insp_model_loader *loader, const struct insp_manifest *manifest,
                                  int code, struct insp_error *reterr);

/* Loads and proves a model. Each sample is a separate pass, so inspections run between them. Blocks on the
 * inference thread. Fails as insp_model_new and insp_prove_by do. */
int insp_model_loader_make(struct insp_model_loader *loader, struct insp_model_files *files,
                           struct insp_model **ret, struct insp_error *reterr);

#endif
