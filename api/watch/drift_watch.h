/* api/watch/drift_watch.h - find the cameras whose good parts drift: what the alarm, the metrics and the list of
 * statistics show. The chore of housekeeping.c reads it from the store; the loop publishes it. */
#ifndef INSP_API_WATCH_DRIFT_WATCH_H
#define INSP_API_WATCH_DRIFT_WATCH_H

#include "core/inspect/inspection.h"
#include "core/serving/models.h"
#include "core/store/lists/drift_rows.h"

#include <stdio.h>

enum { API_DRIFT_CAMERAS = 64 }; /* of all products; those that drift come first */

struct api_drift_camera {
    char product[INSP_NAME_BYTES], camera[INSP_TAG_BYTES], model[INSP_NAME_BYTES];
    int64_t day; /* drift_rows.h */
    uint64_t parts;
    struct insp_drift drift; /* state none, higher, lower or unknown */
};

/* Holds the newest day of each camera and version with enough parts, today or yesterday. */
struct api_drift {
    bool failed; /* the last reading failed; logged once */
    size_t count;
    struct api_drift_camera camera[API_DRIFT_CAMERAS];
};

/* Holds a row with its texts: it is judged (insp_drift_of takes milliseconds) after the reading. */
struct api_drift_row {
    struct insp_drift_row row; /* its texts are NULL */
    char product[INSP_NAME_BYTES], camera[INSP_TAG_BYTES], model[INSP_NAME_BYTES];
};
struct api_drift_rows {
    struct api_drift_row *row; /* owned */
    size_t count, room;
};
/* Appends a copy of a row. Returns false without memory. */
bool api_drift_rows_add(struct api_drift_rows *rows, const struct insp_drift_row *row);

/* Says whether a camera drifts. Pure. */
bool api_camera_drifts(const struct api_drift_camera *camera);

/* Reads the state of the versions that serve from the store. A failure is logged, and *ret stays as it was. Blocks
 * on the disk; any thread but the loop. */
void api_drift_read(struct insp_store *store, struct insp_models *models, int64_t now_us, struct api_drift *ret);

/* Removes the cameras whose version has ceased to serve meanwhile. Loop thread. */
void api_drift_keep_serving(struct api_drift *drift, const struct insp_models *models);

/* Says whether a camera drifts, and lists those that do: "carpet cam1 higher, ...". Pure. */
bool api_drift_alarm(const struct api_drift *drift, char *ret, size_t bytes);

/* Logs the cameras whose state has changed. */
void api_drift_log(const struct api_drift *before, const struct api_drift *after);

/* Writes the metrics of drift, inspectd_drift and inspectd_drift_ratio (drift_metrics.c). Errors are the stream's:
 * ferror(). */
void api_drift_metrics(const struct api_drift *drift, FILE *out);

#endif
