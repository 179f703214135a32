#include "core/dataset/dataset_change.h"

#include "core/base/fs.h"
#include "tests/unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The linker puts these in the place of the functions (tests/unit/CMakeLists.txt). */
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_renameat(int from, const char *name, int to, const char *new_name);
int __wrap_renameat(int from, const char *name, int to, const char *new_name);
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __real_insp_remove_tree(const char *path, struct insp_error *reterr);
int __wrap_insp_remove_tree(const char *path, struct insp_error *reterr);

static struct {
    bool fails_after_move; /* fsync fails once an image has moved */
    bool refuses_moves;
    size_t moves, syncs;
    int locks;                 /* held by this process */
    size_t removals, unlocked; /* trees removed, and without a lock */
} disk;

int __wrap_fsync(int fd) {
    disk.syncs++;
    if (disk.fails_after_move && disk.moves) {
        errno = EIO;
        return -1;
    }
    return __real_fsync(fd);
}

int __wrap_renameat(int from, const char *name, int to, const char *new_name) {
    if (disk.refuses_moves) {
        errno = EIO;
        return -1;
    }
    disk.moves++;
    return __real_renameat(from, name, to, new_name);
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex) {
    int r = __real_pthread_mutex_lock(mutex);
    disk.locks++;
    return r;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex) {
    disk.locks--;
    return __real_pthread_mutex_unlock(mutex);
}

int __wrap_insp_remove_tree(const char *path, struct insp_error *reterr) {
    disk.removals++;
    disk.unlocked += disk.locks == 0;
    return __real_insp_remove_tree(path, reterr);
}

static struct insp_error err;
static char dir[64], id[INSP_UUID_BYTES];

