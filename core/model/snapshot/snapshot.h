/* core/model/snapshot/snapshot.h - keeps the list of the images that a version was trained on, as dataset.json
 * beside its manifest: {"images": [{"place", "class", "sha256", "bytes", "held_out"}]}. It does not influence a
 * verdict, so a bundle without it, of an older writer, is whole. Blocks on the disk; any thread. */
#ifndef INSP_MODEL_SNAPSHOT_SNAPSHOT_H
#define INSP_MODEL_SNAPSHOT_SNAPSHOT_H

#include "core/base/error.h"

#include <jansson.h>

/* Writes the list into a folder of a bundle that is being made, and syncs it. A list of more than 64 MiB, of some
 * 300 000 images, is left out, because each page of it would be read from the whole. images: a JSON array,
 * borrowed. Fails with INSP_E_NOMEM and the codes of insp_fail_errno. */
int insp_snapshot_write(const char *folder, json_t *images, struct insp_error *reterr);

/* Reads the list from the folder of a version (insp_bundle_folder). *ret_images is a new reference to the array.
 * Fails with INSP_E_NOT_FOUND (the version has no list), INSP_E_MODEL (the file is damaged), INSP_E_NOMEM, errno
 * codes. */
int insp_snapshot_read(const char *folder, json_t **ret_images, struct insp_error *reterr);

#endif
