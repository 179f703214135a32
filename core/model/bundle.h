/* core/model/bundle.h - write, read and change a bundle, one trained model on disk:
 * <state>/models/<product>/<version>/{manifest.json, model.safetensors, golden.json, golden-N.png,
 * good_only.safetensors, logistic.safetensors}. A bundle is written to a temporary folder, synced and renamed, so
 * it appears whole or not at all. All functions block on the disk; any thread. Two writers at once do not harm
 * each other.
 *
 * Besides the errors listed, all fail with INSP_E_NOMEM, INSP_E_IO, INSP_E_PERMISSION; writers with
 * INSP_E_NOSPACE too. */
#ifndef INSP_MODEL_BUNDLE_H
#define INSP_MODEL_BUNDLE_H

#include "core/model/golden.h"
#include "core/model/good/good_memory.h"
#include "core/model/manifest.h"
#include "core/model/weights.h"

#include <sys/types.h>

/* Begins the names of temporary files and folders. Valid names never start with a dot. */
#define INSP_TEMPORARY_PREFIX ".new-"
#define INSP_TEMPORARY_OF_PROCESS INSP_TEMPORARY_PREFIX "%d-" /* of insp_bundle_write; its number */
#define INSP_ACTIVE_FILE "active.json"    /* <state>/models/<product>/active.json, see registry.h */
#define INSP_DEFAULT_TRUNK_FILE "default" /* <state>/trunks/default, see registry.h */

/* Writes a bundle. On success it fills in weights_sha256, golden_sha256, created_us and, if empty, version:
 * the UTC time "20261124T202720Z" (with "-2", "-3"... if that exists). On failure manifest is unchanged and
 * nothing is left on the disk. golden may be NULL: then the self-test has only drawn pictures. The trunk need
 * not be installed yet. Fails with
 *   INSP_E_CONFLICT   the version exists
 *   INSP_E_PARAMETER  a bad name
 *   INSP_E_MODEL      a field out of range, or golden samples that are not finite */
int insp_bundle_write(const char *state_dir, struct insp_manifest *manifest, const struct insp_tail_buffers *tail,
                      const struct insp_golden *golden, struct insp_error *reterr);
/* Holds the parts of a bundle; all borrowed, each may be NULL. */
struct insp_bundle_parts {
    const struct insp_tail_buffers *tail; /* NULL: the good-only model decides */
    const struct insp_golden *golden;
    const struct insp_good_gauss *good;    /* described by manifest->good_only */
    const struct insp_good_memory *memory; /* its sums; NULL: it cannot be extended */
    const struct insp_logistic *logistic;  /* used as manifest->logistic says */
};
/* Writes a bundle with all its parts, and fills in their hashes in manifest->good_only and manifest->logistic too.
 * Without a good-only model or logistic regression it empties its description. Fails as insp_bundle_write does,
 * and with INSP_E_MODEL if a description is missing. */
int insp_bundle_write_parts(const char *state_dir, struct insp_manifest *manifest,
                            const struct insp_bundle_parts *parts, struct insp_error *reterr);

/* Reads and verifies a bundle: manifest, hashes of the weights and of its other models, product and version equal
 * to the names of the folders, trunk file present. The results are the caller's. ret_tail may be NULL: then
 * weights are only hashed; *ret_tail is NULL if the bundle has no tail. Fails with
 *   INSP_E_NOT_FOUND  no such folder
 *   INSP_E_MODEL      a file is missing, damaged or wrong; the detail names it */
int insp_bundle_read(const char *state_dir, const char *product, const char *version,
                     struct insp_manifest **ret_manifest, struct insp_tail_buffers **ret_tail,
                     struct insp_error *reterr);

/* Reads the golden samples of a manifest that was read. *ret is the caller's, NULL if the bundle has none.
 * Fails with INSP_E_NOT_FOUND, INSP_E_MODEL. */
int insp_bundle_read_golden(const char *state_dir, const struct insp_manifest *manifest, struct insp_golden **ret,
                            struct insp_error *reterr);

/* Reads the good-only model of a manifest that was read, and verifies its hash. *ret is the caller's, NULL if the
 * bundle has none. Fails with INSP_E_NOT_FOUND, INSP_E_MODEL. */
int insp_bundle_read_good(const char *state_dir, const struct insp_manifest *manifest,
                          struct insp_good_gauss **ret, struct insp_error *reterr);

/* Reads the logistic regression of a manifest that was read, and verifies its hash. *ret is the caller's (free),
 * NULL if the bundle has none. Fails with INSP_E_MODEL. */
int insp_bundle_read_logistic(const char *state_dir, const struct insp_manifest *manifest,
                              struct insp_logistic **ret, struct insp_error *reterr);

/* Reads the sums of the good-only model of a manifest that was read, and verifies their hash.
 * insp_good_memory_clear releases *ret. Fails with INSP_E_MODEL, also if the manifest names none, and
 * INSP_E_NOT_FOUND. */
int insp_bundle_read_memory(const char *state_dir, const struct insp_manifest *manifest,
                            struct insp_good_memory *ret, struct insp_error *reterr);

/* Reads the manifest and checks its names, but not the hash of the weights: for lists. *ret_manifest is the
 * caller's. Fails with INSP_E_NOT_FOUND, INSP_E_MODEL. */
int insp_bundle_read_manifest(const char *state_dir, const char *product, const char *version,
                              struct insp_manifest **ret_manifest, struct insp_error *reterr);

/* Finds the folder of a bundle. ret_folder has INSP_PATH_BYTES bytes. Fails with INSP_E_NOT_FOUND. */
int insp_bundle_folder(const char *state_dir, const char *product, const char *version, char *ret_folder,
                       struct insp_error *reterr);

/* Replaces the manifest (threshold, heatmap, review), atomically. Fails with INSP_E_NOT_FOUND, INSP_E_MODEL. */
int insp_bundle_update_manifest(const char *state_dir, const struct insp_manifest *manifest,
                                struct insp_error *reterr);

/* Installs a trunk as <state>/trunks/<sha256>.safetensors; success if it is installed already. ret_sha256 has
 * INSP_SHA256_HEX_BYTES bytes. */
int insp_trunk_install(const char *state_dir, const struct insp_trunk_arrays *arrays, char *ret_sha256,
                       struct insp_error *reterr);
/* Reads a trunk and checks its hash against its name. *ret is the caller's. Fails with INSP_E_NOT_FOUND,
 * INSP_E_MODEL. */
int insp_trunk_open(const char *state_dir, const char *sha256, struct insp_trunk_arrays **ret,
                    struct insp_error *reterr);
/* Reads a trunk as insp_trunk_open does and loads it onto a device. *ret is the caller's. Fails also as
 * insp_trunk_load does. */
int insp_trunk_open_on(struct insp_device *device, const char *state_dir, const char *sha256,
                       struct insp_trunk **ret, struct insp_error *reterr);

/* Removes temporary folders and files below models/ and trunks/ that a crash left. Call it only at startup. */
int insp_bundle_sweep(const char *state_dir, struct insp_error *reterr);

/* Removes the temporaries that insp_bundle_write of a dead process left below models/<product>. At any time:
 * temporaries of other processes stay. Fails with the codes of insp_fail_errno. */
int insp_bundle_sweep_of(const char *state_dir, const char *product, pid_t pid, struct insp_error *reterr);

#endif
