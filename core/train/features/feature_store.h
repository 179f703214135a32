/* core/train/features/feature_store.h - store equal slots of data under 64-character keys in one memory-mapped
 * file of bounded size. When the file is full, the least recently used slots are reused. feature_cache.h says
 * which files there are.
 *
 * The file has one header page, then for each slot one page (key, checksum, time of use, commit mark) and its
 * data.
 *   kill -9    the commit mark is set after the data, so a slot is valid or empty
 *   power cut  pages may reach the disk in any order: insp_feature_store_verify compares the data with the
 *              checksum
 *   disk full  space is allocated before it is mapped: reserve fails with INSP_E_NOSPACE instead of a SIGBUS
 *              later
 * A file of another format or slot size, or larger than bytes_max, is emptied when it is opened. One process at a
 * time (flock). One thread per object. */
#ifndef INSP_TRAIN_FEATURES_FEATURE_STORE_H
#define INSP_TRAIN_FEATURES_FEATURE_STORE_H

#include "core/base/cleanup.h"
#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INSP_STORE_PAGE = 4096, INSP_STORE_KEY_BYTES = 65 };

struct insp_feature_store;

/* Opens or creates <folder>/<name>.features.
 *   folder      created if missing; NULL: an unlinked temporary file under TMPDIR or /tmp
 *   data_bytes  of one slot, a multiple of INSP_STORE_PAGE
 *   bytes_max   of all *.features files in the folder, but for others that are in use, which are never removed; 0:
 *               no limit
 * Errors:
 *   INSP_E_CONFLICT  another process has the file open
 *   INSP_E_NOMEM, errno codes */
int insp_feature_store_open(const char *folder, const char *name, size_t data_bytes, uint64_t bytes_max,
                            struct insp_feature_store **ret, struct insp_error *reterr);
/* Closes the file. If files were in use that exceed bytes_max together, the oldest others are removed now. Accepts
 * NULL. */
void insp_feature_store_close(struct insp_feature_store *store);

/* Returns the number of slots in the file, empty ones included. */
size_t insp_feature_store_slots(const struct insp_feature_store *store);
/* Returns the key of a committed slot, "" for an empty one. Valid until the next reserve. */
const char *insp_feature_store_key(const struct insp_feature_store *store, size_t slot);
/* Returns the data of a slot, page-aligned. Valid until the next reserve. */
void *insp_feature_store_data(const struct insp_feature_store *store, size_t slot);
/* Returns true and marks the slot as used now if its data match the checksum; otherwise empties the slot. */
bool insp_feature_store_verify(struct insp_feature_store *store, size_t slot);

/* Chooses `count` empty slots to write: first empty slots, then new ones at the end, then used slots, least
 * recently used first. To make room for new slots, the oldest other files in the folder are removed that
 * no training has open.
 *   keep      [insp_feature_store_slots], true for slots that must not be reused
 *   ret_slot  [count], the caller's memory
 * Errors: INSP_E_NOSPACE if bytes_max or the disk is too small (the detail gives the size that is needed), errno
 * codes. */
int insp_feature_store_reserve(struct insp_feature_store *store, const bool *keep, size_t count, size_t *ret_slot,
                               struct insp_error *reterr);

/* Marks the data written to the slot as valid under `key` (INSP_STORE_KEY_BYTES - 1 characters). */
void insp_feature_store_commit(struct insp_feature_store *store, size_t slot, const char *key);

DEFINE_CLEANUP(struct insp_feature_store, insp_feature_store_close);
#endif
