#include "core/store/images/thumbnail_file.h"

#include "core/base/fs.h"
#include "tests/unit/retention_fixture.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

static const char jpeg[] = "\xff\xd8 a small picture \xff\xd9";
enum { BYTES = sizeof jpeg - 1, MANY = 1 << 20 };

static struct fixture f;
static char id[4][INSP_UUID_BYTES];

static void setup(void) {
    fixture_open(&f);
    for (int i = 0; i < 4; i++) {
        struct insp_record record = fixture_record(id[i], "carpet", i & 1);
        fixture_put(&f, &record);
    }
}

static bool there(int i, uint32_t width) {
    unsigned char *data;
    size_t bytes;
    struct insp_error err; /* asked from several threads */
    int r = insp_thumbnail_get(f.store, id[i], width, &data, &bytes, &err);
    if (r == 0) {
        ck_assert_uint_eq(bytes, BYTES);
        ck_assert_mem_eq(data, jpeg, BYTES);
        free(data);
        return true;
    }
    ck_assert_int_eq(r, INSP_E_NOT_FOUND);
    return false;
}

static void path_of(int i, const char *name, char *ret) {
    ck_insp_ok(insp_path(ret, &f.err, "%s/cache/thumbnails/%s%s%s", f.dir, id[i], *name ? "/" : "", name), f.err);
}

static bool exists(int i, const char *name) {
    char path[INSP_PATH_BYTES];
    path_of(i, name, path);
    return access(path, F_OK) == 0;
}

START_TEST(test_keeps_and_drops) {
    setup();
    ck_assert(!there(0, 64));
    ck_assert(insp_thumbnail_keep(f.store, id[0], 64, jpeg, BYTES, MANY));
    ck_assert(insp_thumbnail_keep(f.store, id[0], 128, jpeg, BYTES, MANY));
    ck_assert(there(0, 64) && there(0, 128) && !there(0, 65) && !there(1, 64));
    insp_thumbnail_drop(f.store, id[0]);
    ck_assert(!there(0, 64) && !exists(0, ""));
    fixture_close(&f);
}
END_TEST

START_TEST(test_not_without_an_image) {
    setup();
    char none[INSP_UUID_BYTES];
    insp_uuid7(none);
    ck_assert(!insp_thumbnail_keep(f.store, none, 64, jpeg, BYTES, MANY));
    uint64_t bytes = 1;
    ck_insp_ok(insp_thumbnail_sweep(f.store, MANY, 100, &bytes, &f.err), f.err);
    ck_assert_uint_eq(bytes, 0);
    fixture_close(&f);
}
END_TEST

START_TEST(test_bounded_and_the_oldest_go) {
    setup();
    uint64_t bytes;
    ck_assert(!insp_thumbnail_keep(f.store, id[0], 16, jpeg, BYTES, 0));
    for (int i = 0; i < 4; i++)
        ck_assert(insp_thumbnail_keep(f.store, id[i], 64, jpeg, BYTES, 4 * BYTES));
    ck_insp_ok(insp_thumbnail_sweep(f.store, 4 * BYTES, 100, &bytes, &f.err), f.err);
    ck_assert_uint_eq(bytes, 4 * BYTES); /* within the bound: nothing is removed */
    ck_assert(!insp_thumbnail_keep(f.store, id[3], 65, jpeg, BYTES, 4 * BYTES)); /* not one byte more */
    ck_assert(!exists(3, "65.jpg"));
    insp_store_close(f.store); /* counts the files again */
    ck_insp_ok(insp_store_open(f.dir, INSP_DURABLE_PROCESS, &f.store, &f.err), f.err);
    ck_assert(!insp_thumbnail_keep(f.store, id[3], 65, jpeg, BYTES, 4 * BYTES));
    ck_insp_ok(insp_thumbnail_sweep(f.store, 4 * BYTES, 100, &bytes, &f.err), f.err);
    ck_assert_uint_eq(bytes, 3 * BYTES); /* room for the next ones */
    ck_assert(!there(0, 64) && insp_thumbnail_keep(f.store, id[3], 65, jpeg, BYTES, 4 * BYTES));
    ck_insp_ok(insp_thumbnail_sweep(f.store, 3 * BYTES, 100, &bytes, &f.err), f.err);
    ck_assert_uint_eq(bytes, 2 * BYTES);
    ck_assert(!there(1, 64) && !there(2, 64) && there(3, 64) && there(3, 65));
    ck_assert(insp_thumbnail_keep(f.store, id[0], 64, jpeg, BYTES, 3 * BYTES));
    fixture_close(&f);
}
END_TEST

