/* daemon/cli/cli_product.h - a product's model by name, for commands that use one. */
#ifndef INSP_DAEMON_CLI_CLI_PRODUCT_H
#define INSP_DAEMON_CLI_CLI_PRODUCT_H

#include "core/base/sha256.h"
#include "core/model/manifest.h"

/* The version to use (asked NULL or "": the active one) and the trunk that it was trained on. Blocks on the disk.
 *   ret_version       INSP_NAME_BYTES bytes
 *   ret_trunk_sha256  INSP_SHA256_HEX_BYTES bytes
 * INSP_E_UNKNOWN_PRODUCT says which products there are, INSP_E_NOT_FOUND where no version is active or there is
 * none of that name, INSP_E_MODEL. */
int cli_product_version(const char *state_dir, const char *product, const char *asked, char *ret_version,
                        char *ret_trunk_sha256, struct insp_error *reterr);

#endif
