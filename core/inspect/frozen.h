/* core/inspect/frozen.h - notice a camera that sends the same bytes again: no sensor gives two equal pictures, so
 * its picture is not of the part. One thread, the loop's; nothing blocks. */
#ifndef INSP_INSPECT_FROZEN_H
#define INSP_INSPECT_FROZEN_H

#include "core/base/cleanup.h"
#include "core/base/error.h"

#include <stdbool.h>

struct insp_frozen;

enum { INSP_FROZEN_CAMERAS = 256 };

/* Makes a memory of the last picture of up to INSP_FROZEN_CAMERAS cameras, 90 KB; beyond them, the camera that has
 * been silent longest is forgotten. It does not survive a restart. *ret is the caller's.
 *   repeats  1 or more: after how many equal pictures in a row, beyond the first, a camera is frozen
 * Fails with INSP_E_NOMEM. */
int insp_frozen_new(unsigned repeats, struct insp_frozen **ret, struct insp_error *reterr);
void insp_frozen_free(struct insp_frozen *frozen); /* accepts NULL */

/* Notes a picture and returns true if its camera is frozen. Pictures are equal if their hashes are.
 *   product, camera  the camera is known by both, because one picture may be posted for two products; camera "":
 *                    the cameras without a name count as one
 *   sha256           64 hexadecimal digits */
bool insp_frozen_note(struct insp_frozen *frozen, const char *product, const char *camera, const char *sha256);

DEFINE_CLEANUP(struct insp_frozen, insp_frozen_free);
#endif
