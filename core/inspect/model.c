#include "core/inspect/model.h"

#include "core/model/bundle.h"

#include <stdatomic.h>
#include <string.h>

static void model_free(struct insp_model *model) {
    insp_manifest_free(model->manifest);
    insp_tail_free(model->tail);
    free(model);
}
DEFINE_CLEANUP(struct insp_model, model_free);

int insp_model_load(struct insp_device *device, const char *state_dir, const char *product, const char *version,
                    struct insp_model **ret, struct insp_error *reterr) {
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *buffers = NULL;
    _cleanup_(model_freep) struct insp_model *model = calloc(1, sizeof *model);
    if (!model)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for model %s of product %s", version, product);
    int r = insp_bundle_read(state_dir, product, version, &model->manifest, &buffers, reterr);
    if (r < 0)
        return r;
    struct insp_tail_weights weights = insp_tail_buffers_view(buffers);
    r = insp_tail_load(device, &weights, &model->tail, reterr);
    if (r < 0) {
        insp_error_prefix(reterr, "model %s of product %s", version, product);
        return r;
    }
    memcpy(model->trunk_sha256, model->manifest->trunk_sha256, sizeof model->trunk_sha256);
    atomic_init(&model->references, 1);
    *ret = insp_take_ptr(model);
    return 0;
}

struct insp_model *insp_model_ref(struct insp_model *model) {
    /* The caller holds a reference, so the count cannot reach 0 meanwhile: nothing has to be ordered. */
    atomic_fetch_add_explicit(&model->references, 1, memory_order_relaxed);
    return model;
}

void insp_model_unref(struct insp_model *model) {
    /* Release: all that was done with the model comes before; acquire: the last one frees after all of it. */
    if (model && atomic_fetch_sub_explicit(&model->references, 1, memory_order_acq_rel) == 1)
        model_free(model);
}
