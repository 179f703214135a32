#include "api/http/accept.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { NOT_NAMED, ANY, ANY_SUBTYPE, EXACT };

/* How exactly a media range of `length` bytes names a type. */
static int exactness(const char *range, size_t length, const char *type) {
    size_t slash = (size_t)(strchr(type, '/') - type);
    if (length == strlen(type) && !strncasecmp(range, type, length))
        return EXACT;
    if (length == slash + 2 && !strncasecmp(range, type, slash + 1) && range[slash + 1] == '*')
        return ANY_SUBTYPE;
    return length == 3 && !memcmp(range, "*/*", 3) ? ANY : NOT_NAMED;
}

/* The weight of one range with its parameters, 0..1; 1 without q, 0 for a q that is no number. Digits are read
 * here: strtod would follow the locale. */
static double quality(const char *parameters, const char *end) {
    for (const char *at = parameters; at < end; at++) {
        if (*at != ';')
            continue;
        at += 1 + strspn(at + 1, " \t");
        if (at + 2 > end || (at[0] | 0x20) != 'q' || at[1] != '=') {
            at--;
            continue;
        }
        double value = 0, place = 1;
        bool point = false;
        for (at += 2; at < end && (strchr("0123456789", *at) || (*at == '.' && !point)); at++) {
            if (*at == '.')
                point = true;
            else if (point)
                value += (*at - '0') * (place /= 10);
            else
                value = value * 10 + (*at - '0');
        }
        return value > 1 ? 1 : value;
    }
    return 1;
}

/* The weight that a whole Accept value gives one type: that of the range that names it most exactly. */
static double weigh(const char *accept, const char *type, int *ret_exactness) {
    double weight = 0;
    *ret_exactness = NOT_NAMED;
    for (const char *at = accept; *at;) {
        at += strspn(at, ", \t");
        const char *end = at + strcspn(at, ",");
        size_t length = strcspn(at, ",; \t");
        int exact = exactness(at, length, type);
        if (exact > *ret_exactness) {
            *ret_exactness = exact;
            weight = quality(at + length, end);
        }
        at = end;
    }
    return weight;
}

int api_accept_choose(const char *accept, const char *const *types) {
    int best = 0, best_exact = NOT_NAMED;
    double best_weight = 0;
    for (int i = 0; types[i]; i++) {
        int exact;
        double weight = weigh(accept, types[i], &exact);
        if (weight > best_weight || (weight > 0 && weight >= best_weight && exact > best_exact)) {
            best = i;
            best_weight = weight;
            best_exact = exact;
        }
    }
    return best;
}
