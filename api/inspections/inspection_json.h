/* api/resources/inspection_json.h - the one JSON form of an inspection, fresh or stored. Any thread. */
#ifndef INSP_API_RESOURCES_INSPECTION_JSON_H
#define INSP_API_RESOURCES_INSPECTION_JSON_H

#include "core/store/store.h"

#include <jansson.h>

/* New reference, NULL without memory: {id, product, model, verdict, probability, threshold, heatmap: {...}, image:
 * {...}, suspect, reasons: [...], camera, part, received_at, timing_ms: {...}, label}. */
json_t *api_inspection_json(const struct insp_record *record);

/* The names of a set of reasons (suspect.h), with `separator` between them, into ret of API_REASONS_BYTES. */
enum { API_REASONS_BYTES = 160 };
void api_suspect_text(uint32_t suspect, char separator, char *ret);

/* "good" | "anomaly" | NULL for none. */
const char *api_label_name(enum insp_label label);

#endif
