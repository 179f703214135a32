/* api/inspections/labels.h - read the label of an inspection from JSON. Pure; any thread. */
#ifndef INSP_API_INSPECTIONS_LABELS_H
#define INSP_API_INSPECTIONS_LABELS_H

#include "core/store/store.h"

#include <jansson.h>

struct api_new_label {
    enum insp_label label;
    const char *defect, *note; /* "" if none */
};

/* Reads {"label": "good"|"anomaly"|null, "defect"?, "note"?} and checks it. *ret borrows from json. Fails with
 * INSP_E_PARAMETER. */
int api_label_read(json_t *json, struct api_new_label *ret, struct insp_error *reterr);

#endif
