/* core/model/registry.h - list products, versions and trunks on disk, and keep the choice of the active
 * version, <state>/models/<product>/active.json {"active": v, "history": [older actives, newest first]}, and
 * of the trunk for new trainings, <state>/trunks/default. Files are replaced atomically. All functions block
 * on the disk. Reading: any thread. Only one thread may write per state folder; core/serving/model_change.h
 * serialises the writers of active.json.
 *
 * Besides the errors listed, all fail with INSP_E_NOMEM, INSP_E_IO, INSP_E_PERMISSION; writers with
 * INSP_E_NOSPACE too. A product name that is not valid gives INSP_E_NOT_FOUND. */
#ifndef INSP_MODEL_REGISTRY_H
#define INSP_MODEL_REGISTRY_H

#include "core/base/error.h"
#include "core/model/manifest.h"

#include <stddef.h>
#include <stdint.h>

/* Holds a list of names, the caller's, freed by insp_names_clear. Lists leave out folders whose names are not
 * valid (temporaries start with a dot). */
struct insp_names {
    size_t count;
    char (*name)[INSP_NAME_BYTES];
};
void insp_names_clear(struct insp_names *names); /* accepts a zeroed one */

/* Lists the products that have at least one version, sorted by name. A missing state folder gives an empty
 * list. */
int insp_registry_products(const char *state_dir, struct insp_names *ret, struct insp_error *reterr);
/* Lists the versions of a product, the newest first by `created` of their manifests; versions with unreadable
 * manifests come last. An unknown product gives an empty list. */
int insp_registry_versions(const char *state_dir, const char *product, struct insp_names *ret,
                           struct insp_error *reterr);

/* Reads the active version; "" if none is active. ret_version has INSP_NAME_BYTES bytes. Fails with
 * INSP_E_MODEL for a damaged active.json. */
int insp_registry_active(const char *state_dir, const char *product, char *ret_version, struct insp_error *reterr);
/* Makes a bundle, which the caller has verified, the active one. The one before enters the history, which
 * holds at most 32 versions, each once at its latest time. Changes nothing if the version is active already.
 * Fails with INSP_E_NOT_FOUND, INSP_E_MODEL. */
int insp_registry_set_active(const char *state_dir, const char *product, const char *version,
                             struct insp_error *reterr);
/* Goes back to the newest older active version that still exists, which the caller has verified
 * (insp_registry_rollback_target names it). The version left does not enter the history, so a second rollback
 * goes one further back. ret_version has INSP_NAME_BYTES bytes. Fails with INSP_E_CONFLICT if there is none,
 * INSP_E_MODEL. */
int insp_registry_set_back(const char *state_dir, const char *product, char *ret_version,
                           struct insp_error *reterr);
/* Save and restore active.json as a whole, history included, in case a change cannot be kept. *ret is the
 * caller's (free), NULL if no version has been active yet. */
int insp_registry_save(const char *state_dir, const char *product, char **ret, struct insp_error *reterr);
int insp_registry_restore(const char *state_dir, const char *product, const char *saved,
                          struct insp_error *reterr);
/* Names the version to which a rollback would lead. Fails as insp_registry_set_back does. Names a version that
 * exists but is broken rather than skip it silently, so that a rollback never leads further back than the user
 * expects. */
int insp_registry_rollback_target(const char *state_dir, const char *product, char *ret_version,
                                  struct insp_error *reterr);
/* Removes a version and, with the last one, the empty product folder. Fails with INSP_E_CONFLICT for the
 * active version, INSP_E_NOT_FOUND. */
int insp_registry_remove(const char *state_dir, const char *product, const char *version,
                         struct insp_error *reterr);

struct insp_trunk_info {
    char sha256[INSP_SHA256_HEX_BYTES];
    uint64_t bytes; /* of the file */
    bool is_default;
};
/* Lists the trunks sorted by hash; the hashes come from the file names and are not computed. *ret is the
 * caller's (free), NULL for none. */
int insp_registry_trunks(const char *state_dir, struct insp_trunk_info **ret, size_t *ret_count,
                         struct insp_error *reterr);
/* Sets the trunk that new trainings use. Fails with INSP_E_NOT_FOUND if it is not installed. */
int insp_registry_set_default_trunk(const char *state_dir, const char *sha256, struct insp_error *reterr);
/* Reads the trunk that new trainings use: the default, or the only one installed; "" if none is installed.
 * ret_sha256 has INSP_SHA256_HEX_BYTES bytes. Fails with
 *   INSP_E_CONFLICT   several trunks are installed and none is the default
 *   INSP_E_NOT_FOUND  the default is no longer installed
 *   INSP_E_MODEL      the file `default` is damaged */
int insp_registry_default_trunk(const char *state_dir, char *ret_sha256, struct insp_error *reterr);

#endif
