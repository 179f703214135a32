#include "api/http/query.h"

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/utf8.h"

#include <errno.h>
#include <math.h>
#include <string.h>

int api_query_add(struct api_query *query, const char *name, const char *value, struct insp_error *reterr) {
    if (api_query_get(query, name))
        return insp_fail(reterr, INSP_E_QUERY, "query parameter \"%s\" is given twice", name);
    if (query->count == API_QUERY_MAX)
        return insp_fail(reterr, INSP_E_QUERY, "more than %d query parameters", API_QUERY_MAX);
    char *name_copy = strdup(name), *value_copy = strdup(value ? value : "");
    if (!name_copy || !value_copy) {
        free(name_copy);
        free(value_copy);
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the query");
    }
    query->item[query->count].name = name_copy;
    query->item[query->count++].value = value_copy;
    return 0;
}

void api_query_clear(struct api_query *query) {
    for (size_t i = 0; i < query->count; i++) {
        free(query->item[i].name);
        free(query->item[i].value);
    }
    query->count = 0;
}

const char *api_query_get(const struct api_query *query, const char *name) {
    for (size_t i = 0; i < query->count; i++)
        if (!strcmp(query->item[i].name, name))
            return query->item[i].value;
    return NULL;
}

static void join(const char *const *words, char *out, size_t bytes) {
    out[0] = 0;
    size_t used = 0;
    for (; *words && used < bytes; words++)
        used += (size_t)snprintf(out + used, bytes - used, "%s%s", used ? ", " : "", *words);
}

int api_query_allow(const struct api_query *query, const char *const *names, struct insp_error *reterr) {
    for (size_t i = 0; i < query->count; i++) {
        const char *const *known = names;
        while (*known && strcmp(*known, query->item[i].name))
            known++;
        if (*known)
            continue;
        char list[256];
        join(names, list, sizeof list);
        return insp_fail(reterr, INSP_E_QUERY, "unknown query parameter \"%s\"; known here: %s",
                         query->item[i].name, list[0] ? list : "none");
    }
    return 0;
}

int api_query_number(const struct api_query *query, const char *name, uint64_t min, uint64_t max, uint64_t *ret,
                     struct insp_error *reterr) {
    const char *text = api_query_get(query, name);
    if (!text)
        return 0;
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || value < min || value > max)
        return insp_fail(reterr, INSP_E_QUERY, "query parameter \"%s\" must be a whole number from %llu to %llu",
                         name, (unsigned long long)min, (unsigned long long)max);
    *ret = value;
    return 0;
}

int api_query_fraction(const struct api_query *query, const char *name, float *ret, struct insp_error *reterr) {
    const char *text = api_query_get(query, name);
    if (!text)
        return 0;
    char *end = NULL;
    float value = strtof(text, &end);
    /* strtof would also accept "inf", "nan" and hexadecimal numbers */
    bool plain = text[0] && strspn(text, "0123456789.eE-+") == strlen(text);
    if (!plain || *end || !(value >= 0 && value <= 1))
        return insp_fail(reterr, INSP_E_QUERY, "query parameter \"%s\" must be a number from 0 to 1", name);
    *ret = value;
    return 0;
}

int api_query_time(const struct api_query *query, const char *name, int64_t *ret_wall_us,
                   struct insp_error *reterr) {
    const char *text = api_query_get(query, name);
    if (text && !insp_rfc3339_parse(text, ret_wall_us))
        return insp_fail(
            reterr, INSP_E_QUERY,
            "query parameter \"%s\" must be an RFC 3339 time such as 2026-11-24T20:27:20Z (write + as %%2B)",
            name);
    return 0;
}

int api_query_duration(const struct api_query *query, const char *name, int64_t *ret_us,
                       struct insp_error *reterr) {
    static const char units[] = "smhd";
    static const uint64_t seconds[] = {1, 60, 3600, 86400};
    const char *text = api_query_get(query, name);
    if (!text)
        return 0;
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    const char *unit = *end ? strchr(units, *end) : NULL;
    uint64_t most = 366 * 86400ULL;
    if (text[0] < '0' || text[0] > '9' || errno || !unit || end[1] || !value ||
        value > most / seconds[unit - units])
        return insp_fail(reterr, INSP_E_QUERY,
                         "query parameter \"%s\" must be a duration such as 90s, 15m, 24h or 7d", name);
    *ret_us = (int64_t)(value * seconds[unit - units]) * 1000000;
    return 0;
}

int api_query_name(const struct api_query *query, const char *name, const char **ret, struct insp_error *reterr) {
    const char *text = api_query_get(query, name);
    if (!text)
        return 0;
    if (!insp_name_valid(text))
        return insp_fail(reterr, INSP_E_QUERY, "query parameter \"%s\" must be 1 to 64 of A-Z a-z 0-9 . _ -",
                         name);
    *ret = text;
    return 0;
}

bool api_text_clean(const char *text) {
    for (const char *s = text; *s;) {
        uint32_t value = 0;
        size_t step = insp_utf8_step(s, &value);
        if (!step || value < 0x20 || (value >= 0x7f && value < 0xa0))
            return false;
        s += step;
    }
    return true;
}

static bool has_noncharacter(const char *text) {
    uint32_t value = 0;
    for (size_t step; (step = insp_utf8_step(text, &value)) != 0 && *text; text += step)
        if (insp_utf8_noncharacter(value))
            return true;
    return false;
}

/* Says whether a text is a tag. A camera is a level of MQTT topics, which have no noncharacters. Scanners pass the
 * separators of GS1 and ISO/IEC 15434 codes on as they are. */
bool api_tag_valid(const char *text) {
    enum { EOT = 0x04, GS = 0x1d, RS = 0x1e };
    char plain[INSP_TAG_BYTES];
    size_t length = strlen(text);
    if (!length || length >= sizeof plain)
        return false;
    for (size_t i = 0; i <= length; i++)
        plain[i] = text[i] == EOT || text[i] == GS || text[i] == RS ? ' ' : text[i];
    return api_text_clean(plain) && !has_noncharacter(plain);
}

int api_query_tag(const struct api_query *query, const char *name, const char **ret, struct insp_error *reterr) {
    const char *text = api_query_get(query, name);
    if (!text)
        return 0;
    if (!api_tag_valid(text))
        return insp_fail(
            reterr, INSP_E_QUERY,
            "query parameter \"%s\" must be 1 to %d bytes of UTF-8 without noncharacters, and without "
            "control characters other than the separators GS, RS and EOT of scanned codes",
            name, INSP_TAG_BYTES - 1);
    *ret = text;
    return 0;
}

int api_query_choice(const struct api_query *query, const char *name, const char *const *words, int *ret,
                     struct insp_error *reterr) {
    const char *text = api_query_get(query, name);
    if (!text)
        return 0;
    for (int i = 0; words[i]; i++)
        if (!strcmp(text, words[i])) {
            *ret = i;
            return 0;
        }
    char list[256];
    join(words, list, sizeof list);
    return insp_fail(reterr, INSP_E_QUERY, "query parameter \"%s\" must be one of: %s", name, list);
}
