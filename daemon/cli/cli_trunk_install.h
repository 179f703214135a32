/* daemon/cli/cli_trunk_install.h - install a trunk for the commands `inspectd trunk import`, `bank` and `fetch`.
 */
#ifndef INSP_DAEMON_CLI_CLI_TRUNK_INSTALL_H
#define INSP_DAEMON_CLI_CLI_TRUNK_INSTALL_H

#include "core/model/bundle.h"

/* Installs a trunk in a prepared state folder, makes it the default for new trainings, and prints both and the
 * next step. options  further options of the training to suggest: "" or " --input imagenet" Fails with the codes
 * of insp_trunk_install and insp_registry_set_default_trunk. */
int cli_trunk_install(const char *state_dir, const struct insp_trunk_arrays *arrays, const char *options,
                      struct insp_error *reterr);

/* Prints that a trunk is installed, and the next step. options: as above. */
void cli_trunk_tell(const char *sha256, const char *options);

#endif
