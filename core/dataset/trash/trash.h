/* core/dataset/trash/trash.h - keeps the folders of changes inside a dataset, <set>/.trash/<id>: change.json and
 * the images that were removed. Ids are UUIDs of version 7. Links are not followed. Functions block on the disk;
 * any thread. The caller holds the lock of dataset_edit.h where it writes or removes. */
#ifndef INSP_DATASET_TRASH_TRASH_H
#define INSP_DATASET_TRASH_TRASH_H

#include "core/base/error.h"

#include <dirent.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define INSP_TRASH ".trash" /* hidden, so no training reads it */

/* Opens <set>/.trash, or <set>/.trash/<id>. id: may be NULL. The caller closes *ret_fd. Fails with
 * INSP_E_NOT_FOUND, INSP_E_FORBIDDEN (a link), errno codes. */
int insp_trash_open(const char *set, const char *id, bool make, int *ret_fd, struct insp_error *reterr);

/* Removes a change with its images, and of one that moved nothing the description and the folder, which stays if
 * anything else is in it. */
int insp_trash_remove(const char *set, const char *id, struct insp_error *reterr);
void insp_trash_drop(const char *set, const char *id);

/* Writes the description of a change, and syncs it. json: borrowed; NULL counts as out of memory. */
int insp_trash_write(const char *set, const char *id, json_t *json, struct insp_error *reterr);

/* Reads the description of a change: a new reference to an object with the list "steps". Fails with
 * INSP_E_NOT_FOUND, INSP_E_IO (it is damaged), INSP_E_FORBIDDEN, errno codes. */
int insp_trash_read(const char *set, const char *id, json_t **ret, struct insp_error *reterr);

/* Lists the ids of all changes, newest first; a set without trash has none. The caller frees the list. */
int insp_trash_list(const char *set, struct dirent ***ret, size_t *ret_count, struct insp_error *reterr);
void insp_trash_list_free(struct dirent **ids, size_t count);

#endif
