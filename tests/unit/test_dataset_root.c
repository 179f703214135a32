#include "core/base/fs.h"
#include "core/jobs/dataset_root.h"
#include "harness.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct insp_error err;
static char dir[INSP_PATH_BYTES], roots[2 * INSP_PATH_BYTES + 8], path[INSP_PATH_BYTES];

static void make(const char *relative) {
    ck_insp_ok(insp_path(path, &err, "%s/%s", dir, relative), err);
    ck_insp_ok(insp_mkdir_all(path, 0700, &err), err);
}

static void setup(void) {
    strcpy(dir, "/tmp/insp-root-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    make("one/carpet");
    make("two/sets/capsule");
    make("onesecret");
    snprintf(roots, sizeof roots, "%s/one:%s/two", dir, dir);
}

static void teardown(void) {
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}

START_TEST(finds_a_set_below_any_root) {
    setup();
    char found[INSP_PATH_BYTES];
    ck_insp_ok(insp_dataset_resolve(roots, "carpet", found, &err), err);
    ck_assert_ptr_nonnull(strstr(found, "/one/carpet"));
    ck_insp_ok(insp_dataset_resolve(roots, "sets/capsule", found, &err), err);
    ck_assert_ptr_nonnull(strstr(found, "/two/sets/capsule"));
    teardown();
}
END_TEST

START_TEST(nothing_leads_out) {
    setup();
    char found[INSP_PATH_BYTES], link[INSP_PATH_BYTES];
    static const char *const out[] = {"/etc", "..", "../onesecret", "carpet/../../onesecret", "./../x", "a/.."};
    for (size_t i = 0; i < sizeof out / sizeof *out; i++)
        ck_insp_code(insp_dataset_resolve(roots, out[i], found, &err), INSP_E_FORBIDDEN, err);
    ck_insp_ok(insp_path(link, &err, "%s/one/link", dir), err);
    ck_insp_ok(insp_path(path, &err, "%s/onesecret", dir), err);
    ck_assert_int_eq(symlink(path, link), 0);
    ck_insp_code(insp_dataset_resolve(roots, "link", found, &err), INSP_E_FORBIDDEN, err);
    ck_insp_code(insp_dataset_resolve("", "carpet", found, &err), INSP_E_FORBIDDEN, err);
    teardown();
}
END_TEST

START_TEST(what_is_not_there_is_named) {
    setup();
    char found[INSP_PATH_BYTES];
    ck_insp_code(insp_dataset_resolve(roots, "nothing", found, &err), INSP_E_DATASET, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "nothing"));
    ck_insp_ok(insp_path(path, &err, "%s/one/file", dir), err);
    ck_insp_ok(insp_write_file(path, "x", 1, 0600, false, &err), err);
    ck_insp_code(insp_dataset_resolve(roots, "file", found, &err), INSP_E_DATASET, err);
    ck_insp_code(insp_dataset_resolve(roots, "..x", found, &err), INSP_E_DATASET, err);
    teardown();
}
END_TEST

START_TEST(a_products_home_is_in_the_first_root) {
    setup();
    char found[INSP_PATH_BYTES], link[INSP_PATH_BYTES], made[INSP_PATH_BYTES];
    ck_insp_ok(insp_dataset_home(roots, "carpet", false, found, &err), err);
    ck_assert_ptr_nonnull(strstr(found, "/one/carpet"));
    ck_insp_code(insp_dataset_home(roots, "wood", false, found, &err), INSP_E_NOT_FOUND, err);
    ck_insp_ok(insp_dataset_home(roots, "wood", true, found, &err), err);
    ck_assert_ptr_nonnull(strstr(found, "/one/wood"));
    ck_assert_int_eq(access(found, W_OK), 0);
    /* one that another root has would be hidden by a new folder */
    make("two/tile");
    ck_insp_code(insp_dataset_home(roots, "tile", true, found, &err), INSP_E_CONFLICT, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "/two/tile"));
    ck_insp_ok(insp_path(link, &err, "%s/one/away", dir), err);
    ck_assert_int_eq(symlink("../onesecret", link), 0);
    ck_insp_code(insp_dataset_home(roots, "away", true, found, &err), INSP_E_FORBIDDEN, err);
    ck_insp_code(insp_dataset_home("", "carpet", true, found, &err), INSP_E_FORBIDDEN, err);
    /* a first root that is not there yet is made */
    ck_insp_ok(insp_path(made, &err, "%s/new/root", dir), err);
    ck_insp_ok(insp_dataset_home(made, "wood", true, found, &err), err);
    ck_assert_int_eq(access(found, W_OK), 0);
    teardown();
}
END_TEST

INSP_TESTS(finds_a_set_below_any_root, nothing_leads_out, what_is_not_there_is_named,
           a_products_home_is_in_the_first_root);
