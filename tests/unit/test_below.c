#include "core/base/below.h"
#include "tests/unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[INSP_PATH_BYTES], root[INSP_PATH_BYTES];

static void at(char *ret, const char *folder, const char *name) {
    ck_assert_int_eq(insp_path(ret, NULL, "%s/%s", folder, name), 0);
}

/* <top>/root/inner/file, <top>/root-beside/file, and links to each from inside the root */
static void set_up(void) {
    char given[] = "/tmp/insp_below_XXXXXX", path[INSP_PATH_BYTES];
    ck_assert_ptr_nonnull(mkdtemp(given));
    ck_assert_int_eq(insp_resolve(given, top), 0);
    at(root, top, "root");
    static const char *const folders[] = {"root", "root/inner", "root-beside"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        at(path, top, folders[i]);
        ck_assert_int_eq(mkdir(path, 0700), 0);
    }
    static const char *const files[] = {"root/inner/file", "root-beside/file"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        at(path, top, files[i]);
        ck_assert_int_eq(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
    }
    static const char *const links[][2] = {{"inner/file", "root/good"}, {"../root-beside/file", "root/bad"},
                                           {"..", "root/up"},           {".", "root/itself"},
                                           {"nowhere", "root/broken"},  {"loop", "root/loop"}};
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        at(path, top, links[i][1]);
        ck_assert_int_eq(symlink(links[i][0], path), 0);
    }
}

START_TEST(test_below) {
    set_up();
    const struct {
        const char *path;
        int expected;
    } rows[] = {
        {"inner", INSP_BELOW},
        {"inner/file", INSP_BELOW},
        {"inner/../inner/file", INSP_BELOW},
        {"good", INSP_BELOW},
        {"itself", INSP_AT_ROOT},
        {".", INSP_AT_ROOT},
        {"inner/..", INSP_AT_ROOT},
        {"bad", INSP_OUTSIDE},
        {"up", INSP_OUTSIDE},
        {"..", INSP_OUTSIDE},
        {"up/root-beside/file", INSP_OUTSIDE},
        {"../root-beside", INSP_OUTSIDE}, /* begins like the root */
        {"broken", -ENOENT},
        {"inner/none", -ENOENT},
        {"loop", -ELOOP},
        {"inner/file/more", -ENOTDIR},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[INSP_PATH_BYTES], resolved[INSP_PATH_BYTES];
        at(path, root, rows[i].path);
        int got = insp_resolve_below(root, path, resolved);
        ck_assert_msg(got == rows[i].expected, "%s: %d", rows[i].path, got);
    }
    ck_assert_int_eq(insp_remove_tree(top, NULL), 0);
}
END_TEST

START_TEST(test_the_root_of_the_file_system) {
    char resolved[INSP_PATH_BYTES];
    ck_assert_int_eq(insp_resolve_below("/", "/tmp", resolved), INSP_BELOW);
    ck_assert_int_eq(insp_resolve_below("/", "/", resolved), INSP_AT_ROOT);
}
END_TEST

INSP_TESTS(test_below, test_the_root_of_the_file_system);
