/* api/inspections/inspection_json.h - makes the JSON form of an inspection, the same for answers, lists, exports
 * and events. Pure; any thread. */
#ifndef INSP_API_INSPECTIONS_INSPECTION_JSON_H
#define INSP_API_INSPECTIONS_INSPECTION_JSON_H

#include "core/store/store.h"

#include <jansson.h>

/* Makes the schema Inspection of openapi.yaml: {id, product, model, verdict, probability, threshold, decided_by,
 * good_only, heatmap, image, suspect, reasons, camera, part, received_at, timing_ms, label}. New reference; NULL
 * without memory. */
json_t *api_inspection_json(const struct insp_record *record);

/* Writes the names of a set of reasons (bits of suspect.h).
 *   separator  between two names
 *   ret        API_REASONS_BYTES bytes; "" for no reason */
enum { API_REASONS_BYTES = 160 };
void api_suspect_text(uint32_t suspect, char separator, char *ret);

/* Returns "good" or "anomaly"; NULL for INSP_LABEL_NONE. Static string. */
const char *api_label_name(enum insp_label label);

#endif
