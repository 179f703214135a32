#include "core/line/takt.h"

#include "core/base/fs.h"
#include "core/line/pairs.h"

#include <string.h>

static const char others[] = "*";

/* Says whether the entries before `end` have the name. */
static bool has(const char *text, const char *end, const char *name) {
    struct insp_pair pair;
    struct insp_error error;
    while (text < end && insp_pair_next(&text, &pair, &error))
        if (text <= end && !strcmp(pair.key, name))
            return true;
    return false;
}

int insp_takt_check(const char *text, struct insp_error *reterr) {
    struct insp_pair pair;
    const char *at = text;
    unsigned ms;
    for (;;) {
        const char *before = at;
        if (!insp_pair_next(&at, &pair, reterr))
            return reterr->code;
        if (strcmp(pair.key, others) != 0 && !insp_name_valid(pair.key))
            return insp_fail(reterr, INSP_E_CONFIG, "has \"%.80s\", which is neither the name of a product nor *",
                             pair.key);
        if (!insp_pair_number(pair.value, 1, INSP_TAKT_MS_MAX, &ms))
            return insp_fail(reterr, INSP_E_CONFIG, "has \"%.80s\" for %s; a takt is 1 to %d milliseconds",
                             pair.value, pair.key, INSP_TAKT_MS_MAX);
        if (has(text, before, pair.key))
            return insp_fail(reterr, INSP_E_CONFIG, "has two entries for %s", pair.key);
    }
}

int64_t insp_takt_us(const char *text, const char *product) {
    struct insp_pair pair;
    struct insp_error error;
    unsigned ms = 0, found;
    while (insp_pair_next(&text, &pair, &error)) {
        bool own = !strcmp(pair.key, product);
        if ((own || !strcmp(pair.key, others)) && insp_pair_number(pair.value, 1, INSP_TAKT_MS_MAX, &found)) {
            ms = found;
            if (own)
                break;
        }
    }
    return (int64_t)ms * 1000;
}
