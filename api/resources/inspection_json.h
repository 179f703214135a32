/* api/resources/inspection_json.h - the one JSON form of an inspection, fresh or stored. Any thread. */
#ifndef INSP_API_RESOURCES_INSPECTION_JSON_H
#define INSP_API_RESOURCES_INSPECTION_JSON_H

#include "core/store/store.h"

#include <jansson.h>

/* New reference, NULL without memory: {id, product, model, verdict, probability, threshold, heatmap: {...}, image:
 * {...}, camera, part, received_at, timing_ms: {...}, label}. */
json_t *api_inspection_json(const struct insp_record *record);

/* "good" | "anomaly" | NULL for none. */
const char *api_label_name(enum insp_label label);

#endif