START_TEST(test_what_a_kill_or_a_power_cut_left) {
    setup();
    char path[INSP_PATH_BYTES];
    const struct utimbuf long_ago = {0};
    ck_assert(insp_thumbnail_keep(f.store, id[0], 64, jpeg, BYTES, MANY));
    path_of(0, "64.jpg", path);
    ck_assert_int_eq(truncate(path, BYTES - 1), 0);
    ck_assert(!there(0, 64)); /* not whole: made anew */
    ck_assert(insp_thumbnail_keep(f.store, id[0], 64, jpeg, BYTES, MANY));
    ck_assert(there(0, 64));
    path_of(0, "65.jpg.Abcdef", path);
    ck_insp_ok(insp_write_file(path, jpeg, 3, 0600, false, &f.err), f.err);
    ck_insp_ok(insp_thumbnail_sweep(f.store, MANY, 100, NULL, &f.err), f.err);
    ck_assert(exists(0, "65.jpg.Abcdef")); /* perhaps being written now */
    ck_assert_int_eq(utime(path, &long_ago), 0);
    ck_insp_ok(insp_thumbnail_sweep(f.store, MANY, 100, NULL, &f.err), f.err);
    ck_assert(!exists(0, "65.jpg.Abcdef") && there(0, 64));
    fixture_close(&f);
}
END_TEST

/* Folders of images that there are not; how many of them are left. */
static size_t strays(size_t make) {
    static char stray[12][INSP_UUID_BYTES];
    size_t left = 0;
    char path[INSP_PATH_BYTES];
    for (size_t i = 0; i < 12; i++) {
        if (i < make) {
            insp_uuid7(stray[i]);
            ck_insp_ok(insp_path(path, &f.err, "%s/cache/thumbnails/%s", f.dir, stray[i]), f.err);
            ck_insp_ok(insp_mkdir_all(path, 0700, &f.err), f.err);
        }
        ck_insp_ok(insp_path(path, &f.err, "%s/cache/thumbnails/%s", f.dir, stray[i]), f.err);
        left += access(path, F_OK) == 0;
    }
    return left;
}

START_TEST(test_a_sweep_looks_at_so_many_and_the_next_goes_on) {
    setup();
    uint64_t bytes;
    for (int i = 0; i < 4; i++)
        ck_assert(insp_thumbnail_keep(f.store, id[i], 64, jpeg, BYTES, MANY));
    size_t left = strays(12);
    ck_assert_uint_eq(left, 12);
    for (int sweep = 0; sweep < 4; sweep++) { /* 16 folders */
        ck_insp_ok(insp_thumbnail_sweep(f.store, MANY, 4, &bytes, &f.err), f.err);
        ck_assert_uint_le(left - strays(0), 4);
        left = strays(0);
        ck_assert_uint_eq(bytes, 4 * BYTES);
    }
    ck_assert_uint_eq(left, 0);
    fixture_close(&f);
}
END_TEST

START_TEST(test_a_sweep_removes_so_many_and_the_next_goes_on) {
    setup();
    uint64_t bytes;
    for (int i = 0; i < 4; i++)
        ck_assert(insp_thumbnail_keep(f.store, id[i], 64, jpeg, BYTES, MANY));
    for (int i = 0; i < 4; i++) { /* the oldest each time, down to three quarters of nothing */
        ck_insp_ok(insp_thumbnail_sweep(f.store, 0, 1, &bytes, &f.err), f.err);
        ck_assert_uint_eq(bytes, (uint64_t)(3 - i) * BYTES);
        ck_assert(!there(i, 64) && (i == 3 || there(i + 1, 64)));
    }
    fixture_close(&f);
}
END_TEST

