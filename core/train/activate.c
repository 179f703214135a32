#include "core/train/activate.h"

#include "core/model/registry.h"
#include "core/serving/prove.h"

static int prove(const struct insp_train_context *c, const char *version, struct insp_error *reterr) {
    struct insp_model_files files = {0};
    _cleanup_(insp_model_unrefp) struct insp_model *model = NULL;
    int r = insp_model_read(c->state_dir, c->product, version, &files, reterr);
    if (r == 0)
        r = insp_model_new(c->device, &files, &model, reterr);
    if (r == 0)
        r = insp_prove(c->trunk, insp_device_is_cuda(c->device), model, files.golden, reterr);
    insp_model_files_clear(&files);
    return r;
}

int insp_train_activate(const struct insp_train_context *c, const char *version, struct insp_error *reterr) {
    int r = prove(c, version, reterr);
    if (r < 0)
        return r;
    return c->activate ? c->activate(c->activate_arg, c->product, version, reterr)
                       : insp_registry_set_active(c->state_dir, c->product, version, reterr);
}
