/* core/model/training_pictures.h - the manifest's "pictures": what the good training pictures were like, so that a
 * posted one that is unlike them is not trusted.
 *
 *   {"count": 40, "side": [256, 256], "bits": [8, 8], "bright": [180, 231], ...}    names of INSP_STAT_TABLE
 *
 * Pure; any thread. */
#ifndef INSP_MODEL_TRAINING_PICTURES_H
#define INSP_MODEL_TRAINING_PICTURES_H

#include "core/base/error.h"
#include "core/image/stats.h"

#include <jansson.h>

/* Reads the object; NULL or null gives ranges of no picture. A name that is missing is not known afterwards, one
 * that is not in the table is passed over. INSP_E_MODEL names the field. */
int insp_pictures_parse(const json_t *object, struct insp_stat_ranges *ret, struct insp_error *reterr);

/* The object, or null for no picture; a new reference, NULL without memory. */
json_t *insp_pictures_json(const struct insp_stat_ranges *ranges);

#endif
