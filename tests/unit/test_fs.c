#include "core/base/cleanup.h"
#include "core/base/fs.h"
#include "harness.h"

#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static struct insp_error err;
static char dir[INSP_PATH_BYTES];

static void make_dir(void) {
    strcpy(dir, "/tmp/insp-fs-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static size_t entries(void) {
    DIR *d = opendir(dir);
    size_t n = 0;
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

START_TEST(writes_reads_and_leaves_no_temporary) {
    make_dir();
    char path[INSP_PATH_BYTES];
    ck_insp_ok(insp_path(path, &err, "%s/file", dir), err);
    ck_insp_ok(insp_write_file(path, "one", 3, 0640, true, &err), err);
    ck_insp_ok(insp_write_file(path, "two!", 4, 0600, false, &err), err);
    char *data;
    size_t bytes;
    ck_insp_ok(insp_read_file(path, 4, &data, &bytes, &err), err);
    ck_assert_uint_eq(bytes, 4);
    ck_assert_str_eq(data, "two!");
    free(data);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0600);
    ck_assert_uint_eq(entries(), 1);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

START_TEST(a_file_over_the_limit_is_refused_by_size) {
    make_dir();
    char path[INSP_PATH_BYTES], *data;
    size_t bytes;
    ck_insp_ok(insp_path(path, &err, "%s/file", dir), err);
    ck_insp_ok(insp_write_file(path, "12345", 5, 0600, false, &err), err);
    ck_insp_code(insp_read_file(path, 4, &data, &bytes, &err), INSP_E_IO, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "5 bytes"));
    ck_insp_code(insp_read_file(dir, 4, &data, &bytes, &err), INSP_E_IO, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "not a regular file"));
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

/* Opening a pipe for reading waits for a writer, forever: a folder from outside may hold one. */
START_TEST(a_pipe_is_refused_at_once) {
    make_dir();
    char path[INSP_PATH_BYTES], *data;
    size_t bytes;
    ck_insp_ok(insp_path(path, &err, "%s/pipe", dir), err);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    alarm(5);
    ck_insp_code(insp_read_file(path, 100, &data, &bytes, &err), INSP_E_IO, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "not a regular file"));
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

/* RLIMIT_FSIZE stands in for the full disk: write(2) fails half way. */
START_TEST(a_write_that_fails_keeps_the_old_file_and_leaves_nothing) {
    make_dir();
    char path[INSP_PATH_BYTES], *data;
    size_t bytes;
    ck_insp_ok(insp_path(path, &err, "%s/file", dir), err);
    ck_insp_ok(insp_write_file(path, "old", 3, 0600, false, &err), err);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = {4096, 4096};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    static char big[65536];
    ck_assert_int_lt(insp_write_file(path, big, sizeof big, 0600, false, &err), 0);
    ck_assert_ptr_nonnull(strstr(err.detail, path));
    ck_assert_uint_eq(entries(), 1);
    ck_insp_ok(insp_read_file(path, 100, &data, &bytes, &err), err);
    ck_assert_str_eq(data, "old");
    free(data);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

START_TEST(folders_are_made_all_the_way_and_removed_with_their_content) {
    make_dir();
    char path[INSP_PATH_BYTES];
    struct stat st;
    ck_insp_ok(insp_path(path, &err, "%s/a/b/c", dir), err);
    ck_insp_ok(insp_mkdir_all(path, 0750, &err), err);
    ck_insp_ok(insp_mkdir_all(path, 0750, &err), err);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_insp_ok(insp_path(path, &err, "%s/a/file", dir), err);
    ck_insp_ok(insp_write_file(path, "x", 1, 0600, false, &err), err);
    ck_insp_code(insp_mkdir_all(path, 0750, &err), INSP_E_IO, err);
    ck_assert_int_eq(symlink("/tmp", path), -1);
    ck_insp_ok(insp_path(path, &err, "%s/a/link", dir), err);
    ck_assert_int_eq(symlink("/tmp", path), 0);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
    ck_assert_int_eq(stat(dir, &st), -1);
    ck_assert_int_eq(stat("/tmp", &st), 0);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

START_TEST(names_that_become_paths_are_tame) {
    static const char *const good[] = {"carpet", "A.b-c_9", "20261124T202720Z-2", "0"};
    static const char *const bad[] = {
        "",    ".",   "..",       ".hidden", "-o",
        "a/b", "a b", "\xc3\xa4", "a\n",     "12345678901234567890123456789012345678901234567890123456789012345"};
    for (size_t i = 0; i < INSP_COUNT(good); i++)
        ck_assert_msg(insp_name_valid(good[i]), "%s", good[i]);
    for (size_t i = 0; i < INSP_COUNT(bad); i++)
        ck_assert_msg(!insp_name_valid(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(paths_that_do_not_fit_are_errors) {
    char path[INSP_PATH_BYTES];
    ck_insp_code(insp_path(path, &err, "%*s", INSP_PATH_BYTES, "x"), INSP_E_IO, err);
}
END_TEST

START_TEST(files_of_the_installation_are_found_beside_the_program) {
    char path[INSP_PATH_BYTES];
    ck_assert(insp_find_installed("test_fs", X_OK, path));
    ck_assert_str_eq(strrchr(path, '/'), "/test_fs");
    ck_assert(!insp_find_installed("no_such_file", R_OK, path));
}
END_TEST

START_TEST(free_space_is_asked_of_the_right_place) {
    uint64_t available = 0, total = 0;
    ck_insp_ok(insp_disk_free("/tmp", &available, &total, &err), err);
    ck_assert_uint_gt(total, 0);
    ck_assert_uint_le(available, total);
    ck_assert_int_lt(insp_disk_free("/nowhere/at/all", &available, &total, &err), 0);
}
END_TEST

INSP_TESTS(writes_reads_and_leaves_no_temporary, a_file_over_the_limit_is_refused_by_size,
           a_pipe_is_refused_at_once, a_write_that_fails_keeps_the_old_file_and_leaves_nothing,
           folders_are_made_all_the_way_and_removed_with_their_content, names_that_become_paths_are_tame,
           paths_that_do_not_fit_are_errors, files_of_the_installation_are_found_beside_the_program,
           free_space_is_asked_of_the_right_place);
