/* daemon/cli/cli_device.h - a device with a trunk on it, for commands that compute without the daemon. */
#ifndef INSP_DAEMON_CLI_CLI_DEVICE_H
#define INSP_DAEMON_CLI_CLI_DEVICE_H

#include "core/base/sha256.h"
#include "core/compute/device.h"

struct cli_device {
    struct insp_device *device; /* owned */
    struct insp_trunk *trunk;   /* owned */
    char trunk_sha256[INSP_SHA256_HEX_BYTES];
};

/* Opens the device and loads a trunk of the state folder; sha256 NULL: the default one. INSP_E_NOT_FOUND where no
 * trunk is installed says how to get one. */
int cli_device_open(struct cli_device *device, const struct insp_device_config *config, const char *state_dir,
                    const char *sha256, struct insp_error *reterr);
void cli_device_close(struct cli_device *device);

#endif
