#include "core/line/pattern.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {"{product}", "{camera}", "{part}"};
enum { PRODUCT, FIELDS = 3 };

/* Returns the field that begins here, or FIELDS. */
static unsigned field_at(const char *text) {
    unsigned i = 0;
    while (i < FIELDS && strncmp(text, names[i], strlen(names[i])) != 0)
        i++;
    return i;
}

static char *room(struct insp_path_fields *fields, unsigned field) {
    char *const rooms[] = {fields->product, fields->camera, fields->part};
    return rooms[field];
}

static int read_field(const char **text, unsigned *seen, struct insp_error *reterr) {
    unsigned field = field_at(*text);
    if (field == FIELDS)
        return insp_fail(reterr, INSP_E_CONFIG, "has a brace that belongs to none of {product}, {camera}, {part}");
    if (*seen & 1U << field)
        return insp_fail(reterr, INSP_E_CONFIG, "has %s twice", names[field]);
    *seen |= 1U << field;
    *text += strlen(names[field]);
    if (**text == '{')
        return insp_fail(reterr, INSP_E_CONFIG, "needs something between two fields");
    return 0;
}

static int check_segment(const char *segment, unsigned *seen, struct insp_error *reterr) {
    if (!*segment)
        return insp_fail(reterr, INSP_E_CONFIG, "has an empty name: it begins or ends with \"/\", or has two");
    if (*segment == '.')
        return insp_fail(reterr, INSP_E_CONFIG, "has a name that begins with a dot");
    while (*segment) {
        if (*segment != '{' && *segment != '}')
            segment++;
        else if (read_field(&segment, seen, reterr))
            return INSP_E_CONFIG;
    }
    return 0;
}

int insp_pattern_read(const char *text, struct insp_pattern *ret, struct insp_error *reterr) {
    struct insp_pattern pattern = {.segments = 1};
    unsigned seen = 0;
    if (strlen(text) >= sizeof pattern.text)
        return insp_fail(reterr, INSP_E_CONFIG, "is longer than %d bytes", INSP_PATTERN_BYTES - 1);
    snprintf(pattern.text, sizeof pattern.text, "%s", text);
    for (char *c = pattern.text; *c; c++) {
        if (*c != '/')
            continue;
        if (pattern.segments == INSP_PATTERN_SEGMENTS)
            return insp_fail(reterr, INSP_E_CONFIG, "has more than %d names", INSP_PATTERN_SEGMENTS);
        *c = 0;
        pattern.at[pattern.segments++] = (unsigned short)(c + 1 - pattern.text);
    }
    for (unsigned i = 0; i < pattern.segments; i++)
        if (check_segment(pattern.text + pattern.at[i], &seen, reterr))
            return INSP_E_CONFIG;
    if (!(seen & 1U << PRODUCT))
        return insp_fail(reterr, INSP_E_CONFIG, "needs {product}");
    *ret = pattern;
    return 0;
}

static bool match(const char *segment, const char *name, struct insp_path_fields *fields) {
    unsigned field = field_at(segment);
    if (field == FIELDS) {
        if (!*segment || !*name)
            return !*segment && !*name;
        return tolower((unsigned char)*segment) == tolower((unsigned char)*name) &&
               match(segment + 1, name + 1, fields);
    }
    const char *behind = segment + strlen(names[field]);
    size_t bytes = strlen(name);
    for (size_t n = *behind ? 1 : bytes; n && n <= bytes && n < INSP_PATTERN_FIELD_BYTES; n++) {
        if (!match(behind, name + n, fields))
            continue;
        snprintf(room(fields, field), INSP_PATTERN_FIELD_BYTES, "%.*s", (int)n, name);
        return true;
    }
    return false;
}

bool insp_pattern_name(const struct insp_pattern *pattern, unsigned depth, const char *name,
                       struct insp_path_fields *fields) {
    return depth < pattern->segments && match(pattern->text + pattern->at[depth], name, fields);
}

bool insp_pattern_path(const struct insp_pattern *pattern, const char *path, struct insp_path_fields *ret) {
    char name[INSP_PATTERN_FIELD_BYTES];
    *ret = (struct insp_path_fields){0};
    for (unsigned depth = 0; depth < pattern->segments; depth++) {
        size_t bytes = strcspn(path, "/");
        if (bytes >= sizeof name)
            return false;
        snprintf(name, sizeof name, "%.*s", (int)bytes, path);
        if (!insp_pattern_name(pattern, depth, name, ret))
            return false;
        path += bytes;
        if ((*path == '/') != (depth + 1 < pattern->segments))
            return false;
        path += *path == '/';
    }
    return true;
}
