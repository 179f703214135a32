/* core/model/fetch/trunk_fetch.h - fetch a trunk from a published file: download, verify, convert without
 * executing the file, install. Blocks on the network and the disk. */
#ifndef INSP_MODEL_FETCH_TRUNK_FETCH_H
#define INSP_MODEL_FETCH_TRUNK_FETCH_H

#include "core/base/error.h"
#include "core/base/progress.h"
#include "core/base/sha256.h"

/* Holds the address of a file in PyTorch's format, and its hash, 64 hexadecimal digits in lower case. Borrowed. */
struct insp_trunk_source {
    const char *url, *sha256;
};

/* Downloads a file to <state>/cache/<hash>.part, verifies its hash, converts and installs it, and makes it the
 * default for new trainings. An attempt that breaks off is continued by the next one; the file goes once it is
 * installed or is found to be another file. Nothing is installed unless the hash is right.
 *   progress    stages "download" and "install"; asked for cancellation; may be NULL
 *   ret_sha256  INSP_SHA256_HEX_BYTES bytes: the installed trunk
 * Fails with INSP_E_MODEL (the hash differs, both are named; the file is no VGG16),
 * INSP_E_CANCELLED, INSP_E_NOSPACE, INSP_E_SINK_AWAY (insp_download), INSP_E_NOMEM, errno codes. */
int insp_trunk_fetch(const char *state_dir, const struct insp_trunk_source *source,
                     const struct insp_progress *progress, char *ret_sha256, struct insp_error *reterr);

/* Does the same with a copy of the file that was carried by hand, and stays. */
int insp_trunk_fetch_file(const char *state_dir, const char *path, const char *sha256, char *ret_sha256,
                          struct insp_error *reterr);

#endif
