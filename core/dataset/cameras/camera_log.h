/* core/dataset/cameras/camera_log.h - remember which camera took an image of a dataset, by the hash of its bytes,
 * so that an image that moves to another class keeps its camera. The log is <set>/.cameras, one line "SHA256
 * CAMERA" per image; of two lines with one hash the later counts. Images without a line are of an unknown camera.
 * Functions block on the disk; any thread but the loop. */
#ifndef INSP_DATASET_CAMERAS_CAMERA_LOG_H
#define INSP_DATASET_CAMERAS_CAMERA_LOG_H

#include "core/dataset/dataset.h"
#include "core/region/field_set.h"

enum {
    INSP_CAMERA_LOG_BYTES_MAX = 64 << 20,
    INSP_CAMERA_LOG_STEP = 64 << 10, /* bytes; crossing a multiple of it, the log is written anew */
};

/* Appends a line under a lock and syncs the file, unless the last INSP_CAMERA_LOG_STEP bytes of the log say the
 * same already. At each INSP_CAMERA_LOG_STEP it removes lines that no longer count; if that fails, a warning says
 * so, and the line is stored all the same. A line that a power cut has torn, and NULs that one has left, are
 * passed over when the log is read.
 *   camera  1 to 128 bytes without control characters
 * Errors: INSP_E_FORBIDDEN (a link in its place), INSP_E_NOSPACE, errno codes. */
int insp_camera_log_add(const char *set, const char *sha256, const char *camera, struct insp_error *reterr);

/* Sets the camera of each hashed item that the log knows. A missing log knows none. Errors: INSP_E_NOMEM, errno
 * codes. */
int insp_dataset_cameras(struct insp_dataset *dataset, struct insp_error *reterr);

#endif
