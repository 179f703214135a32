#include "core/model/training_pictures.h"

#include "core/base/base64.h"
#include "core/base/cleanup.h"
#include "core/model/float_json.h"

#include <math.h>
#include <stdlib.h>

static int parse_range(const json_t *pair, enum insp_stat stat, struct insp_stat_ranges *ranges,
                       struct insp_error *reterr) {
    const double most = 1e9;
    const json_t *low = json_array_get(pair, 0), *high = json_array_get(pair, 1);
    double least = json_number_value(low), greatest = json_number_value(high);
    if (!json_is_array(pair) || json_array_size(pair) != 2 || !json_is_number(low) || !json_is_number(high) ||
        !(least >= 0 && least <= greatest && greatest <= most))
        return insp_fail(reterr, INSP_E_MODEL, "pictures.%s must be [least, greatest], numbers from 0 to %g",
                         insp_stat_name(stat), most);
    ranges->low[stat] = (float)least;
    ranges->high[stat] = (float)greatest;
    return 0;
}

enum { CELL_BYTES = 2 * 2 * INSP_LAYOUT_NUMBERS, UNIT = 256 };

static void put(float value, uint8_t *ret) {
    long scaled = lrintf(fminf(value * UNIT, UINT16_MAX));
    ret[0] = (uint8_t)(scaled & 0xff);
    ret[1] = (uint8_t)(scaled >> 8);
}

static float get(const uint8_t *from) {
    return (float)(from[0] | from[1] << 8) / UNIT;
}

static int parse_layout(const json_t *object, struct insp_layout_range *ret, struct insp_error *reterr) {
    const json_t *largest = json_object_get(object, "largest");
    const char *cells = json_string_value(json_object_get(object, "cells"));
    double distance = json_number_value(largest);
    uint8_t bytes[CELL_BYTES];
    if (!object)
        return 0;
    if (!json_is_number(largest) || !(distance >= 0 && distance <= 1e6) || !cells ||
        !insp_base64_decode(cells, bytes, sizeof bytes))
        return insp_fail(
            reterr, INSP_E_MODEL,
            "pictures.layout must have largest, a number from 0 to 1e6, and cells, %d bytes in base64",
            CELL_BYTES);
    for (size_t i = 0; i < INSP_LAYOUT_NUMBERS; i++) {
        ret->mean[i] = get(bytes + 2 * i);
        ret->deviation[i] = get(bytes + 2 * (INSP_LAYOUT_NUMBERS + i));
        if (ret->deviation[i] < INSP_LAYOUT_DEVIATION_MIN)
            return insp_fail(reterr, INSP_E_MODEL, "pictures.layout.cells: deviation %zu is %g, below %g", i,
                             (double)ret->deviation[i], (double)INSP_LAYOUT_DEVIATION_MIN);
    }
    ret->largest = (float)distance;
    ret->known = true;
    return 0;
}

/* Returns the object, a new reference; NULL without memory. */
static json_t *layout_json(const struct insp_layout_range *range) {
    uint8_t bytes[CELL_BYTES];
    _cleanup_free_ char *cells = NULL;
    struct insp_error error;
    for (size_t i = 0; i < INSP_LAYOUT_NUMBERS; i++) {
        put(range->mean[i], bytes + 2 * i);
        put(range->deviation[i], bytes + 2 * (INSP_LAYOUT_NUMBERS + i));
    }
    if (insp_base64_encode(bytes, sizeof bytes, &cells, &error) < 0)
        return NULL;
    return json_pack("{s:o, s:s}", "largest", insp_float_json(range->largest), "cells", cells);
}

int insp_pictures_parse(const json_t *object, struct insp_stat_ranges *ret, struct insp_error *reterr) {
    struct insp_stat_ranges ranges = insp_stat_ranges_none();
    if (!object || json_is_null(object)) {
        *ret = ranges;
        return 0;
    }
    const json_t *count = json_object_get(object, "count");
    json_int_t pictures = json_integer_value(count);
    if (!json_is_object(object) || !json_is_integer(count) || pictures < 1 || pictures > INT32_MAX)
        return insp_fail(reterr, INSP_E_MODEL, "pictures must be an object with a count of at least 1");
    ranges.count = (unsigned)pictures;
    for (size_t i = 0; i < INSP_STAT_COUNT; i++) {
        const json_t *pair = json_object_get(object, insp_stat_name((enum insp_stat)i));
        int code = pair ? parse_range(pair, (enum insp_stat)i, &ranges, reterr) : 0;
        if (code)
            return code;
    }
    int code = parse_layout(json_object_get(object, "layout"), &ranges.layout, reterr);
    if (code)
        return code;
    *ret = ranges;
    return 0;
}

json_t *insp_pictures_json(const struct insp_stat_ranges *ranges) {
    if (!ranges->count)
        return json_null();
    json_t *object = json_pack("{s:I}", "count", (json_int_t)ranges->count);
    for (size_t i = 0; object && i < INSP_STAT_COUNT; i++) {
        if (!insp_stat_known(ranges, (enum insp_stat)i))
            continue;
        json_t *pair = json_pack("[o, o]", insp_float_json(ranges->low[i]), insp_float_json(ranges->high[i]));
        if (json_object_set_new(object, insp_stat_name((enum insp_stat)i), pair)) {
            json_decref(object);
            return NULL;
        }
    }
    if (object && ranges->layout.known && json_object_set_new(object, "layout", layout_json(&ranges->layout))) {
        json_decref(object);
        return NULL;
    }
    return object;
}
