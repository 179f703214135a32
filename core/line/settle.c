#include "core/line/settle.h"

void insp_settle_see(struct insp_settle *settle, const struct insp_file_identity *identity, bool closed,
                     int64_t now_us) {
    if (settle->since_us && insp_file_same(&settle->identity, identity)) {
        settle->closed |= closed;
        return;
    }
    *settle = (struct insp_settle){.identity = *identity, .since_us = now_us, .closed = closed};
}

int64_t insp_settle_due_us(const struct insp_settle *settle, int64_t settle_us) {
    return settle->closed ? settle->since_us : settle->since_us + settle_us;
}

int64_t insp_settle_final_us(const struct insp_settle *settle, int64_t settle_us) {
    enum { DOUBT = 10 };
    return settle->since_us + (settle->closed ? settle_us : DOUBT * settle_us);
}
