/* core/model/bundle.h - one trained model on disk: <state>/models/<product>/<version>/{manifest.json,
 * model.safetensors}. Written to a temporary folder, fsynced and renamed: there whole or not at all.
 * All functions block on the disk; any thread. */
#ifndef INSP_MODEL_BUNDLE_H
#define INSP_MODEL_BUNDLE_H

#include "core/model/manifest.h"
#include "core/model/weights.h"

/* Writes a bundle. manifest->version is taken as given where set, else made: UTC time "20261124T202720Z" (with
 * "-2", "-3" where taken); weights_sha256 and created_us are filled in. INSP_E_CONFLICT where the version exists.
 */
int insp_bundle_write(const char *state_dir, struct insp_manifest *manifest, const struct insp_tail_buffers *tail,
                      struct insp_error *reterr);

/* Reads and verifies: manifest, hash of the weights, product and version equal to the folders' names, the trunk
 * file present. INSP_E_NOT_FOUND, INSP_E_MODEL (names what is wrong). ret_tail may be NULL: then weights are
 * hashed only. */
int insp_bundle_read(const char *state_dir, const char *product, const char *version,
                     struct insp_manifest **ret_manifest, struct insp_tail_buffers **ret_tail,
                     struct insp_error *reterr);

/* Rewrites the manifest alone (threshold, heatmap); atomic. */
int insp_bundle_update_manifest(const char *state_dir, const struct insp_manifest *manifest,
                                struct insp_error *reterr);

/* Trunks: <state>/trunks/<sha256>.safetensors */
int insp_trunk_install(const char *state_dir, const struct insp_trunk_arrays *arrays, char *ret_sha256,
                       struct insp_error *reterr);
/* Reads and checks a trunk against its name; INSP_E_NOT_FOUND, INSP_E_MODEL. */
int insp_trunk_open(const char *state_dir, const char *sha256, struct insp_trunk_arrays **ret,
                    struct insp_error *reterr);

/* Removes what a crash left: temporary folders and files below models/ and trunks/. Startup only. */
int insp_bundle_sweep(const char *state_dir, struct insp_error *reterr);

#endif
