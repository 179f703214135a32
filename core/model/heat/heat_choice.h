/* core/model/heat/heat_choice.h - say which map a version shows as heat: the tail's class activation, the distance
 * from good parts, or the product of both. In the manifest:
 *
 *   "heat": {"map": "class_activation" | "good_only" | "product",
 *            "threshold": 0..1, the heat at the good-only threshold; later changes of heatmap.threshold leave it,
 *            "low": number, "high": number > low, the range of the class activation map, for the product,
 *            "chosen": insp_heat_maps_json (core/judge/maps/heat_maps.h), or null}
 *
 * Missing in older bundles: class activation with a tail, else the good-only map. Pure; any thread. */
#ifndef INSP_MODEL_HEAT_HEAT_CHOICE_H
#define INSP_MODEL_HEAT_HEAT_CHOICE_H

#include "core/base/error.h"

#include <jansson.h>
#include <stdbool.h>

/* In the order of preference: of equal ones the first is taken. The store keeps the numbers. */
enum insp_heat_kind { INSP_HEAT_ACTIVATION, INSP_HEAT_GOOD_ONLY, INSP_HEAT_PRODUCT, INSP_HEAT_KINDS };
const char *insp_heat_kind_name(enum insp_heat_kind kind); /* "class_activation" | "good_only" | "product" */

struct insp_heat_choice {
    enum insp_heat_kind kind;
    float threshold; /* of the good-only heat (insp_good_heat); unused with INSP_HEAT_ACTIVATION */
    float low, high; /* class activation with heat 0 and heat 1; used by INSP_HEAT_PRODUCT; low < high */
};

/* Returns the choice of older bundles. tail: the bundle has one. threshold: of struct insp_heat_choice. */
struct insp_heat_choice insp_heat_choice_old(bool tail, float threshold);

/* Parses the manifest's object; NULL or null gives insp_heat_choice_old. *ret_chosen is a new reference, or NULL.
 *   tail, good  the bundle has a tail, a good-only model: a map that neither gives is refused
 * Fails with INSP_E_MODEL, which names the field. */
int insp_heat_choice_parse(const json_t *object, bool tail, bool good, float threshold,
                           struct insp_heat_choice *ret, json_t **ret_chosen, struct insp_error *reterr);
/* Returns the object, a new reference; NULL without memory. chosen: may be NULL. */
json_t *insp_heat_choice_json(const struct insp_heat_choice *choice, json_t *chosen);

/* Returns the product of two heats, sqrt(activation * good), on the scale of both: it is at a threshold where both
 * are, and reaches it only if at least one of both does. A heat below 0 counts as 0, one above 1 as 1: a very hot
 * map alone makes no heat. */
float insp_heat_product(float activation, float good);

/* Makes the map that is shown.
 *   activation  [cells], class activation, unscaled; NULL without a tail
 *   good        [cells], heat by insp_good_heat with choice->threshold; unused with INSP_HEAT_ACTIVATION
 *   ret         [cells]; may be one of them. Class activation unscaled, else heat */
void insp_heat_make(const struct insp_heat_choice *choice, const float *activation, const float *good,
                    size_t cells, float *ret);

#endif
