/* core/model/registry.h - which products and versions there are on disk and which version is active:
 * <state>/models/<product>/active.json {"active": v, "history": [older actives, newest first]}, and which trunk
 * new trainings use: <state>/trunks/default. Files are replaced atomically. All functions block on the disk; any
 * one thread at a time per state folder writes (the daemon's job, or the command line while no daemon runs). */
#ifndef INSP_MODEL_REGISTRY_H
#define INSP_MODEL_REGISTRY_H

#include "core/base/error.h"
#include "core/model/manifest.h"

#include <stddef.h>
#include <stdint.h>

struct insp_names {
    size_t count;
    char (*name)[INSP_NAME_BYTES];
};
void insp_names_clear(struct insp_names *names);

int insp_registry_products(const char *state_dir, struct insp_names *ret, struct insp_error *reterr); /* sorted */
int insp_registry_versions(const char *state_dir, const char *product, struct insp_names *ret,
                           struct insp_error *reterr); /* newest first */

/* ret has INSP_NAME_BYTES bytes; "" where none is active. */
int insp_registry_active(const char *state_dir, const char *product, char *ret_version, struct insp_error *reterr);
/* Verifies the bundle, then makes it active. INSP_E_NOT_FOUND, INSP_E_MODEL. */
int insp_registry_activate(const char *state_dir, const char *product, const char *version,
                           struct insp_error *reterr);
/* Back to the newest older active version that still exists; INSP_E_CONFLICT where there is none. */
int insp_registry_rollback(const char *state_dir, const char *product, char *ret_version,
                           struct insp_error *reterr);
/* INSP_E_CONFLICT for the active version. */
int insp_registry_remove(const char *state_dir, const char *product, const char *version,
                         struct insp_error *reterr);

struct insp_trunk_info {
    char sha256[INSP_SHA256_HEX_BYTES];
    uint64_t bytes;
    bool is_default;
};
/* *ret is the caller's (free). */
int insp_registry_trunks(const char *state_dir, struct insp_trunk_info **ret, size_t *ret_count,
                         struct insp_error *reterr);
int insp_registry_set_default_trunk(const char *state_dir, const char *sha256, struct insp_error *reterr);
/* "" where none is installed; the only one installed where no default is set. */
int insp_registry_default_trunk(const char *state_dir, char *ret_sha256, struct insp_error *reterr);

#endif
