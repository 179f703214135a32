/* api/watch/overtake.h - finds the results that may have been published after one, although their ids are smaller:
 * an inspection gets its id when it begins and is published when it ends. */
#ifndef INSP_API_WATCH_OVERTAKE_H
#define INSP_API_WATCH_OVERTAKE_H

#include "core/store/store.h"

/* Returns the time (wall, microseconds) at which an inspection ended, but for its commit. Pure; any thread. */
int64_t api_overtake_ended(const struct insp_record *record);

/* Finds the beginning of the results that may have followed `id`. Blocks on the database.
 *   ret_from      INSP_UUID_BYTES bytes: an id below all of theirs, 30 s before id
 *   ret_ended_us  those that ended before this time (api_overtake_ended) were published before id; INT64_MIN if no
 *                 inspection has the id
 * Fails as insp_store_get does, but for INSP_E_NOT_FOUND. */
int api_overtake_since(struct insp_store *store, const char *id, char *ret_from, int64_t *ret_ended_us,
                       struct insp_error *reterr);

#endif
