#include "core/line/backoff.h"

enum { FIRST_MS = 250, LAST_MS = 30000 };

unsigned insp_backoff_ms(unsigned failures, uint64_t random) {
    unsigned ms = FIRST_MS;
    for (unsigned i = 1; i < failures && ms < LAST_MS; i++)
        ms *= 2;
    if (ms > LAST_MS)
        ms = LAST_MS;
    return ms - (unsigned)(random % (ms / 2 + 1));
}
