#include "core/inspect/batch.h"

#include <stdbool.h>

size_t insp_batch_form(const int64_t *deadline_us, const size_t *weight, size_t count, size_t batch_max,
                       int64_t now_us, enum insp_batch_fate *ret_fate) {
    size_t taken = 0, used = 0;
    bool full = false; /* from here on all wait: no light image overtakes a heavy one */
    for (size_t i = 0; i < count; i++) {
        if (deadline_us[i] && deadline_us[i] <= now_us)
            ret_fate[i] = INSP_BATCH_EXPIRED;
        else if (!full && (!taken || (used < batch_max && weight[i] <= batch_max - used))) {
            ret_fate[i] = INSP_BATCH_TAKE;
            used += weight[i];
            taken++;
        } else {
            ret_fate[i] = INSP_BATCH_WAIT;
            full = true;
        }
    }
    return taken;
}
