#include "core/train/feature_store.h"

#include "core/base/fs.h"
#include "harness.h"

#include <string.h>
#include <unistd.h>

enum { BYTES = INSP_STORE_PAGE };
static struct insp_error err;
static char dir[] = "/tmp/insp-features-XXXXXX";

static struct insp_feature_store *open_store(const char *name, uint64_t bytes_max) {
    struct insp_feature_store *store;
    ck_insp_ok(insp_feature_store_open(dir, name, BYTES, bytes_max, &store, &err), err);
    return store;
}

/* A key of 64 characters. */
static const char *key(char c) {
    static char text[INSP_STORE_KEY_BYTES];
    memset(text, c, sizeof text - 1);
    return text;
}

static void put(struct insp_feature_store *store, const char *letters) {
    size_t count = strlen(letters), slot[8];
    bool keep[8] = {false};
    ck_insp_ok(insp_feature_store_reserve(store, keep, count, slot, &err), err);
    for (size_t i = 0; i < count; i++) {
        memset(insp_feature_store_data(store, slot[i]), letters[i], BYTES);
        insp_feature_store_commit(store, slot[i], key(letters[i]));
    }
}

static bool holds(struct insp_feature_store *store, char c) {
    for (size_t i = 0; i < insp_feature_store_slots(store); i++)
        if (!strcmp(insp_feature_store_key(store, i), key(c)))
            return insp_feature_store_verify(store, i) && *(char *)insp_feature_store_data(store, i) == c;
    return false;
}

START_TEST(what_is_committed_is_there_after_reopening) {
    ck_assert_ptr_nonnull(mkdtemp(dir));
    struct insp_feature_store *store = open_store("a", 0);
    put(store, "xy");
    insp_feature_store_close(store);
    store = open_store("a", 0);
    ck_assert(holds(store, 'x') && holds(store, 'y') && !holds(store, 'z'));
    insp_feature_store_close(store);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

START_TEST(data_that_changed_behind_its_back_are_dropped) {
    ck_assert_ptr_nonnull(mkdtemp(dir));
    struct insp_feature_store *store = open_store("a", 0);
    put(store, "xy");
    for (size_t i = 0; i < insp_feature_store_slots(store); i++)
        if (!strcmp(insp_feature_store_key(store, i), key('x')))
            ((char *)insp_feature_store_data(store, i))[BYTES / 2] ^= 1;
    ck_assert(!holds(store, 'x'));
    ck_assert(holds(store, 'y'));
    insp_feature_store_close(store);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

START_TEST(one_process_at_a_time) {
    ck_assert_ptr_nonnull(mkdtemp(dir));
    struct insp_feature_store *store = open_store("a", 0), *second;
    ck_insp_code(insp_feature_store_open(dir, "a", BYTES, 0, &second, &err), INSP_E_CONFLICT, err);
    insp_feature_store_close(store);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

START_TEST(limit_reuses_slots_and_then_refuses) {
    ck_assert_ptr_nonnull(mkdtemp(dir));
    /* header and two slots of a page each, with a page of data */
    struct insp_feature_store *store = open_store("a", INSP_STORE_PAGE * 5);
    put(store, "xy");
    put(store, "z");
    ck_assert(holds(store, 'z'));
    ck_assert_int_eq(holds(store, 'x') + holds(store, 'y'), 1);
    size_t slot[3];
    bool keep[3] = {false};
    ck_insp_code(insp_feature_store_reserve(store, keep, 3, slot, &err), INSP_E_NOSPACE, err);
    insp_feature_store_close(store);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

START_TEST(a_file_of_another_kind_is_started_afresh) {
    ck_assert_ptr_nonnull(mkdtemp(dir));
    char path[INSP_PATH_BYTES];
    ck_insp_ok(insp_path(path, &err, "%s/a.features", dir), err);
    ck_insp_ok(insp_write_file(path, "garbage", 7, 0644, false, &err), err);
    struct insp_feature_store *store = open_store("a", 0);
    ck_assert(!holds(store, 'x'));
    put(store, "x");
    ck_assert(holds(store, 'x'));
    insp_feature_store_close(store);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

START_TEST(temporary_file_keeps_for_its_life) {
    struct insp_feature_store *store;
    ck_insp_ok(insp_feature_store_open(NULL, "t", BYTES, 0, &store, &err), err);
    put(store, "x");
    ck_assert(holds(store, 'x'));
    insp_feature_store_close(store);
}
END_TEST

INSP_TESTS(what_is_committed_is_there_after_reopening, data_that_changed_behind_its_back_are_dropped,
           one_process_at_a_time, limit_reuses_slots_and_then_refuses, a_file_of_another_kind_is_started_afresh,
           temporary_file_keeps_for_its_life);
