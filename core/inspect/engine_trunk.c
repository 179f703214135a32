/* Opens the trunk of an engine from its file. */
#include "core/base/log.h"
#include "core/inspect/engine.h"
#include "core/model/bundle.h"

int insp_engine_open_trunk(struct insp_engine *engine, const char *state_dir, const char *sha256,
                           struct insp_error *reterr) {
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = NULL;
    int r = insp_trunk_open(state_dir, sha256, &arrays, reterr);
    if (r < 0)
        return r;
    struct insp_trunk_weights weights = insp_trunk_arrays_view(arrays);
    r = insp_engine_load_trunk(engine, &weights, sha256, reterr);
    if (r == 0)
        insp_log_info("trunk loaded sha256=%.12s", sha256);
    return r;
}
