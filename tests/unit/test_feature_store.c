#include "core/train/features/feature_store.h"

#include "core/base/fs.h"
#include "harness.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { BYTES = 64 * INSP_STORE_PAGE, STRIDE = INSP_STORE_PAGE + BYTES };

static struct insp_error err;
static char dir[64];

static void make_dir(void) {
    strcpy(dir, "/tmp/insp-features-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void done(struct insp_feature_store *store) {
    insp_feature_store_close(store);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}

static struct insp_feature_store *open_set(const char *name, uint64_t bytes_max) {
    struct insp_feature_store *store;
    ck_insp_ok(insp_feature_store_open(dir, name, BYTES, bytes_max, &store, &err), err);
    return store;
}

static const char *path_of(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s.features", dir, name);
    return path;
}

/* A key of 64 times this character. */
static const char *key(char c) {
    static char text[INSP_STORE_KEY_BYTES];
    memset(text, c, INSP_STORE_KEY_BYTES - 1);
    return text;
}

/* Puts one entry for each character of `names`; keeps all that is there. -> the slots */
static void put(struct insp_feature_store *store, const char *names, size_t *ret_slot) {
    bool keep[16];
    for (size_t i = 0; i < sizeof keep; i++)
        keep[i] = i < insp_feature_store_slots(store) && *insp_feature_store_key(store, i);
    ck_insp_ok(insp_feature_store_reserve(store, keep, strlen(names), ret_slot, &err), err);
    for (size_t i = 0; names[i]; i++) {
        ck_assert_str_eq(insp_feature_store_key(store, ret_slot[i]), "");
        memset(insp_feature_store_data(store, ret_slot[i]), names[i], BYTES);
        insp_feature_store_commit(store, ret_slot[i], key(names[i]));
    }
}

START_TEST(what_was_committed_is_there_again) {
    make_dir();
    struct insp_feature_store *store = open_set("s", 0);
    size_t slot[3];
    ck_assert_uint_eq(insp_feature_store_slots(store), 0);
    put(store, "abc", slot);
    insp_feature_store_close(store);
    store = open_set("s", 0);
    ck_assert_uint_eq(insp_feature_store_slots(store), 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_str_eq(insp_feature_store_key(store, i), key("abc"[i]));
        ck_assert(insp_feature_store_verify(store, i));
        const char *data = insp_feature_store_data(store, i);
        ck_assert_int_eq(data[0], "abc"[i]);
        ck_assert_int_eq(data[BYTES - 1], "abc"[i]);
    }
    done(store);
}
END_TEST

/* As after kill -9 between reserve and commit. */
START_TEST(what_was_not_committed_is_empty) {
    make_dir();
    struct insp_feature_store *store = open_set("s", 0);
    size_t slot[1];
    bool keep[1];
    ck_insp_ok(insp_feature_store_reserve(store, keep, 1, slot, &err), err);
    memset(insp_feature_store_data(store, slot[0]), 'x', BYTES);
    insp_feature_store_close(store);
    store = open_set("s", 0);
    ck_assert_uint_eq(insp_feature_store_slots(store), 1);
    ck_assert_str_eq(insp_feature_store_key(store, 0), "");
    ck_assert(!insp_feature_store_verify(store, 0));
    size_t again[2];
    put(store, "ab", again); /* the empty one is used before the file grows */
    ck_assert_uint_eq(again[0], 0);
    ck_assert_uint_eq(insp_feature_store_slots(store), 2);
    done(store);
}
END_TEST

START_TEST(a_changed_byte_empties_its_slot_alone) {
    make_dir();
    struct insp_feature_store *store = open_set("s", 0);
    size_t slot[3];
    put(store, "abc", slot);
    insp_feature_store_close(store);
    int fd = open(path_of("s"), O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, "?", 1, INSP_STORE_PAGE + STRIDE + INSP_STORE_PAGE + 777), 1);
    close(fd);
    store = open_set("s", 0);
    ck_assert(insp_feature_store_verify(store, 0));
    ck_assert(!insp_feature_store_verify(store, 1));
    ck_assert_str_eq(insp_feature_store_key(store, 1), "");
    ck_assert(insp_feature_store_verify(store, 2));
    done(store);
}
END_TEST

START_TEST(a_file_of_another_shape_is_started_afresh) {
    make_dir();
    struct insp_feature_store *store = open_set("s", 0);
    size_t slot[2];
    put(store, "ab", slot);
    insp_feature_store_close(store);
    ck_assert_int_eq(truncate(path_of("s"), INSP_STORE_PAGE + STRIDE + 100), 0); /* cut within a slot */
    store = open_set("s", 0);
    ck_assert_uint_eq(insp_feature_store_slots(store), 0);
    put(store, "a", slot);
    insp_feature_store_close(store);
    ck_insp_ok(insp_feature_store_open(dir, "s", BYTES / 2, 0, &store, &err), err);
    ck_assert_uint_eq(insp_feature_store_slots(store), 0);
    insp_feature_store_close(store);
    ck_insp_ok(insp_write_file(path_of("s"), "no features", 11, 0644, false, &err), err);
    store = open_set("s", 0);
    ck_assert_uint_eq(insp_feature_store_slots(store), 0);
    done(store);
}
END_TEST

