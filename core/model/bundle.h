/* core/model/bundle.h - one trained model on disk: <state>/models/<product>/<version>/{manifest.json,
 * model.safetensors, golden.json, golden-N.png}. Written to a temporary folder, fsynced and renamed: there whole
 * or not at all. All functions block on the disk; any thread. Two writers at once do not harm each other. */
#ifndef INSP_MODEL_BUNDLE_H
#define INSP_MODEL_BUNDLE_H

#include "core/model/golden.h"
#include "core/model/manifest.h"
#include "core/model/weights.h"

#include <sys/types.h>

/* Names that start so are temporary: no valid name starts with a dot. */
#define INSP_TEMPORARY_PREFIX ".new-"
#define INSP_ACTIVE_FILE "active.json"    /* <state>/models/<product>/active.json, see registry.h */
#define INSP_DEFAULT_TRUNK_FILE "default" /* <state>/trunks/default, see registry.h */

/* Writes a bundle. manifest->version is taken as given where set, else made: UTC time "20261124T202720Z" (with
 * "-2", "-3" where taken); weights_sha256, golden_sha256 and created_us are filled in on success, otherwise
 * manifest is unchanged and nothing is left on the disk. golden may be NULL: then the bundle is proved on a drawn
 * picture alone. The trunk need not be installed yet. INSP_E_CONFLICT where the version exists, INSP_E_PARAMETER
 * for a bad name, INSP_E_MODEL for a field out of range, INSP_E_NOSPACE, INSP_E_PERMISSION, INSP_E_IO,
 * INSP_E_NOMEM. */
int insp_bundle_write(const char *state_dir, struct insp_manifest *manifest, const struct insp_tail_buffers *tail,
                      const struct insp_golden *golden, struct insp_error *reterr);

/* Reads and verifies: manifest, hash of the weights, product and version equal to the folders' names, the trunk
 * file present. INSP_E_NOT_FOUND, INSP_E_MODEL (names what is wrong). ret_tail may be NULL: then weights are
 * hashed only. */
int insp_bundle_read(const char *state_dir, const char *product, const char *version,
                     struct insp_manifest **ret_manifest, struct insp_tail_buffers **ret_tail,
                     struct insp_error *reterr);

/* The golden samples of a manifest that was read; *ret is NULL where the bundle has none. INSP_E_MODEL. */
int insp_bundle_read_golden(const char *state_dir, const struct insp_manifest *manifest, struct insp_golden **ret,
                            struct insp_error *reterr);

/* The manifest alone, with its names checked but not the hash of the weights: for lists. */
int insp_bundle_read_manifest(const char *state_dir, const char *product, const char *version,
                              struct insp_manifest **ret_manifest, struct insp_error *reterr);

/* The folder of a bundle (INSP_PATH_BYTES bytes); INSP_E_NOT_FOUND where there is none. */
int insp_bundle_folder(const char *state_dir, const char *product, const char *version, char *ret_folder,
                       struct insp_error *reterr);

/* Rewrites the manifest alone (threshold, heatmap); atomic. INSP_E_NOT_FOUND, INSP_E_MODEL. */
int insp_bundle_update_manifest(const char *state_dir, const struct insp_manifest *manifest,
                                struct insp_error *reterr);

/* Trunks: <state>/trunks/<sha256>.safetensors. Installing one that is there already is success. ret_sha256 has
 * INSP_SHA256_HEX_BYTES bytes. */
int insp_trunk_install(const char *state_dir, const struct insp_trunk_arrays *arrays, char *ret_sha256,
                       struct insp_error *reterr);
/* Reads and checks a trunk against its name; INSP_E_NOT_FOUND, INSP_E_MODEL. */
int insp_trunk_open(const char *state_dir, const char *sha256, struct insp_trunk_arrays **ret,
                    struct insp_error *reterr);
/* The same, onto a device. Fails as insp_trunk_load, too. */
int insp_trunk_open_on(struct insp_device *device, const char *state_dir, const char *sha256,
                       struct insp_trunk **ret, struct insp_error *reterr);

/* Removes what a crash left: temporary folders and files below models/ and trunks/. Startup only. */
int insp_bundle_sweep(const char *state_dir, struct insp_error *reterr);

/* Removes what insp_bundle_write of a process that is gone left below models/<product>. At any time: temporaries
 * of other processes stay. */
int insp_bundle_sweep_of(const char *state_dir, const char *product, pid_t pid, struct insp_error *reterr);

#endif
