#include "core/dataset/cameras/camera_log.h"

#include "core/base/fs.h"
#include "harness.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], path[INSP_PATH_BYTES];
static struct insp_error err;

static void setup(void) {
    strcpy(dir, "/tmp/insp-camera-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_insp_ok(insp_path(path, &err, "%s/.cameras", dir), err);
}

static const char *hash(char digit) {
    static char text[4][INSP_SHA256_HEX_BYTES];
    char *at = text[digit - 'a'];
    memset(at, digit, INSP_SHA256_HEX_BYTES - 1);
    return at;
}

static void read_into(struct insp_dataset *set, struct insp_dataset_item item[3]) {
    memset(item, 0, 3 * sizeof *item);
    for (size_t i = 0; i < 3; i++)
        strcpy(item[i].sha256, hash((char)('a' + i)));
    *set = (struct insp_dataset){.root = dir, .count = 3, .item = item};
    ck_insp_ok(insp_dataset_cameras(set, &err), err);
}

START_TEST(the_last_line_of_an_image_counts) {
    struct insp_dataset set;
    struct insp_dataset_item item[3];
    setup();
    read_into(&set, item);
    ck_assert_ptr_null(item[0].camera);
    ck_insp_ok(insp_camera_log_add(dir, hash('b'), "top", &err), err);
    ck_insp_ok(insp_camera_log_add(dir, hash('a'), "linke Seite", &err), err);
    ck_insp_ok(insp_camera_log_add(dir, hash('b'), "side", &err), err);
    read_into(&set, item);
    ck_assert_str_eq(item[0].camera, "linke Seite");
    ck_assert_str_eq(item[1].camera, "side");
    ck_assert_ptr_null(item[2].camera);
    free(set.cameras);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

START_TEST(torn_and_foreign_lines_are_passed_over) {
    struct insp_dataset set;
    struct insp_dataset_item item[3];
    char text[512];
    setup();
    int n = snprintf(text, sizeof text, "rubbish\n\n%s top\n%s\n%s ", hash('a'), hash('c'), hash('b'));
    ck_insp_ok(insp_write_file(path, text, (size_t)n, 0600, false, &err), err);
    read_into(&set, item);
    ck_assert_str_eq(item[0].camera, "top");
    ck_assert(!item[1].camera && !item[2].camera);
    free(set.cameras);
    ck_insp_ok(insp_camera_log_add(dir, hash('c'), "side", &err), err); /* not at the end of the torn line */
    read_into(&set, item);
    ck_assert_str_eq(item[2].camera, "side");
    free(set.cameras);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

/* A file system may fill what a power cut left unwritten with NULs; the lines behind them count. */
START_TEST(nuls_hide_no_line) {
    struct insp_dataset set;
    struct insp_dataset_item item[3];
    char text[512];
    setup();
    int n = snprintf(text, sizeof text, "%s top\n%c%c\n%s side\n", hash('a'), 0, 0, hash('b'));
    ck_insp_ok(insp_write_file(path, text, (size_t)n, 0600, false, &err), err);
    read_into(&set, item);
    ck_assert_str_eq(item[0].camera, "top");
    ck_assert_str_eq(item[1].camera, "side");
    free(set.cameras);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

START_TEST(the_log_holds_no_more_than_it_knows) {
    struct insp_dataset set;
    struct insp_dataset_item item[3];
    _cleanup_free_ char *text = malloc(INSP_CAMERA_LOG_STEP);
    struct stat st;
    size_t used = 0;
    setup();
    for (unsigned i = 0; i < 2; i++) /* the same again needs no line */
        ck_insp_ok(insp_camera_log_add(dir, hash('a'), "top", &err), err);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_lt(st.st_size, 100);
    while (used + 200 < INSP_CAMERA_LOG_STEP) /* one image that was moved between cameras again and again */
        used += (size_t)sprintf(text + used, "%s %s\n", hash('b'), used % 2 ? "left" : "right");
    ck_insp_ok(insp_write_file(path, text, used, 0600, false, &err), err);
    for (unsigned i = 0; i < 4; i++)
        ck_insp_ok(insp_camera_log_add(dir, hash('b'), i % 2 ? "side" : "top", &err), err);
    ck_insp_ok(insp_camera_log_add(dir, hash('c'), "side", &err), err);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_lt(st.st_size, 1000);
    read_into(&set, item);
    ck_assert_str_eq(item[1].camera, "side");
    ck_assert_str_eq(item[2].camera, "side");
    free(set.cameras);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

/* Writes a line of image a and many of image b, up to just below this many steps of the log. */
static void fill(size_t steps) {
    const size_t most = steps * INSP_CAMERA_LOG_STEP;
    _cleanup_free_ char *text = malloc(most);
    size_t used = (size_t)sprintf(text, "%s top\n", hash('a'));
    while (used + 100 < most)
        used += (size_t)sprintf(text + used, "%s %s\n", hash('b'), used % 2 ? "left" : "right");
    ck_insp_ok(insp_write_file(path, text, used, 0666, false, &err), err);
}

static off_t size_of_log(void) {
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_size;
}

/* A folder in which no file can be made stands in for the full disk: the log cannot be written anew. */
START_TEST(a_line_is_stored_though_the_log_cannot_be_shortened) {
    struct insp_dataset set;
    struct insp_dataset_item item[3];
    setup();
    fill(1);
    ck_assert_int_eq(chmod(dir, 0555), 0);
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0);
    int r = insp_camera_log_add(dir, hash('c'), "a camera with a name that crosses the step", &err);
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(chmod(dir, 0755), 0);
    ck_insp_ok(r, err);
    ck_assert_int_gt(size_of_log(), INSP_CAMERA_LOG_STEP); /* not shortened */
    read_into(&set, item);
    ck_assert_str_eq(item[2].camera, "a camera with a name that crosses the step");
    free(set.cameras);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

/* The end of a long log is searched alone: an image whose line lies before it gets another one. */
START_TEST(a_long_log_is_not_read_for_each_line) {
    struct insp_dataset set;
    struct insp_dataset_item item[3];
    setup();
    fill(3);
    const off_t before = size_of_log();
    ck_assert_int_eq(truncate(path, before - 2000), 0); /* away from the step, in the middle of a line */
    ck_insp_ok(insp_camera_log_add(dir, hash('a'), "top", &err), err);
    const off_t after = size_of_log();
    ck_assert_int_gt(after, before - 2000);
    ck_insp_ok(insp_camera_log_add(dir, hash('a'), "top", &err), err); /* the line that was added is found */
    ck_assert_int_eq(size_of_log(), after);
    ck_insp_ok(insp_camera_log_add(dir, hash('c'), "side", &err), err);
    read_into(&set, item);
    ck_assert_str_eq(item[0].camera, "top");
    ck_assert_str_eq(item[2].camera, "side");
    free(set.cameras);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

START_TEST(a_link_is_not_followed) {
    setup();
    ck_assert_int_eq(symlink("/dev/null", path), 0);
    ck_insp_code(insp_camera_log_add(dir, hash('a'), "top", &err), INSP_E_FORBIDDEN, err);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

INSP_TESTS(the_last_line_of_an_image_counts, torn_and_foreign_lines_are_passed_over, nuls_hide_no_line,
           the_log_holds_no_more_than_it_knows, a_line_is_stored_though_the_log_cannot_be_shortened,
           a_long_log_is_not_read_for_each_line, a_link_is_not_followed);
