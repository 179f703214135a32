/* daemon/cli/cli_prove.h - prove a version by this process's device before a command makes it serve. The daemon
 * repeats it on its own device before it swaps. Main thread; blocks. */
#ifndef INSP_DAEMON_CLI_CLI_PROVE_H
#define INSP_DAEMON_CLI_CLI_PROVE_H

#include "daemon/cli/cli.h"

struct cli_proof {
    const struct cli_call *call;
    const char *trunk_sha256; /* of the version */
};

/* Is insp_changer.prove. arg: the struct cli_proof. Fails as insp_model_read, cli_device_open and insp_prove do.
 */
int cli_prove(void *arg, const char *product, const char *version, struct insp_error *reterr);

#endif
