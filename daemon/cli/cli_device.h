/* daemon/cli/cli_device.h - opens a device and loads a trunk, for commands that compute without the daemon. Main
 * thread; blocks on the disk. */
#ifndef INSP_DAEMON_CLI_CLI_DEVICE_H
#define INSP_DAEMON_CLI_CLI_DEVICE_H

#include "core/base/sha256.h"
#include "core/compute/device.h"

struct cli_device {
    struct insp_device *device; /* owned */
    struct insp_trunk *trunk;   /* owned */
    char trunk_sha256[INSP_SHA256_HEX_BYTES];
};

/* Opens the device and loads a trunk of the state folder; cli_device_close releases *device, which is zero on
 * failure.
 *   sha256  the trunk; NULL: the default one
 * Errors:
 *   INSP_E_NOT_FOUND  no trunk is installed; the detail says how to install one
 *   those of insp_device_open and insp_trunk_open_on */
int cli_device_open(struct cli_device *device, const struct insp_device_config *config, const char *state_dir,
                    const char *sha256, struct insp_error *reterr);
void cli_device_close(struct cli_device *device); /* accepts a zeroed struct */

#endif
