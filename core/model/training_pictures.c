#include "core/model/training_pictures.h"

#include "core/model/float_json.h"

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
    return object;
}
