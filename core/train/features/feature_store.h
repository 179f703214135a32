/* core/train/features/feature_store.h - one memory-mapped file of equal slots under 64-character keys, bounded,
 * reused when full, least recently used first. The feature cache keeps one such file per (trunk, transform,
 * element type).
 *
 * File: one header page, then per slot one page of its own (key, checksum, time of use, commit mark) and the data.
 *   kill -9     the commit mark is set after the data, so a slot is valid or empty
 *   power cut   pages may reach the disk in any order: insp_feature_store_verify compares the data with its
 * checksum disk full   space is allocated before it is mapped: INSP_E_NOSPACE from reserve, never a SIGBUS later
 * A file of another size, version or name is started afresh. One process at a time (flock). One thread per object.
 */
#ifndef INSP_TRAIN_FEATURES_FEATURE_STORE_H
#define INSP_TRAIN_FEATURES_FEATURE_STORE_H

#include "core/base/cleanup.h"
#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INSP_STORE_PAGE = 4096, INSP_STORE_KEY_BYTES = 65 };

struct insp_feature_store;

/* Opens or makes <folder>/<name>.features. folder NULL: an unlinked temporary file under TMPDIR or /tmp.
 *   data_bytes  of one slot, a multiple of INSP_STORE_PAGE
 *   bytes_max   of all *.features files in the folder; 0: no limit
 * INSP_E_CONFLICT where another process has it open; errno codes. */
int insp_feature_store_open(const char *folder, const char *name, size_t data_bytes, uint64_t bytes_max,
                            struct insp_feature_store **ret, struct insp_error *reterr);
void insp_feature_store_close(struct insp_feature_store *store);

size_t insp_feature_store_slots(const struct insp_feature_store *store);
/* The key of a committed slot, "" of an empty one. Lives until the next reserve. */
const char *insp_feature_store_key(const struct insp_feature_store *store, size_t slot);
/* The data of a slot, page-aligned. Lives until the next reserve. */
void *insp_feature_store_data(const struct insp_feature_store *store, size_t slot);
/* True where the data are as committed; else the slot is emptied. A valid one counts as used now. */
bool insp_feature_store_verify(struct insp_feature_store *store, size_t slot);

/* Finds `count` slots to write: empty ones, then new ones at the end (for whose space other sets' files go, the
 * oldest first), then used ones with keep[slot] false, least recently used first. ret_slot [count] is filled with
 * emptied slots. keep has insp_feature_store_slots entries. INSP_E_NOSPACE where bytes_max or the disk is too
 * small, with both sizes. */
int insp_feature_store_reserve(struct insp_feature_store *store, const bool *keep, size_t count, size_t *ret_slot,
                               struct insp_error *reterr);

/* Makes what was written to the slot's data valid under key (INSP_STORE_KEY_BYTES - 1 characters). */
void insp_feature_store_commit(struct insp_feature_store *store, size_t slot, const char *key);

DEFINE_CLEANUP(struct insp_feature_store, insp_feature_store_close);
#endif
