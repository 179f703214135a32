/* core/region/field_set.h - hold the fields of a product: one for all cameras, and one for each camera that has
 * its own. Read and write them as JSON, for HTTP, manifests and the command line:
 *
 *   {"default": FIELD or null, "cameras": {CAMERA: FIELD, ...}}
 *   FIELD: {"look": [POLYGON, ...], "ignore": [POLYGON, ...]}   either may be missing
 *   POLYGON: [[x, y], ...]                                      polygon.h
 *
 * A set is immutable and reference-counted. Any thread. */
#ifndef INSP_REGION_FIELD_SET_H
#define INSP_REGION_FIELD_SET_H

#include "core/base/cleanup.h"
#include "core/region/field.h"

#include <jansson.h>

enum {
    INSP_CAMERA_BYTES = 129,        /* up to 128 bytes of UTF-8 */
    INSP_FIELD_CAMERAS_MAX = 32,    /* with separate fields */
    INSP_FIELD_POINTS_TOTAL = 4096, /* in all polygons of a set */
};

struct insp_camera_field {
    char camera[INSP_CAMERA_BYTES];
    struct insp_field *field; /* owned */
};

struct insp_field_set {
    _Atomic int references;
    struct insp_field *general; /* owned; NULL: the whole picture */
    size_t count;
    struct insp_camera_field *camera;   /* [count], owned; sorted by name */
    char digest[INSP_SHA256_HEX_BYTES]; /* of the JSON text */
};

/* Parses a set. *ret is one reference, the caller's; NULL for null, and for a set that has no field. A document
 * with "look" or "ignore" is the field for all cameras. Fails with INSP_E_PARAMETER, whose detail names the place,
 * INSP_E_NOMEM. */
int insp_field_set_parse(json_t *json, struct insp_field_set **ret, struct insp_error *reterr);

/* Makes the JSON object, a new reference; null for a set of NULL. NULL without memory. */
json_t *insp_field_set_json(const struct insp_field_set *set);

/* Makes a copy in which a camera has another field. base: NULL has no field. camera: NULL or "" means the field
 * for all cameras. json: a FIELD; NULL removes it. *ret: as insp_field_set_parse. Fails with INSP_E_NOT_FOUND if
 * there is no field to remove, and as insp_field_set_parse does. */
int insp_field_set_change(const struct insp_field_set *base, const char *camera, json_t *json,
                          struct insp_field_set **ret, struct insp_error *reterr);

/* Finds the field of a camera: its own, else the one for all. NULL: the whole picture. set and camera may be NULL.
 */
const struct insp_field *insp_field_of(const struct insp_field_set *set, const char *camera);
/* Says whether a camera has a separate field. */
bool insp_field_own(const struct insp_field_set *set, const char *camera);

/* Derives the cells of all tiles for each field (insp_field_tile). Before the set is shared; accepts NULL. */
int insp_field_set_tile(struct insp_field_set *set, struct insp_tiles tiles, struct insp_error *reterr);

/* Returns the digest of a set, "" for NULL. */
const char *insp_field_set_digest(const struct insp_field_set *set);
/* Says whether two sets, NULL allowed, have the same fields. */
bool insp_field_set_equal(const struct insp_field_set *a, const struct insp_field_set *b);

/* Adds a reference and returns the set; accepts NULL. */
struct insp_field_set *insp_field_set_ref(struct insp_field_set *set);
void insp_field_set_unref(struct insp_field_set *set); /* accepts NULL */

DEFINE_CLEANUP(struct insp_field_set, insp_field_set_unref);
#endif
