#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/model/bundle.h"
#include "core/model/registry.h"
#include "core/serving/model_change.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/cli_product.h"
#include "daemon/cli/cli_prove.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double balanced_accuracy(const struct insp_manifest *manifest) {
    const json_t *value = json_object_get(manifest->metrics, "balanced_accuracy");
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static void print_model(const struct insp_manifest *manifest, bool active) {
    char created[INSP_RFC3339_BYTES], accuracy[32] = "-", review[32] = "-";
    insp_rfc3339(manifest->created_us, created);
    if (!isnan(balanced_accuracy(manifest)))
        snprintf(accuracy, sizeof accuracy, "%.1f %%", 100 * balanced_accuracy(manifest));
    const char *source = json_string_value(json_object_get(manifest->threshold_source, "from"));
    if (manifest->review.on)
        snprintf(review, sizeof review, "%.3f..%.3f", (double)manifest->review.low, (double)manifest->review.high);
    printf("%-20s %-20s %-7s %17s %9.3f  %-14s  %-12s  %.12s  %s\n", manifest->product, manifest->version,
           active ? "active" : "", accuracy, (double)manifest->threshold, source ? source : "-", review,
           manifest->trunk_sha256, created);
}

static int add_model(json_t *list, const struct insp_manifest *manifest, bool active, struct insp_error *reterr) {
    json_t *object = insp_manifest_json(manifest);
    if (!object || json_object_set_new(object, "active", json_boolean(active)) < 0 ||
        json_array_append_new(list, object) < 0)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the list of models");
    return 0;
}

/* Adds the versions to the list, or prints rows if it is NULL. Reports an unreadable version on stderr and
 * continues. */
static int list_product(const char *state_dir, const char *product, json_t *list, struct insp_error *reterr) {
    _cleanup_(insp_names_clear) struct insp_names versions = {0};
    char active[INSP_NAME_BYTES];
    int r = insp_registry_versions(state_dir, product, &versions, reterr);
    if (r == 0)
        r = insp_registry_active(state_dir, product, active, reterr);
    for (size_t i = 0; r == 0 && i < versions.count; i++) {
        _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
        struct insp_error broken;
        if (insp_bundle_read_manifest(state_dir, product, versions.name[i], &manifest, &broken) < 0)
            fprintf(stderr, "inspectd: model list: %s\n", broken.detail);
        else if (list)
            r = add_model(list, manifest, !strcmp(active, versions.name[i]), reterr);
        else
            print_model(manifest, !strcmp(active, versions.name[i]));
    }
    return r;
}

static bool known(const struct insp_names *products, const char *product) {
    bool found = false;
    for (size_t i = 0; i < products->count; i++)
        found = found || !strcmp(product, products->name[i]);
    return found;
}

static int list_all(const char *state_dir, const char *product, json_t *list, struct insp_error *reterr) {
    _cleanup_(insp_names_clear) struct insp_names products = {0};
    int r = insp_registry_products(state_dir, &products, reterr);
    if (r == 0 && product && !known(&products, product))
        r = insp_fail(reterr, INSP_E_NOT_FOUND, "there is no product %s in %s", product, state_dir);
    if (r == 0 && !list)
        printf("%-20s %-20s %-7s %17s %9s  %-14s  %-12s  %-12s  %s\n", "product", "version", "",
               "balanced accuracy", "threshold", "from", "review", "trunk", "created");
    for (size_t i = 0; r == 0 && i < products.count; i++)
        if (!product || !strcmp(product, products.name[i]))
            r = list_product(state_dir, products.name[i], list, reterr);
    return r;
}

int cli_model_list(const struct cli_command *command, int argc, char **argv) {
    const char *product = NULL;
    bool json = false;
    const struct cli_option options[] = {
        {"product", CLI_STRING, &product, 0, 0, "P", "only this product"},
        {"json", CLI_FLAG, &json, 0, 0, NULL, "print a JSON array of manifests"},
    };
    struct insp_error error = {0};
    struct cli_call call;
    int code;
    if (!cli_parse(&call, command, argc, argv, options, INSP_COUNT(options), 0, 0, &code))
        return code;
    json_t *list = json ? json_array() : NULL;
    if (list_all(call.settings.storage_state_dir, product, list, &error) < 0) {
        json_decref(list);
        return cli_fail(command, &error);
    }
    if (json)
        return cli_print_json(command, list);
    return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}

/* Activates or rolls back, by `change`. A version that fails its self-test is not activated. */
static int switch_to(const struct cli_call *call, const char *product, const char *version,
                     const char *trunk_sha256,
                     int (*change)(const struct insp_changer *changer, const char *product, const char *version,
                                   struct insp_error *reterr),
                     struct insp_error *reterr) {
    struct cli_proof proof = {call, trunk_sha256};
    _cleanup_(insp_store_closep) struct insp_store *store = cli_open_audit(call);
    const struct insp_changer changer = {.state_dir = call->settings.storage_state_dir,
                                         .store = store,
                                         .who = "cli",
                                         .prove = cli_prove,
                                         .arg = &proof};
    return change(&changer, product, version, reterr);
}

int cli_model_activate(const struct cli_command *command, int argc, char **argv) {
    const char *product = NULL;
    const struct cli_option options[] = {{"product", CLI_STRING, &product, 0, 0, "P", "name of the product"}};
    char version[INSP_NAME_BYTES], trunk_sha256[INSP_SHA256_HEX_BYTES];
    struct insp_error error = {0};
    struct cli_call call;
    int code;
    if (!cli_parse(&call, command, argc, argv, options, INSP_COUNT(options), 1, 1, &code))
        return code;
    if (!product)
        return cli_usage(command, "--product is required");
    const char *state_dir = call.settings.storage_state_dir;
    if (cli_product_version(state_dir, product, call.argument[0], version, trunk_sha256, &error) < 0 ||
        cli_prepare_state(&call, &error) < 0 ||
        switch_to(&call, product, version, trunk_sha256, insp_change_activate, &error) < 0)
        return cli_fail(command, &error);
    printf("%s %s is active\n", product, version);
    cli_tell_daemon(&call);
    return CLI_OK;
}

int cli_model_rollback(const struct cli_command *command, int argc, char **argv) {
    const char *product = NULL;
    const struct cli_option options[] = {{"product", CLI_STRING, &product, 0, 0, "P", "name of the product"}};
    char target[INSP_NAME_BYTES], version[INSP_NAME_BYTES], trunk_sha256[INSP_SHA256_HEX_BYTES];
    struct insp_error error = {0};
    struct cli_call call;
    int code;
    if (!cli_parse(&call, command, argc, argv, options, INSP_COUNT(options), 0, 0, &code))
        return code;
    if (!product)
        return cli_usage(command, "--product is required");
    const char *state_dir = call.settings.storage_state_dir;
    /* The first call is for its error, which lists the products. */
    if (cli_product_version(state_dir, product, NULL, version, trunk_sha256, &error) < 0 ||
        insp_registry_rollback_target(state_dir, product, target, &error) < 0 ||
        cli_product_version(state_dir, product, target, version, trunk_sha256, &error) < 0 ||
        cli_prepare_state(&call, &error) < 0 ||
        switch_to(&call, product, version, trunk_sha256, insp_change_rollback, &error) < 0)
        return cli_fail(command, &error);
    printf("%s %s is active again\n", product, version);
    cli_tell_daemon(&call);
    return CLI_OK;
}
