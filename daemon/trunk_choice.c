#include "daemon/trunk_choice.h"

#include "core/base/cleanup.h"
#include "core/base/log.h"
#include "core/model/bundle.h"
#include "core/model/registry.h"

#include <stdio.h>
#include <string.h>

const char *daemon_pick_trunk(const char *default_sha256, const char (*active)[INSP_SHA256_HEX_BYTES],
                              size_t count) {
    const char *best = default_sha256;
    size_t best_votes = 0;
    for (size_t i = 0; i < count; i++) {
        size_t votes = 0;
        for (size_t j = 0; j < count; j++)
            votes += !strcmp(active[i], active[j]);
        if (votes > best_votes || (votes == best_votes && !strcmp(active[i], default_sha256))) {
            best = active[i];
            best_votes = votes;
        }
    }
    return best;
}

/* Reads the trunk hash of a product's active model. Returns false if none is active or its manifest cannot be
 * read. */
static bool active_trunk(const char *state_dir, const char *product, char *ret_sha256) {
    char version[INSP_NAME_BYTES];
    struct insp_error error;
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    int r = insp_registry_active(state_dir, product, version, &error);
    if (r == 0 && !*version)
        return false;
    if (r == 0)
        r = insp_bundle_read_manifest(state_dir, product, version, &manifest, &error);
    if (r) {
        insp_log_warning("the active model of a product cannot be read product=%s: %s", product, error.detail);
        return false;
    }
    memcpy(ret_sha256, manifest->trunk_sha256, INSP_SHA256_HEX_BYTES);
    return true;
}

static void warn_others(const struct insp_names *products, const size_t *product,
                        const char (*active)[INSP_SHA256_HEX_BYTES], size_t count, const char *chosen) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(active[i], chosen) != 0)
            insp_log_warning(
                "product not served: its model was trained on another trunk than most models; train it "
                "again product=%s trunk=%.12s loaded=%.12s",
                products->name[product[i]], active[i], chosen);
}

int daemon_choose_trunk(const char *state_dir, char *ret_sha256, struct insp_error *reterr) {
    char fallback[INSP_SHA256_HEX_BYTES] = "";
    struct insp_error error;
    if (insp_registry_default_trunk(state_dir, fallback, &error) < 0)
        insp_log_warning("there is no default trunk: %s", error.detail);
    _cleanup_(insp_names_clear) struct insp_names products = {0};
    int r = insp_registry_products(state_dir, &products, reterr);
    if (r < 0)
        return r;
    _cleanup_free_ char(*active)[INSP_SHA256_HEX_BYTES] = calloc(products.count + 1, sizeof *active);
    _cleanup_free_ size_t *product = calloc(products.count + 1, sizeof *product);
    if (!active || !product)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu products", products.count);
    size_t count = 0;
    for (size_t i = 0; i < products.count; i++)
        if (active_trunk(state_dir, products.name[i], active[count]))
            product[count++] = i;
    const char(*seen)[INSP_SHA256_HEX_BYTES] = (const char(*)[INSP_SHA256_HEX_BYTES])active;
    snprintf(ret_sha256, INSP_SHA256_HEX_BYTES, "%s", daemon_pick_trunk(fallback, seen, count));
    warn_others(&products, product, seen, count, ret_sha256);
    return 0;
}
