#include "api/http/accept.h"

#include "api/http/fields.h"

#include <string.h>
#include <strings.h>

enum { NOT_NAMED, ANY, ANY_SUBTYPE, EXACT };

/* Says how exactly a media range names a type. */
static int exactness(struct api_span range, const char *type) {
    size_t slash = (size_t)(strchr(type, '/') - type);
    if (api_span_is(range, type))
        return EXACT;
    if (range.bytes == slash + 2 && !strncasecmp(range.at, type, slash + 1) && range.at[slash + 1] == '*')
        return ANY_SUBTYPE;
    return api_span_is(range, "*/*") ? ANY : NOT_NAMED;
}

/* Parses a weight ("0", "0.25", "1.000") to 0..1; 0 for text that is no number. strtod would follow the locale. */
static double weight_of(const char *text) {
    double value = 0, place = 1;
    bool point = false;
    for (; strchr("0123456789", *text) || (*text == '.' && !point); text++) {
        if (!*text)
            break;
        if (*text == '.')
            point = true;
        else if (point)
            value += (*text - '0') * (place /= 10);
        else
            value = value * 10 + (*text - '0');
    }
    return *text ? 0 : value > 1 ? 1 : value;
}

/* Returns the weight in the parameters of a range; 1 without q. */
static double quality(struct api_span parameters) {
    struct api_span name;
    char value[32];
    int more;
    while ((more = api_field_parameter(&parameters, &name, value, sizeof value)) == 1)
        if (api_span_is(name, "q"))
            return weight_of(value);
    return more < 0 ? 0 : 1;
}

/* Returns the weight of a type: that of the range in `accept` that names the type most exactly. */
static double weigh(const char *accept, const char *type, int *ret_exactness) {
    struct api_span list = api_span_of(accept), element;
    double weight = 0;
    *ret_exactness = NOT_NAMED;
    while (api_field_next(&list, &element)) {
        int exact = exactness(api_field_head(&element), type);
        if (exact > *ret_exactness) {
            *ret_exactness = exact;
            weight = quality(element);
        }
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

bool api_accept_prefers(const char *accept, const char *type, const char *fallback) {
    int exact, fallback_exact;
    double weight = weigh(accept, type, &exact);
    return exact > ANY && weight > 0 && weight >= weigh(accept, fallback, &fallback_exact);
}

bool api_accept_coding(const char *accept_encoding, const char *coding) {
    struct api_span list = api_span_of(accept_encoding), element;
    while (api_field_next(&list, &element))
        if (api_span_is(api_field_head(&element), coding))
            return quality(element) > 0;
    return false;
}
