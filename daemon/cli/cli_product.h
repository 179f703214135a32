/* daemon/cli/cli_product.h - finds the model of a product by name. */
#ifndef INSP_DAEMON_CLI_CLI_PRODUCT_H
#define INSP_DAEMON_CLI_CLI_PRODUCT_H

#include "core/base/sha256.h"
#include "core/model/manifest.h"

/* Finds the version to use and the trunk that it was trained on. Main thread; blocks on the disk.
 *   asked             the version; NULL or "": the active one
 *   ret_version       INSP_NAME_BYTES bytes
 *   ret_trunk_sha256  INSP_SHA256_HEX_BYTES bytes
 * Errors:
 *   INSP_E_PARAMETER        a name is not valid
 *   INSP_E_UNKNOWN_PRODUCT  the product has no version; the detail lists the products
 *   INSP_E_NOT_FOUND        no version is active, or there is no such version
 *   INSP_E_MODEL            the manifest is damaged */
int cli_product_version(const char *state_dir, const char *product, const char *asked, char *ret_version,
                        char *ret_trunk_sha256, struct insp_error *reterr);

#endif
