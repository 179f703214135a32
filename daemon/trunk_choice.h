/* daemon/trunk_choice.h - which trunk the daemon loads. The device holds one trunk, so all active models must
 * share it. */
#ifndef INSP_DAEMON_TRUNK_CHOICE_H
#define INSP_DAEMON_TRUNK_CHOICE_H

#include "core/base/error.h"
#include "core/base/sha256.h"

#include <stddef.h>

/* The trunk of most active models; of two with as many, the default one, else the one that comes first. Without an
 * active model the default. Pure.
 *   active [count]  trunk hash of each product's active model
 * -> one of the strings given, which may be "" */
const char *daemon_pick_trunk(const char *default_sha256, const char (*active)[INSP_SHA256_HEX_BYTES],
                              size_t count);

/* The same for a state folder. Models whose trunk is another are logged as warnings, with the way out; broken ones
 * as well. Blocks on the disk. ret_sha256 has INSP_SHA256_HEX_BYTES bytes; "" where no trunk is installed. */
int daemon_choose_trunk(const char *state_dir, char *ret_sha256, struct insp_error *reterr);

#endif
