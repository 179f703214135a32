#include "core/model/registry.h"

#include "core/base/fs.h"
#include "core/model/bundle.h"

#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char state[] = "/tmp/insp-registry-XXXXXX";

static void remove_state(void) {
    insp_remove_tree(state, NULL);
}

static void put(const char *below, const char *text) {
    char path[INSP_PATH_BYTES];
    struct insp_error err = {0};
    snprintf(path, sizeof path, "%s/%s", state, below);
    *strrchr(path, '/') = '\0';
    ck_insp_ok(insp_mkdir_all(path, 0755, &err), err);
    path[strlen(path)] = '/';
    ck_insp_ok(insp_write_file(path, text, strlen(text), 0644, false, &err), err);
}

static const char *trunk_name(char letter) {
    static char sha256[INSP_SHA256_HEX_BYTES];
    memset(sha256, letter, sizeof sha256 - 1);
    return sha256;
}

static void put_trunk(char letter) {
    char path[INSP_PATH_BYTES];
    snprintf(path, sizeof path, "trunks/%s.safetensors", trunk_name(letter));
    put(path, "weights");
}

/* A bundle as the registry sees it: a valid manifest, and weights that have the hash it says (their content is
 * read when the model is loaded, not here). */
static void put_bundle(const char *product, const char *version, int64_t created_us) {
    static const char weights[] = "stands for 28 MB";
    char path[INSP_PATH_BYTES];
    struct insp_error err = {0};
    _cleanup_free_ char *text = NULL;
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = insp_manifest_new();
    snprintf(m->product, sizeof m->product, "%s", product);
    snprintf(m->version, sizeof m->version, "%s", version);
    m->created_us = created_us;
    strcpy(m->trunk_sha256, trunk_name('a'));
    insp_sha256_hex(weights, strlen(weights), m->weights_sha256);
    ck_insp_ok(insp_manifest_format(m, &text, &err), err);
    snprintf(path, sizeof path, "models/%s/%s/manifest.json", product, version);
    put(path, text);
    snprintf(path, sizeof path, "models/%s/%s/model.safetensors", product, version);
    put(path, weights);
}

static void begin(void) {
    ck_assert_ptr_nonnull(mkdtemp(state));
    atexit(remove_state);
}

static void begin_with_versions(const char *const *version, size_t count) {
    begin();
    put_trunk('a');
    for (size_t i = 0; i < count; i++)
        put_bundle("cubes", version[i], 1000000 * (int64_t)(i + 1));
}

static void expect_active(const char *version) {
    char active[INSP_NAME_BYTES];
    struct insp_error err = {0};
    ck_insp_ok(insp_registry_active(state, "cubes", active, &err), err);
    ck_assert_str_eq(active, version);
}

static void activate(const char *version) {
    struct insp_error err = {0};
    ck_insp_ok(insp_registry_set_active(state, "cubes", version, &err), err);
    expect_active(version);
}

static void rollback_to(const char *version) {
    char now[INSP_NAME_BYTES];
    struct insp_error err = {0};
    ck_insp_ok(insp_registry_set_back(state, "cubes", now, &err), err);
    ck_assert_str_eq(now, version);
    expect_active(version);
}

static void rollback_refused(int code) {
    char now[INSP_NAME_BYTES] = "untouched";
    struct insp_error err = {0};
    ck_insp_code(insp_registry_set_back(state, "cubes", now, &err), code, err);
    ck_assert_str_eq(now, "untouched");
}

START_TEST(test_empty_state) {
    begin();
    struct insp_error err = {0};
    struct insp_names names = {0};
    struct insp_trunk_info *trunks = NULL;
    size_t count = 9;
    char text[INSP_SHA256_HEX_BYTES] = "x";
    ck_insp_ok(insp_registry_products(state, &names, &err), err);
    ck_assert_uint_eq(names.count, 0);
    ck_insp_ok(insp_registry_versions(state, "cubes", &names, &err), err);
    ck_assert_uint_eq(names.count, 0);
    insp_names_clear(&names);
    ck_insp_ok(insp_registry_trunks(state, &trunks, &count, &err), err);
    ck_assert_uint_eq(count, 0);
    ck_assert_ptr_null(trunks);
    ck_insp_ok(insp_registry_default_trunk(state, text, &err), err);
    ck_assert_str_eq(text, "");
    expect_active("");
    rollback_refused(INSP_E_CONFLICT);
    ck_insp_code(insp_registry_active(state, "../cubes", text, &err), INSP_E_NOT_FOUND, err);
}
END_TEST

