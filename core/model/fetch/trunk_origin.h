/* core/model/fetch/trunk_origin.h - install a trunk for new trainings, and keep where it came from in
 * <state>/trunks/<sha256>.origin. Blocks on the disk; any thread but the loop. */
#ifndef INSP_MODEL_FETCH_TRUNK_ORIGIN_H
#define INSP_MODEL_FETCH_TRUNK_ORIGIN_H

#include "core/base/error.h"
#include "core/model/bundle.h"

enum insp_trunk_origin {
    INSP_TRUNK_UNKNOWN, /* imported, or installed before origins were kept */
    INSP_TRUNK_FETCHED, /* the published file */
    INSP_TRUNK_BANK,    /* built from images of the site */
};
const char *insp_trunk_origin_name(enum insp_trunk_origin origin); /* "fetched" | "bank"; NULL if unknown */

/* Installs a trunk in a prepared state folder, keeps its origin and makes it the default for new trainings. An
 * unknown origin leaves the one that is known.
 *   ret_sha256  INSP_SHA256_HEX_BYTES bytes
 * Fails with the codes of insp_trunk_install, insp_registry_set_default_trunk and insp_fail_errno. */
int insp_trunk_install_default(const char *state_dir, const struct insp_trunk_arrays *arrays,
                               enum insp_trunk_origin origin, char *ret_sha256, struct insp_error *reterr);

/* Returns the origin of an installed trunk. */
enum insp_trunk_origin insp_trunk_origin_of(const char *state_dir, const char *sha256);

#endif
