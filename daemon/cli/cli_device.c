#include "daemon/cli/cli_device.h"

#include "core/model/bundle.h"
#include "core/model/registry.h"

#include <stdio.h>

int cli_device_open(struct cli_device *device, const struct insp_device_config *config, const char *state_dir,
                    const char *sha256, struct insp_error *reterr) {
    *device = (struct cli_device){0};
    if (sha256)
        snprintf(device->trunk_sha256, sizeof device->trunk_sha256, "%s", sha256);
    int r = sha256 ? 0 : insp_registry_default_trunk(state_dir, device->trunk_sha256, reterr);
    if (r < 0)
        return r;
    if (!*device->trunk_sha256)
        return insp_fail(
            reterr, INSP_E_NOT_FOUND,
            "no trunk is installed in %s. Install the ImageNet weights of VGG16 (recommended) with `inspectd "
            "trunk fetch` or `inspectd trunk import FILE.safetensors`, or build one from images of good parts "
            "with "
            "`inspectd trunk bank --images DIR`",
            state_dir);
    r = insp_device_open(config, &device->device, reterr);
    if (r == 0)
        r = insp_trunk_open_on(device->device, state_dir, device->trunk_sha256, &device->trunk, reterr);
    if (r < 0)
        cli_device_close(device);
    return r;
}

void cli_device_close(struct cli_device *device) {
    insp_trunk_free(device->trunk);
    insp_device_free(device->device);
    *device = (struct cli_device){0};
}
