/* daemon/cli/cli_trunk_install.h - install a trunk for `inspectd trunk import` and `bank`, and say what comes
 * next. */
#ifndef INSP_DAEMON_CLI_CLI_TRUNK_INSTALL_H
#define INSP_DAEMON_CLI_CLI_TRUNK_INSTALL_H

#include "core/model/fetch/trunk_origin.h"

/* Calls insp_trunk_install_default and cli_trunk_tell. Fails as the first does. */
int cli_trunk_install(const char *state_dir, const struct insp_trunk_arrays *arrays, enum insp_trunk_origin origin,
                      struct insp_error *reterr);

/* Prints that a trunk is installed, and the training as the next step.
 *   options  further options of the training: "" or " --input imagenet" */
void cli_trunk_tell(const char *sha256, const char *options);

#endif
