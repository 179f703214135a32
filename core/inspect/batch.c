#include "core/inspect/batch.h"

size_t insp_batch_form(const int64_t *deadline_us, size_t count, size_t batch_max, int64_t now_us,
                       enum insp_batch_fate *ret_fate) {
    size_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        if (deadline_us[i] && deadline_us[i] <= now_us)
            ret_fate[i] = INSP_BATCH_EXPIRED;
        else if (taken < batch_max) {
            ret_fate[i] = INSP_BATCH_TAKE;
            taken++;
        } else
            ret_fate[i] = INSP_BATCH_WAIT;
    }
    return taken;
}
