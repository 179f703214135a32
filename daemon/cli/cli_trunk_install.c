#include "daemon/cli/cli_trunk_install.h"

#include "core/base/sha256.h"

#include <stdio.h>

void cli_trunk_tell(const char *sha256, const char *options) {
    printf("trunk %s is installed and is the default for trainings\n", sha256);
    fprintf(stderr,
            "Next: inspectd train --product P --data DIR%s\n"
            "A running daemon loads another trunk only when it is restarted.\n",
            options);
}

int cli_trunk_install(const char *state_dir, const struct insp_trunk_arrays *arrays, enum insp_trunk_origin origin,
                      struct insp_error *reterr) {
    char sha256[INSP_SHA256_HEX_BYTES];
    int r = insp_trunk_install_default(state_dir, arrays, origin, sha256, reterr);
    if (r == 0)
        cli_trunk_tell(sha256, "");
    return r;
}
