#include "core/dataset/dataset_place.h"

#include "core/base/cleanup.h"
#include "core/base/fs.h"
#include "tests/unit/harness.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static struct insp_error err;
static char dir[64], set[80];

static void setup(void) {
    strcpy(dir, "/tmp/insp-place-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(set, sizeof set, "%s/set", dir);
    ck_insp_ok(insp_mkdir_all(set, 0700, &err), err);
}

static void teardown(void) {
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}

static void write_text(const char *relative, const char *text) {
    char path[INSP_PATH_BYTES];
    ck_insp_ok(insp_path(path, &err, "%s/%s", dir, relative), err);
    *strrchr(path, '/') = 0;
    ck_insp_ok(insp_mkdir_all(path, 0700, &err), err);
    path[strlen(path)] = '/';
    ck_insp_ok(insp_write_file(path, text, strlen(text), 0600, false, &err), err);
}

static void link_to(const char *target, const char *relative) {
    char path[INSP_PATH_BYTES];
    ck_insp_ok(insp_path(path, &err, "%s/%s", dir, relative), err);
    ck_assert_int_eq(symlink(target, path), 0);
}

START_TEST(names_of_new_images) {
    static const struct insp_dataset_place well[] = {{"train", "good", "a.png"}, {"test", "hole-2", "A_1.x.PNG"}};
    static const struct insp_dataset_place ill[] = {
        {"Train", "good", "a.png"},    {"valid", "good", "a.png"},   {"", "good", "a.png"},
        {"train", "..", "a.png"},      {"train", "a/b", "a.png"},    {"train", ".x", "a.png"},
        {"train", "good", "a.jpg"},    {"train", "good", "png"},     {"train", "good", ".png"},
        {"train", "good", "../x.png"}, {"train", "good", "a b.png"}, {"train", "good", ""},
        {"train", "good", "\xff.png"}};
    for (size_t i = 0; i < INSP_COUNT(well); i++)
        ck_insp_ok(insp_dataset_place_check_new(&well[i], INSP_MEDIA_PNG, &err), err);
    for (size_t i = 0; i < INSP_COUNT(ill); i++)
        ck_insp_code(insp_dataset_place_check_new(&ill[i], INSP_MEDIA_PNG, &err), INSP_E_PARAMETER, err);
    ck_insp_ok(insp_dataset_place_check_new(&(struct insp_dataset_place){"train", "good", "a.JPeG"},
                                            INSP_MEDIA_JPEG, &err),
               err);
    ck_insp_code(insp_dataset_place_check_new(&well[0], INSP_MEDIA_JPEG, &err), INSP_E_PARAMETER, err);
}
END_TEST

START_TEST(names_of_images_that_are_there) {
    char longest[300];
    memset(longest, 'a', sizeof longest);
    longest[256] = 0;
    struct insp_dataset_place place = {"test", "hole", longest};
    ck_insp_code(insp_dataset_place_check(&place, &err), INSP_E_PARAMETER, err);
    longest[255] = 0;
    ck_insp_ok(insp_dataset_place_check(&place, &err), err);
    static const char *const ill[] = {"", ".", "..", ".x", "a/b", "../x"};
    for (size_t i = 0; i < INSP_COUNT(ill); i++) {
        place.name = ill[i];
        ck_insp_code(insp_dataset_place_check(&place, &err), INSP_E_PARAMETER, err);
    }
    place.name = "a b \xff.png";
    ck_insp_ok(insp_dataset_place_check(&place, &err), err);
}
END_TEST

static int try_read(const char *name, size_t limit, char **ret, size_t *ret_bytes) {
    const struct insp_dataset_place place = {"train", "good", name};
    return insp_dataset_place_read(set, &place, limit, ret, ret_bytes, &err);
}

START_TEST(reads_what_lies_in_the_set) {
    char *data = NULL;
    size_t bytes;
    setup();
    write_text("set/train/good/a.png", "hello");
    write_text("secret.png", "secret");
    link_to("a.png", "set/train/good/in.png");
    link_to("../../../secret.png", "set/train/good/out.png");
    link_to("nothing", "set/train/good/dangling.png");
    ck_insp_ok(try_read("a.png", 5, &data, &bytes), err);
    ck_assert_mem_eq(data, "hello", 5);
    ck_assert_uint_eq(bytes, 5);
    free(data);
    ck_insp_ok(try_read("in.png", 5, &data, &bytes), err);
    free(data);
    ck_insp_code(try_read("a.png", 4, &data, &bytes), INSP_E_IMAGE_LIMIT, err);
    ck_insp_code(try_read("out.png", 100, &data, &bytes), INSP_E_FORBIDDEN, err);
    ck_insp_code(try_read("dangling.png", 100, &data, &bytes), INSP_E_NOT_FOUND, err);
    ck_insp_code(try_read("b.png", 100, &data, &bytes), INSP_E_NOT_FOUND, err);
    char pipe[INSP_PATH_BYTES];
    ck_insp_ok(insp_path(pipe, &err, "%s/train/good/pipe.png", set), err);
    ck_assert_int_eq(mkfifo(pipe, 0600), 0);
    ck_insp_code(try_read("pipe.png", 100, &data, &bytes), INSP_E_NOT_FOUND, err);
    teardown();
}
END_TEST

START_TEST(folders_are_real_ones) {
    const struct insp_dataset_place place = {"train", "good", "a.png"}, away = {"train", "away", "a.png"};
    int fd = -1;
    setup();
    ck_insp_code(insp_dataset_place_folder(set, &place, false, &fd, &err), INSP_E_NOT_FOUND, err);
    ck_insp_ok(insp_dataset_place_folder(set, &place, true, &fd, &err), err);
    ck_assert_int_eq(faccessat(fd, ".", W_OK, 0), 0);
    close(fd);
    ck_insp_ok(insp_dataset_place_folder(set, &place, true, &fd, &err), err); /* there already */
    close(fd);
    link_to("good", "set/train/away"); /* even one that stays inside */
    ck_insp_code(insp_dataset_place_folder(set, &away, true, &fd, &err), INSP_E_FORBIDDEN, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "away"));
    teardown();
}
END_TEST

INSP_TESTS(names_of_new_images, names_of_images_that_are_there, reads_what_lies_in_the_set, folders_are_real_ones);
