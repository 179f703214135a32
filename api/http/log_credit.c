#include "api/http/log_credit.h"

enum { MILLION = 1000000 };

bool api_log_admit(struct api_log_credit *credit, int64_t now_us) {
    int64_t full = (int64_t)API_LOG_BURST * MILLION, passed = credit->seen_us ? now_us - credit->seen_us : full;
    credit->lines_us += passed < full ? passed * API_LOG_PER_SECOND : full;
    credit->lines_us = credit->lines_us < full ? credit->lines_us : full;
    credit->seen_us = now_us;
    if (credit->lines_us < MILLION) {
        credit->left_out++;
        return false;
    }
    credit->lines_us -= MILLION;
    return true;
}
