/* daemon/trunk_choice.h - chooses the trunk that the daemon loads. The engine has one trunk, so only active models
 * with that trunk can be served. */
#ifndef INSP_DAEMON_TRUNK_CHOICE_H
#define INSP_DAEMON_TRUNK_CHOICE_H

#include "core/base/error.h"
#include "core/base/sha256.h"

#include <stddef.h>

/* Returns the trunk of most active models. Among equals, the default trunk wins, then the first. Without active
 * models it is the default. The result is one of the given strings and may be "". Pure.
 *   active  [count], trunk hash of each product's active model */
const char *daemon_pick_trunk(const char *default_sha256, const char (*active)[INSP_SHA256_HEX_BYTES],
                              size_t count);

/* Chooses the trunk for a state folder. Logs a warning for each product whose active model has another trunk or
 * cannot be read. Blocks on the disk; main thread. ret_sha256: INSP_SHA256_HEX_BYTES bytes, "" if no trunk is
 * installed. Fails with INSP_E_NOMEM and errno codes. */
int daemon_choose_trunk(const char *state_dir, char *ret_sha256, struct insp_error *reterr);

#endif