/* The sum is led by keep and drop, and set right at the end of each round. */
START_TEST(test_what_others_remove_is_noticed_within_a_round) {
    setup();
    char path[INSP_PATH_BYTES];
    uint64_t bytes;
    for (int i = 0; i < 4; i++)
        ck_assert(insp_thumbnail_keep(f.store, id[i], 64, jpeg, BYTES, 4 * BYTES));
    for (int i = 0; i < 2; i++) {
        path_of(i, "64.jpg", path);
        ck_assert_int_eq(unlink(path), 0);
    }
    ck_insp_ok(insp_thumbnail_sweep(f.store, 4 * BYTES, 3, &bytes, &f.err), f.err);
    ck_assert_uint_eq(bytes, 4 * BYTES); /* not before its end */
    ck_assert(!insp_thumbnail_keep(f.store, id[3], 65, jpeg, BYTES, 4 * BYTES));
    ck_insp_ok(insp_thumbnail_sweep(f.store, 8 * BYTES, 3, &bytes, &f.err), f.err);
    ck_assert_uint_eq(bytes, 2 * BYTES);
    ck_assert(insp_thumbnail_keep(f.store, id[3], 65, jpeg, BYTES, 4 * BYTES));
    fixture_close(&f);
}
END_TEST

START_TEST(test_goes_with_its_image) {
    setup();
    struct insp_retention by_space = unbounded, by_age = unbounded;
    by_space.image_bytes_max = 18; /* of 4 images of 6 */
    by_age.good_age_us = by_age.anomaly_age_us = 1;
    for (int i = 0; i < 4; i++)
        ck_assert(insp_thumbnail_keep(f.store, id[i], 64, jpeg, BYTES, MANY));
    ck_assert_uint_eq(fixture_sweep(&f, &by_space, 0).images, 1);
    ck_assert(!there(0, 64) && there(1, 64) && there(2, 64) && there(3, 64));
    ck_assert(!insp_thumbnail_keep(f.store, id[0], 64, jpeg, BYTES, MANY)); /* nor comes back after it */
    fixture_sweep(&f, &by_age, 1000000);
    for (int i = 0; i < 4; i++)
        ck_assert(!exists(i, ""));
    fixture_close(&f);
}
END_TEST

START_TEST(test_a_disk_that_refuses) {
    setup();
    char path[INSP_PATH_BYTES];
    ck_insp_ok(insp_path(path, &f.err, "%s/cache", f.dir), f.err);
    ck_insp_ok(insp_write_file(path, "", 0, 0600, false, &f.err), f.err); /* a file in place of the folder */
    ck_assert(!insp_thumbnail_keep(f.store, id[0], 64, jpeg, BYTES, MANY));
    ck_assert(!there(0, 64));
    struct insp_retention_result result; /* images are removed all the same, and the error is returned */
    struct insp_retention by_space = unbounded;
    const struct insp_retention_now now = fixture_later(0);
    by_space.image_bytes_max = 18;
    ck_assert_int_lt(insp_retention_sweep(f.store, &by_space, &now, &result, &f.err), 0);
    ck_assert_uint_eq(result.images, 1);
    fixture_close(&f);
}
END_TEST

static void *keep_often(void *arg) {
    for (int k = 0; k < 200; k++) {
        insp_thumbnail_keep(f.store, id[k & 3], 64, jpeg, BYTES, MANY);
        if (arg && k % 10 == 0)
            insp_thumbnail_drop(f.store, id[k & 3]);
        there(k & 3, 64); /* whole, or not there: never in between */
    }
    return NULL;
}

START_TEST(test_many_at_once) {
    setup();
    pthread_t thread[4];
    for (intptr_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, keep_often, (void *)i), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    fixture_close(&f);
}
END_TEST

INSP_TESTS(test_keeps_and_drops, test_not_without_an_image, test_bounded_and_the_oldest_go,
           test_what_a_kill_or_a_power_cut_left, test_a_sweep_looks_at_so_many_and_the_next_goes_on,
           test_a_sweep_removes_so_many_and_the_next_goes_on, test_what_others_remove_is_noticed_within_a_round,
           test_goes_with_its_image, test_a_disk_that_refuses, test_many_at_once);
