#include "core/model/good/good_scores.h"

#include "core/model/float_json.h"

#include <stdint.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

struct insp_good_scores insp_good_scores_of(float *probability, size_t n) {
    struct insp_good_scores scores = {0};
    if (n < 2)
        return scores;
    qsort(probability, n, sizeof *probability, ascending);
    scores.count = n;
    for (size_t i = 0; i < INSP_GOOD_QUANTILES; i++)
        scores.quantile[i] = insp_good_quantile(probability, n, (double)i / (INSP_GOOD_QUANTILES - 1));
    return scores;
}

int insp_good_scores_parse(const json_t *object, struct insp_good_scores *ret, struct insp_error *reterr) {
    struct insp_good_scores scores = {0};
    if (!object || json_is_null(object)) {
        *ret = scores;
        return 0;
    }
    const json_t *count = json_object_get(object, "count"), *array = json_object_get(object, "quantiles");
    json_int_t images = json_integer_value(count);
    if (!json_is_object(object) || !json_is_integer(count) || images < 2 || images > INT32_MAX)
        return insp_fail(reterr, INSP_E_MODEL, "good_scores must be an object with a count of at least 2");
    bool right = json_is_array(array) && json_array_size(array) == INSP_GOOD_QUANTILES;
    double before = 0;
    for (size_t i = 0; right && i < INSP_GOOD_QUANTILES; i++) {
        const json_t *value = json_array_get(array, i);
        double number = json_number_value(value);
        right = json_is_number(value) && number >= before && number <= 1;
        scores.quantile[i] = (float)number;
        before = number;
    }
    if (!right)
        return insp_fail(reterr, INSP_E_MODEL, "good_scores.quantiles must be %d ascending numbers from 0 to 1",
                         INSP_GOOD_QUANTILES);
    scores.count = (size_t)images;
    *ret = scores;
    return 0;
}

json_t *insp_good_scores_json(const struct insp_good_scores *scores) {
    if (!scores->count)
        return json_null();
    json_t *array = json_array();
    for (size_t i = 0; i < INSP_GOOD_QUANTILES; i++)
        if (json_array_append_new(array, insp_float_json(scores->quantile[i])) < 0) {
            json_decref(array);
            return NULL;
        }
    return json_pack("{s:I, s:o}", "count", (json_int_t)scores->count, "quantiles", array);
}
