/* core/model/registry.h - which products and versions there are on disk and which version is active:
 * <state>/models/<product>/active.json {"active": v, "history": [older actives, newest first]}, and which trunk
 * new trainings use: <state>/trunks/default. Files are replaced atomically. All functions block on the disk; any
 * one thread at a time per state folder writes: core/serving/model_change.h sees to that. */
#ifndef INSP_MODEL_REGISTRY_H
#define INSP_MODEL_REGISTRY_H

#include "core/base/error.h"
#include "core/model/manifest.h"

#include <stddef.h>
#include <stdint.h>

/* The caller's: cleared by insp_names_clear. Folders with other names (temporaries start with a dot) are not
 * listed. */
struct insp_names {
    size_t count;
    char (*name)[INSP_NAME_BYTES];
};
void insp_names_clear(struct insp_names *names);

/* Products that have at least one version, sorted. None, also without a state folder: count 0. */
int insp_registry_products(const char *state_dir, struct insp_names *ret, struct insp_error *reterr);
/* Newest first by the manifests' `created`; versions whose manifest cannot be read come last. An unknown product
 * has none. */
int insp_registry_versions(const char *state_dir, const char *product, struct insp_names *ret,
                           struct insp_error *reterr);

/* ret has INSP_NAME_BYTES bytes; "" where none is active. INSP_E_MODEL for a damaged active.json. */
int insp_registry_active(const char *state_dir, const char *product, char *ret_version, struct insp_error *reterr);
/* Makes a bundle that the caller has verified the active one; the one before goes into the history, which holds
 * each version once, at its latest time, and 32 at most. The active version again: no change. */
int insp_registry_set_active(const char *state_dir, const char *product, const char *version,
                             struct insp_error *reterr);
/* Back to the newest older active version that still exists, which the caller has verified
 * (insp_registry_rollback_target names it); the one left does not enter the history, so that a second rollback
 * goes one further back. INSP_E_CONFLICT where there is none. */
int insp_registry_set_back(const char *state_dir, const char *product, char *ret_version,
                           struct insp_error *reterr);
/* What says which one serves, to be put back as it was (history too) if the change to come cannot be kept. *ret is
 * the caller's (free); NULL where no version has been active yet. */
int insp_registry_save(const char *state_dir, const char *product, char **ret, struct insp_error *reterr);
int insp_registry_restore(const char *state_dir, const char *product, const char *saved,
                          struct insp_error *reterr);
/* Where a rollback would lead, without doing it. Fails as insp_registry_set_back. One that is there but broken is
 * named, not skipped: whoever asks for the model of last week shall not get last month's unsaid. */
int insp_registry_rollback_target(const char *state_dir, const char *product, char *ret_version,
                                  struct insp_error *reterr);
/* INSP_E_CONFLICT for the active version, INSP_E_NOT_FOUND. */
int insp_registry_remove(const char *state_dir, const char *product, const char *version,
                         struct insp_error *reterr);

struct insp_trunk_info {
    char sha256[INSP_SHA256_HEX_BYTES];
    uint64_t bytes; /* of the file */
    bool is_default;
};
/* Sorted by hash; hashes are taken from the names, not computed. *ret is the caller's (free), NULL for none. */
int insp_registry_trunks(const char *state_dir, struct insp_trunk_info **ret, size_t *ret_count,
                         struct insp_error *reterr);
/* INSP_E_NOT_FOUND where it is not installed. */
int insp_registry_set_default_trunk(const char *state_dir, const char *sha256, struct insp_error *reterr);
/* ret has INSP_SHA256_HEX_BYTES bytes; "" where none is installed; the only one installed where no default is set.
 * INSP_E_CONFLICT where several are and none is the default, INSP_E_NOT_FOUND where the default has gone. */
int insp_registry_default_trunk(const char *state_dir, char *ret_sha256, struct insp_error *reterr);

#endif
