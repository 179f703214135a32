#include "api/sources/folder_tree.h"

#include "tests/unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[64];
static int root;

/* <top>/in with the files a/b/file and secret's links; <top>/secret beside it */
static void set_up(void) {
    char path[256];
    strcpy(top, "/tmp/insp-tree-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(top));
    ck_assert_int_eq(insp_mkdir_all((snprintf(path, sizeof path, "%s/in/a/b", top), path), 0755, NULL), 0);
    ck_assert_int_eq(insp_mkdir_all((snprintf(path, sizeof path, "%s/secret", top), path), 0755, NULL), 0);
    snprintf(path, sizeof path, "%s/in/a/b/file", top);
    ck_assert_int_eq(insp_write_file(path, "content", 7, 0640, false, NULL), 0);
    snprintf(path, sizeof path, "%s/secret/file", top);
    ck_assert_int_eq(insp_write_file(path, "secret", 6, 0600, false, NULL), 0);
    snprintf(path, sizeof path, "%s/in", top);
    root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(root, 0);
    ck_assert_int_eq(symlinkat("../secret", root, "linked"), 0);
    ck_assert_int_eq(symlinkat("../../../secret/file", root, "a/b/link"), 0);
    ck_assert_int_eq(mkfifoat(root, "a/b/pipe", 0600), 0);
}

static void tear_down(void) {
    close(root);
    ck_assert_int_eq(insp_remove_tree(top, NULL), 0);
}

static bool is(const char *path, const char *content) {
    struct insp_file_identity identity;
    uint8_t *data = NULL;
    size_t bytes = 0;
    int r = api_tree_read(root, path, 100, &identity, &data, &bytes);
    bool same = r == 0 && bytes == strlen(content) && !memcmp(data, content, bytes);
    free(data);
    return same;
}

START_TEST(files_are_read_and_links_are_not) {
    struct insp_file_identity identity, again;
    uint8_t *data = NULL;
    size_t bytes = 0;
    mode_t mode = 0;
    set_up();
    ck_assert_int_eq(api_tree_stat(root, "a/b/file", &identity, &mode), 0);
    ck_assert(mode == 0640 && identity.size == 7);
    ck_assert(is("a/b/file", "content"));
    ck_assert_int_eq(api_tree_read(root, "a/b/file", 6, &again, &data, &bytes), -EFBIG);
    ck_assert(insp_file_same(&identity, &again));
    ck_assert_int_eq(api_tree_read(root, "a/b/link", 100, &again, &data, &bytes), -ELOOP);
    ck_assert_int_lt(api_tree_read(root, "linked/file", 100, &again, &data, &bytes), 0);
    ck_assert_int_eq(api_tree_read(root, "a/b/pipe", 100, &again, &data, &bytes), -EINVAL);
    ck_assert_int_eq(api_tree_read(root, "a/b", 100, &again, &data, &bytes), -EINVAL);
    ck_assert_int_eq(api_tree_read(root, "a/none", 100, &again, &data, &bytes), -ENOENT);
    ck_assert_int_eq(api_tree_stat(root, "a/b/link", &identity, NULL), -EINVAL);
    ck_assert_ptr_null(data);
    tear_down();
}
END_TEST

START_TEST(files_are_written_whole_with_their_mode) {
    struct insp_file_identity identity;
    struct stat info;
    mode_t mode = 0, before = umask(0077);
    set_up();
    ck_assert_int_eq(fchmod(root, 02775), 0);
    ck_assert_int_eq(api_tree_write(root, "results/x/y.json", "{}", 2, 0664), 0);
    ck_assert_int_eq(api_tree_write(root, "results/x/y.json", "{1}", 3, 0664), 0);
    ck_assert(is("results/x/y.json", "{1}"));
    ck_assert_int_eq(api_tree_stat(root, "results/x/y.json", &identity, &mode), 0);
    ck_assert_uint_eq(mode, 0664);
    ck_assert_int_eq(fstatat(root, "results", &info, 0), 0);
    ck_assert_uint_eq(info.st_mode & 07777, 02775); /* that of the folder, whatever the umask */
    ck_assert_int_lt(api_tree_write(root, "linked/y.json", "{}", 2, 0600), 0);
    umask(before);
    tear_down();
}
END_TEST

START_TEST(a_move_replaces_nothing) {
    char path[INSP_PATH_BYTES];
    set_up();
    ck_assert_int_eq(api_tree_free_path(root, "done/a/file", "7", path), 0);
    ck_assert_str_eq(path, "done/a/file");
    ck_assert_int_eq(api_tree_move(root, "a/b/file", path), 0);
    ck_assert(is("done/a/file", "content"));
    ck_assert_int_eq(api_tree_write(root, "a/b/file", "again", 5, 0600), 0);
    ck_assert_int_eq(api_tree_move(root, "a/b/file", path), -EEXIST);
    ck_assert_int_eq(api_tree_free_path(root, "done/a/file", "7", path), 0);
    ck_assert_str_eq(path, "done/a/7-file");
    ck_assert_int_eq(api_tree_move(root, "a/b/file", path), 0);
    ck_assert(is("done/a/file", "content") && is("done/a/7-file", "again"));
    ck_assert_int_eq(api_tree_remove(root, "done/a/file"), 0);
    ck_assert_int_eq(api_tree_remove(root, "done/a/file"), -ENOENT);
    tear_down();
}
END_TEST

INSP_TESTS(files_are_read_and_links_are_not, files_are_written_whole_with_their_mode, a_move_replaces_nothing);