START_TEST(the_least_recently_used_goes_first) {
    make_dir();
    struct insp_feature_store *store = open_set("s", INSP_STORE_PAGE + 3 * STRIDE);
    size_t slot[4];
    bool keep[3] = {false};
    ck_insp_code(insp_feature_store_reserve(store, keep, 4, slot, &err), INSP_E_NOSPACE, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "1.1 MB, but the cache is limited to 0.8 MB"));
    put(store, "abc", slot);
    ck_assert(insp_feature_store_verify(store, 0)); /* a is used now: b is the oldest */
    ck_insp_ok(insp_feature_store_reserve(store, keep, 1, slot, &err), err);
    ck_assert_uint_eq(slot[0], 1);
    ck_assert_str_eq(insp_feature_store_key(store, 1), "");
    ck_assert_str_eq(insp_feature_store_key(store, 0), key('a'));
    ck_assert_uint_eq(insp_feature_store_slots(store), 3);
    put(store, "d", slot);
    keep[2] = true; /* c is older than a and d, but it is asked for */
    ck_insp_ok(insp_feature_store_reserve(store, keep, 1, slot, &err), err);
    ck_assert_uint_eq(slot[0], 0);
    ck_insp_code(insp_feature_store_reserve(store, keep, 3, slot, &err), INSP_E_NOSPACE, err);
    done(store);
}
END_TEST

START_TEST(older_sets_make_room) {
    make_dir();
    const char *const name[] = {"old", "older", "new"};
    const time_t age[] = {2000, 1000, 3000};
    size_t slot[2];
    for (size_t i = 0; i < 3; i++) {
        struct insp_feature_store *store = open_set(name[i], 0);
        put(store, "a", slot);
        insp_feature_store_close(store);
        const struct timespec times[2] = {{.tv_sec = age[i]}, {.tv_sec = age[i]}};
        ck_assert_int_eq(utimensat(AT_FDCWD, path_of(name[i]), times, 0), 0);
    }
    struct insp_feature_store *store = open_set("new", 2 * INSP_STORE_PAGE + 3 * STRIDE);
    put(store, "b", slot); /* two here and one elsewhere fit, two elsewhere do not */
    ck_assert_int_ne(access(path_of("older"), F_OK), 0);
    ck_assert_int_eq(access(path_of("old"), F_OK), 0);
    put(store, "c", slot);
    ck_assert_int_ne(access(path_of("old"), F_OK), 0);
    for (size_t i = 0; i < 3; i++)
        ck_assert(insp_feature_store_verify(store, i));
    insp_feature_store_close(store);

    /* A job that uses two files loses neither, and the folder is within the limit again when it ends. */
    store = open_set("new", 2 * INSP_STORE_PAGE + 3 * STRIDE);
    struct insp_feature_store *second = open_set("second", 2 * INSP_STORE_PAGE + 3 * STRIDE);
    put(second, "d", slot);
    ck_assert_int_eq(access(path_of("new"), F_OK), 0);
    insp_feature_store_close(second);
    ck_assert(access(path_of("new"), F_OK) == 0 && access(path_of("second"), F_OK) == 0);
    insp_feature_store_close(store);
    ck_assert(access(path_of("new"), F_OK) == 0 && access(path_of("second"), F_OK) != 0);
    done(NULL);
}
END_TEST

START_TEST(one_process_at_a_time) {
    make_dir();
    struct insp_feature_store *store = open_set("s", 0), *second;
    ck_insp_code(insp_feature_store_open(dir, "s", BYTES, 0, &second, &err), INSP_E_CONFLICT, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "in use by another training"));
    struct insp_feature_store *other = open_set("t", 0);
    insp_feature_store_close(other);
    done(store);
}
END_TEST

/* A program that may write into the folder must not make the daemon write elsewhere. */
START_TEST(a_link_is_not_followed) {
    make_dir();
    struct insp_feature_store *store;
    char target[128];
    snprintf(target, sizeof target, "%s/target", dir);
    ck_insp_ok(insp_write_file(target, "kept", 4, 0644, false, &err), err);
    ck_assert_int_eq(symlink(target, path_of("s")), 0);
    ck_insp_code(insp_feature_store_open(dir, "s", BYTES, 0, &store, &err), INSP_E_IO, err);
    struct stat st;
    ck_assert_int_eq(stat(target, &st), 0);
    ck_assert_int_eq(st.st_size, 4);
    done(NULL);
}
END_TEST

START_TEST(a_temporary_one_leaves_nothing) {
    make_dir();
    ck_assert_int_eq(setenv("TMPDIR", dir, 1), 0);
    struct insp_feature_store *store;
    ck_insp_ok(insp_feature_store_open(NULL, "s", BYTES, 0, &store, &err), err);
    size_t slot[2];
    put(store, "ab", slot);
    ck_assert(insp_feature_store_verify(store, 1));
    ck_assert_int_eq(rmdir(dir), 0); /* is empty already */
    done(store);
}
END_TEST

INSP_TESTS(what_was_committed_is_there_again, what_was_not_committed_is_empty,
           a_changed_byte_empties_its_slot_alone, a_file_of_another_shape_is_started_afresh,
           the_least_recently_used_goes_first, older_sets_make_room, one_process_at_a_time, a_link_is_not_followed,
           a_temporary_one_leaves_nothing);
