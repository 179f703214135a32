#include "core/report/lookup.h"

#include <math.h>
#include <string.h>

const json_t *insp_lookup(const json_t *object, const char *path) {
    while (object && *path) {
        size_t n = strcspn(path, ".");
        object = json_object_getn(object, path, n);
        path += n + (path[n] == '.');
    }
    return object;
}

double insp_lookup_number(const json_t *object, const char *path) {
    const json_t *value = insp_lookup(object, path);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

const char *insp_lookup_text(const json_t *object, const char *path) {
    const char *value = json_string_value(insp_lookup(object, path));
    return value ? value : "";
}
