#include "core/model/heat/heat_choice.h"

#include "core/model/float_json.h"

#include <math.h>
#include <string.h>

static const char *const names[INSP_HEAT_KINDS] = {[INSP_HEAT_ACTIVATION] = "class_activation",
                                                   [INSP_HEAT_GOOD_ONLY] = "good_only",
                                                   [INSP_HEAT_PRODUCT] = "product"};

const char *insp_heat_kind_name(enum insp_heat_kind kind) {
    return names[kind];
}

struct insp_heat_choice insp_heat_choice_old(bool tail, float threshold) {
    return (struct insp_heat_choice){tail ? INSP_HEAT_ACTIVATION : INSP_HEAT_GOOD_ONLY, threshold, 0, 1};
}

static int get_number(const json_t *object, const char *key, double least, double most, float *ret,
                      struct insp_error *reterr) {
    const json_t *value = json_object_get(object, key);
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= least && number <= most))
        return insp_fail(reterr, INSP_E_MODEL, "heat.%s must be a number from %g to %g", key, least, most);
    *ret = (float)number;
    return 0;
}

static int get_kind(const json_t *object, enum insp_heat_kind *ret, struct insp_error *reterr) {
    const char *text = json_string_value(json_object_get(object, "map"));
    for (enum insp_heat_kind kind = 0; text && kind < INSP_HEAT_KINDS; kind++)
        if (!strcmp(text, names[kind])) {
            *ret = kind;
            return 0;
        }
    return insp_fail(reterr, INSP_E_MODEL, "heat.map must be \"class_activation\", \"good_only\" or \"product\"");
}

static int check(const struct insp_heat_choice *choice, bool tail, bool good, struct insp_error *reterr) {
    if (choice->kind != INSP_HEAT_GOOD_ONLY && !tail)
        return insp_fail(reterr, INSP_E_MODEL, "heat.map is \"%s\", but the bundle has no tail",
                         names[choice->kind]);
    if (choice->kind != INSP_HEAT_ACTIVATION && !good)
        return insp_fail(reterr, INSP_E_MODEL, "heat.map is \"%s\", but the bundle has no good-only model",
                         names[choice->kind]);
    if (!(choice->low < choice->high))
        return insp_fail(reterr, INSP_E_MODEL, "heat.low is %g, expected less than heat.high (%g)",
                         (double)choice->low, (double)choice->high);
    return 0;
}

int insp_heat_choice_parse(const json_t *object, bool tail, bool good, float threshold,
                           struct insp_heat_choice *ret, json_t **ret_chosen, struct insp_error *reterr) {
    static const double range = 1e30;
    struct insp_heat_choice choice = insp_heat_choice_old(tail, threshold);
    json_t *chosen = json_object_get(object, "chosen");
    int r;
    *ret_chosen = NULL;
    if (!object || json_is_null(object)) {
        *ret = choice;
        return 0;
    }
    if (!json_is_object(object))
        return insp_fail(reterr, INSP_E_MODEL, "heat must be an object");
    if ((r = get_kind(object, &choice.kind, reterr)) < 0 ||
        (r = get_number(object, "threshold", 0, 1, &choice.threshold, reterr)) < 0 ||
        (r = get_number(object, "low", -range, range, &choice.low, reterr)) < 0 ||
        (r = get_number(object, "high", -range, range, &choice.high, reterr)) < 0 ||
        (r = check(&choice, tail, good, reterr)) < 0)
        return r;
    if (chosen && !json_is_null(chosen) && !json_is_object(chosen))
        return insp_fail(reterr, INSP_E_MODEL, "heat.chosen must be an object or null");
    *ret = choice;
    *ret_chosen = json_is_object(chosen) ? json_incref(chosen) : NULL;
    return 0;
}

json_t *insp_heat_choice_json(const struct insp_heat_choice *choice, json_t *chosen) {
    return json_pack("{s:s, s:o, s:o, s:o, s:O?}", "map", names[choice->kind], "threshold",
                     insp_float_json(choice->threshold), "low", insp_float_json(choice->low), "high",
                     insp_float_json(choice->high), "chosen", chosen);
}

float insp_heat_product(float activation, float good) {
    return sqrtf(fminf(fmaxf(activation, 0), 1) * fminf(fmaxf(good, 0), 1));
}

void insp_heat_make(const struct insp_heat_choice *choice, const float *activation, const float *good,
                    size_t cells, float *ret) {
    for (size_t i = 0; i < cells; i++)
        if (choice->kind == INSP_HEAT_ACTIVATION)
            ret[i] = activation[i];
        else if (choice->kind == INSP_HEAT_GOOD_ONLY)
            ret[i] = good[i];
        else
            ret[i] = insp_heat_product((activation[i] - choice->low) / (choice->high - choice->low), good[i]);
}
