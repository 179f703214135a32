#include "daemon/cli/cli_product.h"

#include "core/base/fs.h"
#include "core/model/bundle.h"
#include "core/model/registry.h"

#include <stdio.h>
#include <string.h>

static int unknown_product(const char *state_dir, const char *product, struct insp_error *reterr) {
    _cleanup_(insp_names_clear) struct insp_names products = {0};
    char list[256] = "";
    size_t used = 0;
    int r = insp_registry_products(state_dir, &products, reterr);
    if (r < 0)
        return r;
    for (size_t i = 0; i < products.count && used < sizeof list - 70; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", products.name[i]);
    if (!products.count)
        return insp_fail(reterr, INSP_E_UNKNOWN_PRODUCT,
                         "there is no product in %.200s; start with `inspectd train --product %s --data DIR`",
                         state_dir, product);
    return insp_fail(reterr, INSP_E_UNKNOWN_PRODUCT, "there is no product \"%s\" in %.128s, only %s", product,
                     state_dir, list);
}

int cli_product_version(const char *state_dir, const char *product, const char *asked, char *ret_version,
                        char *ret_trunk_sha256, struct insp_error *reterr) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    _cleanup_(insp_names_clear) struct insp_names versions = {0};
    char version[INSP_NAME_BYTES];
    if (!insp_name_valid(product) || (asked && *asked && !insp_name_valid(asked)))
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "names of products and versions must have 1 to 64 characters of A-Z a-z 0-9 . _ -");
    int r = insp_registry_versions(state_dir, product, &versions, reterr);
    if (r < 0)
        return r;
    if (!versions.count)
        return unknown_product(state_dir, product, reterr);
    if (asked && *asked)
        snprintf(version, sizeof version, "%s", asked);
    else if ((r = insp_registry_active(state_dir, product, version, reterr)) < 0)
        return r;
    if (!*version)
        return insp_fail(reterr, INSP_E_NOT_FOUND,
                         "no version of %s is active; choose one: inspectd model activate --product %s %s",
                         product, product, versions.name[0]);
    r = insp_bundle_read_manifest(state_dir, product, version, &manifest, reterr);
    if (r < 0)
        return r;
    memcpy(ret_version, version, sizeof version);
    memcpy(ret_trunk_sha256, manifest->trunk_sha256, INSP_SHA256_HEX_BYTES);
    return 0;
}