START_TEST(test_products_are_sorted_and_temporaries_ignored) {
    begin();
    struct insp_error err = {0};
    struct insp_names names = {0};
    put_bundle("screws", "v1", 1);
    put_bundle("cubes", "v1", 1);
    put("models/cubes/.new-abc123/manifest.json", "half");
    put("models/.new-def456/v1/manifest.json", "half");
    put("models/bad name/v1/manifest.json", "{}");
    put("models/empty/.new-x/manifest.json", "half");
    put("models/a-file", "not a folder");
    ck_insp_ok(insp_registry_products(state, &names, &err), err);
    ck_assert_uint_eq(names.count, 2);
    ck_assert_str_eq(names.name[0], "cubes");
    ck_assert_str_eq(names.name[1], "screws");
    insp_names_clear(&names);
    for (int i = 0; i < 40; i++) { /* more than one step of the list's memory */
        char product[16];
        snprintf(product, sizeof product, "p%02d", i);
        put_bundle(product, "v1", 1);
    }
    ck_insp_ok(insp_registry_products(state, &names, &err), err);
    ck_assert_uint_eq(names.count, 42);
    ck_assert_str_eq(names.name[40], "p39");
    insp_names_clear(&names);
}
END_TEST

START_TEST(test_versions_newest_first) {
    begin();
    struct insp_error err = {0};
    struct insp_names names = {0};
    put_bundle("cubes", "20261124T202720Z-9", 5000000);
    put_bundle("cubes", "20261124T202720Z", 5000000);
    put_bundle("cubes", "20261124T202720Z-10", 5000000);
    put_bundle("cubes", "spring", 7000000);
    put_bundle("cubes", "zebra", 1000000);
    put("models/cubes/broken/manifest.json", "{");
    static const char *const order[] = {
        "spring", "20261124T202720Z-10", "20261124T202720Z-9", "20261124T202720Z", "zebra", "broken"};
    ck_insp_ok(insp_registry_versions(state, "cubes", &names, &err), err);
    ck_assert_uint_eq(names.count, INSP_COUNT(order));
    for (size_t i = 0; i < INSP_COUNT(order); i++)
        ck_assert_str_eq(names.name[i], order[i]);
    insp_names_clear(&names);
}
END_TEST

START_TEST(test_rollback_walks_back_through_the_history) {
    begin_with_versions((const char *const[]){"v1", "v2", "v3"}, 3);
    activate("v1");
    rollback_refused(INSP_E_CONFLICT);
    activate("v2");
    activate("v3");
    activate("v3"); /* no change: does not stand in its own history */
    rollback_to("v2");
    rollback_to("v1");
    rollback_refused(INSP_E_CONFLICT);
    expect_active("v1");
    activate("v3"); /* history [v1] */
    activate("v1"); /* history [v3]: v1 once only, so that there is no circle */
    rollback_to("v3");
    rollback_refused(INSP_E_CONFLICT);
}
END_TEST

START_TEST(test_rollback_skips_removed_but_not_broken) {
    begin_with_versions((const char *const[]){"v1", "v2", "v3"}, 3);
    struct insp_error err = {0};
    activate("v1");
    activate("v2");
    activate("v3");
    ck_insp_ok(insp_registry_remove(state, "cubes", "v2", &err), err);
    put("models/cubes/v1/model.safetensors", "other bytes");
    char target[INSP_NAME_BYTES];
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    ck_insp_ok(insp_registry_rollback_target(state, "cubes", target, &err), err);
    ck_assert_str_eq(target, "v1");
    ck_insp_code(insp_bundle_read(state, "cubes", target, &manifest, NULL, &err), INSP_E_MODEL, err);
    expect_active("v3");
    put_bundle("cubes", "v1", 1);
    rollback_to("v1");
}
END_TEST

START_TEST(test_history_is_bounded) {
    begin();
    put_trunk('a');
    char version[INSP_NAME_BYTES];
    for (int i = 0; i < 40; i++) {
        snprintf(version, sizeof version, "v%02d", i);
        put_bundle("cubes", version, i);
        activate(version);
    }
    for (int i = 38; i >= 39 - 32; i--) {
        snprintf(version, sizeof version, "v%02d", i);
        rollback_to(version);
    }
    rollback_refused(INSP_E_CONFLICT);
}
END_TEST