static void setup(void) {
    strcpy(dir, "/tmp/insp-change-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    memset(&disk, 0, sizeof disk);
}

static void teardown(void) {
    memset(&disk, 0, sizeof disk);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}

/* Writes an image that differs from others in its bytes and its time, but not in its size. */
static void put(const char *place, unsigned number) {
    char path[INSP_PATH_BYTES], folder[INSP_PATH_BYTES], text[16];
    const struct timespec times[] = {{.tv_sec = number}, {.tv_sec = number}};
    snprintf(text, sizeof text, "%010u", number);
    ck_insp_ok(insp_path(path, &err, "%s/%s", dir, place), err);
    strcpy(folder, path);
    *strrchr(folder, '/') = 0;
    ck_insp_ok(insp_mkdir_all(folder, 0755, &err), err);
    ck_insp_ok(insp_write_file(path, text, strlen(text), 0644, false, &err), err);
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Returns the number of the image at a place; -1: there is none. */
static long at(const char *place) {
    char path[INSP_PATH_BYTES];
    _cleanup_free_ char *text = NULL;
    size_t bytes;
    ck_insp_ok(insp_path(path, &err, "%s/%s", dir, place), err);
    return insp_read_file(path, 64, &text, &bytes, NULL) < 0 ? -1 : strtol(text, NULL, 10);
}

static int make(struct insp_dataset_step *step, size_t count, const char *class) {
    return insp_dataset_change_make(dir, step, count, class, id, &err);
}

static enum insp_step make_one(const char *place, const char *class) {
    struct insp_dataset_step step = {0};
    snprintf(step.from, sizeof step.from, "%s", place);
    ck_insp_ok(make(&step, 1, class), err);
    return step.outcome;
}

static struct insp_dataset_step undo_one(const char *change) {
    _cleanup_free_ struct insp_dataset_step *step = NULL;
    size_t count;
    ck_insp_ok(insp_dataset_change_undo(dir, change, &step, &count, &err), err);
    ck_assert_uint_eq(count, 1);
    return step[0];
}

static json_int_t images_of_newest(void) {
    json_t *list;
    ck_insp_ok(insp_dataset_changes_list(dir, &list, &err), err);
    json_int_t images = json_integer_value(json_object_get(json_array_get(list, 0), "images"));
    json_decref(list);
    return images;
}

START_TEST(undo_leaves_another_image_of_the_name_alone) {
    char moved[INSP_UUID_BYTES];
    setup();
    put("train/good/a.png", 1);
    ck_assert_int_eq(make_one("train/good/a.png", "hole"), INSP_STEP_DONE);
    memcpy(moved, id, sizeof moved);
    ck_assert_int_eq(make_one("test/hole/a.png", NULL), INSP_STEP_DONE);
    put("test/hole/a.png", 2);
    struct insp_dataset_step step = undo_one(id);
    ck_assert_int_eq(step.outcome, INSP_STEP_DONE);
    ck_assert_str_eq(step.to, "test/hole/a-2.png");
    step = undo_one(moved);
    ck_assert_int_eq(step.outcome, INSP_STEP_GONE);
    ck_assert_str_eq(step.why, "another image has this name now");
    ck_assert_int_eq(at("test/hole/a.png"), 2);
    ck_assert_int_eq(at("test/hole/a-2.png"), 1);
    ck_assert_int_eq(at("train/good/a.png"), -1);
    teardown();
}
END_TEST

/* An older daemon wrote neither size nor time. */
START_TEST(undo_of_a_change_without_marks) {
    char path[INSP_PATH_BYTES];
    setup();
    put("train/good/a.png", 1);
    ck_assert_int_eq(make_one("train/good/a.png", "hole"), INSP_STEP_DONE);
    ck_insp_ok(insp_path(path, &err, "%s/.trash/%s/change.json", dir, id), err);
    json_t *json = json_load_file(path, 0, NULL), *step = json_array_get(json_object_get(json, "steps"), 0);
    ck_assert_int_eq(json_object_del(step, "bytes") | json_object_del(step, "mtime_ns"), 0);
    ck_assert_int_eq(json_dump_file(json, path, 0), 0);
    json_decref(json);
    ck_assert_int_eq(undo_one(id).outcome, INSP_STEP_DONE);
    ck_assert_int_eq(at("train/good/a.png"), 1);
    teardown();
}
END_TEST

START_TEST(a_change_describes_only_the_steps_that_were_done) {
    struct insp_dataset_step step[] = {
        {.from = "train/good/a.png"}, {.from = "train/good/none.png"}, {.from = "train/good/a.png"}};
    setup();
    put("train/good/a.png", 1);
    ck_insp_ok(make(step, INSP_COUNT(step), "hole"), err);
    ck_assert_int_eq(step[0].outcome, INSP_STEP_DONE);
    ck_assert_int_eq(step[1].outcome, INSP_STEP_GONE);
    ck_assert_int_eq(step[2].outcome, INSP_STEP_GONE); /* the first step has moved it */
    ck_assert_int_eq(images_of_newest(), 1);
    ck_assert_int_eq(undo_one(id).outcome, INSP_STEP_DONE);
    teardown();
}
END_TEST

START_TEST(a_failing_sync_loses_no_image) {
    struct insp_dataset_step step = {.from = "train/good/a.png"};
    _cleanup_free_ struct insp_dataset_step *undone = NULL;
    size_t count;
    setup();
    put("train/good/a.png", 1);
    put("train/good/b.png", 2); /* keeps the folder */
    disk.fails_after_move = true;
    ck_insp_code(make(&step, 1, NULL), INSP_E_IO, err);
    ck_assert_int_eq(at("train/good/a.png"), -1);
    ck_assert_int_eq(images_of_newest(), 1);
    ck_insp_code(insp_dataset_change_undo(dir, id, &undone, &count, &err), INSP_E_IO, err);
    ck_assert_int_eq(at("train/good/a.png"), 1);
    ck_assert_int_eq(images_of_newest(), 1); /* kept until the disk has it */
    disk.fails_after_move = false;
    ck_assert_int_eq(undo_one(id).outcome, INSP_STEP_GONE); /* it is back */
    ck_assert_int_eq(images_of_newest(), 0);
    ck_assert_int_eq(at("train/good/a.png"), 1);
    teardown();
}
END_TEST

START_TEST(a_change_that_moves_nothing_removes_no_tree) {
    char trash[INSP_PATH_BYTES];
    setup();
    put("train/good/a.png", 1);
    disk.refuses_moves = true;
    ck_assert_int_eq(make_one("train/good/a.png", NULL), INSP_STEP_REFUSED);
    ck_assert_str_eq(id, "");
    ck_assert_uint_eq(disk.removals, 0);
    ck_insp_ok(insp_path(trash, &err, "%s/.trash", dir), err);
    ck_assert_int_eq(rmdir(trash), 0); /* it is empty */
    ck_assert_int_eq(at("train/good/a.png"), 1);
    teardown();
}
END_TEST

START_TEST(a_change_syncs_each_folder_once) {
    enum { IMAGES = 40 };
    struct insp_dataset_step step[IMAGES] = {0};
    _cleanup_free_ struct insp_dataset_step *undone = NULL;
    size_t count;
    setup();
    for (unsigned i = 0; i < IMAGES; i++) {
        snprintf(step[i].from, sizeof step[i].from, "train/good/%u.png", i);
        put(step[i].from, i + 1);
    }
    put("test/hole/x.png", 100);
    disk.syncs = 0;
    ck_insp_ok(make(step, IMAGES, "hole"), err);
    ck_assert_uint_eq(disk.moves, IMAGES);
    ck_assert_uint_lt(disk.syncs, 8); /* the trash, the description, and two folders */
    disk.syncs = 0;
    ck_insp_ok(insp_dataset_change_undo(dir, id, &undone, &count, &err), err);
    ck_assert_uint_eq(disk.moves, 2 * IMAGES);
    ck_assert_uint_lt(disk.syncs, 8);
    teardown();
}
END_TEST

START_TEST(the_trash_is_emptied_under_the_lock) {
    size_t forgotten;
    setup();
    put("train/good/a.png", 1);
    ck_assert_int_eq(make_one("train/good/a.png", NULL), INSP_STEP_DONE);
    ck_insp_ok(insp_dataset_changes_forget(dir, INT64_MAX, &forgotten, &err), err);
    ck_assert_uint_eq(forgotten, 1);
    ck_assert_uint_eq(disk.removals, 1);
    ck_assert_uint_eq(disk.unlocked, 0);
    ck_assert_int_eq(disk.locks, 0);
    teardown();
}
END_TEST

START_TEST(numbers_go_past_those_of_equal_names) {
    struct insp_dataset_step step = {.from = "train/good/a.png"};
    setup();
    put("train/good/a.png", 1);
    put("test/hole/a.png", 2);
    put("test/hole/A-2.png", 3);
    put("test/hole/a-3.png", 4);
    put("test/hole/ab.png", 5);
    ck_insp_ok(make(&step, 1, "hole"), err);
    ck_assert_str_eq(step.to, "test/hole/a-4.png");
    teardown();
}
END_TEST

INSP_TESTS(undo_leaves_another_image_of_the_name_alone, undo_of_a_change_without_marks,
           a_change_describes_only_the_steps_that_were_done, a_failing_sync_loses_no_image,
           a_change_that_moves_nothing_removes_no_tree, a_change_syncs_each_folder_once,
           the_trash_is_emptied_under_the_lock, numbers_go_past_those_of_equal_names);
