/* core/region/field_file.h - keep the fields of each product that its next training uses, in
 * <state>/regions/<product>.json (field_set.h). A version keeps the fields that it was trained with in its
 * manifest; a change here changes no version. All functions block on the disk; any thread but the loop. */
#ifndef INSP_REGION_FIELD_FILE_H
#define INSP_REGION_FIELD_FILE_H

#include "core/region/field_set.h"

enum { INSP_FIELD_FILE_BYTES_MAX = 256 << 10 };

/* Reads a set from any file. *ret is one reference, the caller's; NULL for a set without fields. Fails with
 * INSP_E_PARAMETER, whose detail names the file, INSP_E_NOMEM, and as insp_read_file does. */
int insp_field_file_load(const char *path, struct insp_field_set **ret, struct insp_error *reterr);

/* Reads the set of a product, as above; NULL too if it has no file. product: a valid name (insp_name_valid). */
int insp_field_file_read(const char *state_dir, const char *product, struct insp_field_set **ret,
                         struct insp_error *reterr);

/* Replaces the set of a product: syncs the file and its folder. set: NULL removes the file. Fails with
 * INSP_E_NOSPACE, INSP_E_PERMISSION, INSP_E_IO, INSP_E_NOMEM; the old set then stays. */
int insp_field_file_write(const char *state_dir, const char *product, const struct insp_field_set *set,
                          struct insp_error *reterr);

/* Changes the field of one camera as insp_field_set_change does, while no other thread or process changes the set.
 * *ret: the new set, one reference, the caller's. */
int insp_field_file_change(const char *state_dir, const char *product, const char *camera, json_t *json,
                           struct insp_field_set **ret, struct insp_error *reterr);

/* Replaces the set of a product as insp_field_file_write does, while no other thread or process changes it. */
int insp_field_file_replace(const char *state_dir, const char *product, const struct insp_field_set *set,
                            struct insp_error *reterr);

#endif