START_TEST(test_damaged_active_file) {
    begin_with_versions((const char *const[]){"v1"}, 1);
    static const char *const texts[] = {"",
                                        "{",
                                        "[]",
                                        "{\"active\": \"v1\"}",
                                        "{\"active\": 5, \"history\": []}",
                                        "{\"active\": \"../v1\", \"history\": []}",
                                        "{\"active\": \"v1\", \"history\": [7]}"};
    for (size_t i = 0; i < INSP_COUNT(texts); i++) {
        char active[INSP_NAME_BYTES];
        struct insp_error err = {0};
        put("models/cubes/active.json", texts[i]);
        ck_insp_code(insp_registry_active(state, "cubes", active, &err), INSP_E_MODEL, err);
        ck_assert_ptr_nonnull(strstr(err.detail, "active.json"));
    }
    put("models/cubes/active.json", "{\"active\": null, \"history\": [\"v1\"]}");
    expect_active("");
    rollback_to("v1");
}
END_TEST

START_TEST(test_remove) {
    begin_with_versions((const char *const[]){"v1", "v2"}, 2);
    struct insp_error err = {0};
    struct insp_names names = {0};
    activate("v1");
    ck_insp_code(insp_registry_remove(state, "cubes", "v1", &err), INSP_E_CONFLICT, err);
    ck_insp_code(insp_registry_remove(state, "cubes", "v3", &err), INSP_E_NOT_FOUND, err);
    ck_insp_code(insp_registry_remove(state, "cubes", "..", &err), INSP_E_NOT_FOUND, err);
    ck_insp_ok(insp_registry_remove(state, "cubes", "v2", &err), err);
    ck_insp_ok(insp_registry_versions(state, "cubes", &names, &err), err);
    ck_assert_uint_eq(names.count, 1);
    insp_names_clear(&names);
    /* Deleting the last version of a product that never had an active one deletes the folder too. */
    put_bundle("screws", "v1", 1);
    ck_insp_ok(insp_registry_remove(state, "screws", "v1", &err), err);
    char path[INSP_PATH_BYTES];
    snprintf(path, sizeof path, "%s/models/screws", state);
    ck_assert(access(path, F_OK) < 0);
}
END_TEST

START_TEST(test_trunks_and_the_default) {
    begin();
    struct insp_error err = {0};
    char sha256[INSP_SHA256_HEX_BYTES];
    struct insp_trunk_info *list = NULL;
    size_t count;
    put_trunk('b');
    put("trunks/.new-x.safetensors", "half");
    put("trunks/readme.safetensors", "no trunk");
    ck_insp_ok(insp_registry_default_trunk(state, sha256, &err), err);
    ck_assert_str_eq(sha256, trunk_name('b')); /* the only one */
    put_trunk('a');
    ck_insp_code(insp_registry_default_trunk(state, sha256, &err), INSP_E_CONFLICT, err);
    ck_insp_code(insp_registry_set_default_trunk(state, trunk_name('c'), &err), INSP_E_NOT_FOUND, err);
    ck_insp_code(insp_registry_set_default_trunk(state, "../x", &err), INSP_E_NOT_FOUND, err);
    ck_insp_ok(insp_registry_set_default_trunk(state, trunk_name('a'), &err), err);
    ck_insp_ok(insp_registry_default_trunk(state, sha256, &err), err);
    ck_assert_str_eq(sha256, trunk_name('a'));
    ck_insp_ok(insp_registry_trunks(state, &list, &count, &err), err);
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(list[0].sha256, trunk_name('a'));
    ck_assert(list[0].is_default && !list[1].is_default);
    ck_assert_uint_eq(list[0].bytes, strlen("weights"));
    free(list);
    char path[INSP_PATH_BYTES];
    snprintf(path, sizeof path, "%s/trunks/%s.safetensors", state, trunk_name('a'));
    ck_assert_int_eq(unlink(path), 0);
    ck_insp_code(insp_registry_default_trunk(state, sha256, &err), INSP_E_NOT_FOUND, err);
    put("trunks/default", "not a hash\n");
    ck_insp_code(insp_registry_default_trunk(state, sha256, &err), INSP_E_MODEL, err);
}
END_TEST

INSP_TESTS(test_empty_state, test_products_are_sorted_and_temporaries_ignored, test_versions_newest_first,
           test_rollback_walks_back_through_the_history, test_rollback_skips_removed_but_not_broken,
           test_history_is_bounded, test_damaged_active_file, test_remove, test_trunks_and_the_default);
