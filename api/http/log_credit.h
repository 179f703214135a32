/* api/http/log_credit.h - bounds the log lines of one kind, so that a crowd neither fills the log nor, by waiting
 * for its reader, holds up the loop. Pure. */
#ifndef INSP_API_HTTP_LOG_CREDIT_H
#define INSP_API_HTTP_LOG_CREDIT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    API_LOG_BURST = 100,     /* lines at once */
    API_LOG_PER_SECOND = 10, /* and from then on */
};

struct api_log_credit {
    int64_t lines_us; /* lines that may be written, in millionths */
    int64_t seen_us;  /* monotonic; 0: never */
    uint64_t left_out;
};

/* Says whether one more line may be written, and counts it as left out if not.
 *   now_us  monotonic */
bool api_log_admit(struct api_log_credit *credit, int64_t now_us);

#endif
