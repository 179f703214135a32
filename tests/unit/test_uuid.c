#include "core/base/clock.h"
#include "core/base/uuid.h"
#include "harness.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { COUNT = 20000, THREADS = 4 };

START_TEST(ids_have_the_form_and_the_time_of_version_7) {
    char id[INSP_UUID_BYTES];
    int64_t before_ms = insp_wall_us() / 1000;
    insp_uuid7(id);
    int64_t after_ms = insp_wall_us() / 1000;
    ck_assert(insp_uuid_valid(id));
    ck_assert_int_eq(id[14], '7');
    ck_assert_ptr_nonnull(strchr("89ab", id[19]));
    unsigned high, low;
    ck_assert_int_eq(sscanf(id, "%8x-%4x", &high, &low), 2);
    int64_t ms = ((int64_t)high << 16) | low;
    ck_assert_int_ge(ms, before_ms);
    ck_assert_int_le(ms, after_ms);
}
END_TEST

START_TEST(ids_strictly_increase) {
    char last[INSP_UUID_BYTES] = "", id[INSP_UUID_BYTES];
    for (int i = 0; i < COUNT; i++) {
        insp_uuid7(id);
        ck_assert_int_gt(strcmp(id, last), 0);
        memcpy(last, id, sizeof last);
    }
}
END_TEST

static void *many(void *arg) {
    char(*ids)[INSP_UUID_BYTES] = arg;
    for (int i = 0; i < COUNT; i++)
        insp_uuid7(ids[i]);
    return NULL;
}

static int compare(const void *a, const void *b) {
    return strcmp(a, b);
}

START_TEST(ids_of_many_threads_differ) {
    char(*ids)[INSP_UUID_BYTES] = malloc((size_t)THREADS * COUNT * INSP_UUID_BYTES);
    pthread_t thread[THREADS];
    for (int t = 0; t < THREADS; t++)
        ck_assert_int_eq(pthread_create(&thread[t], NULL, many, ids + (size_t)t * COUNT), 0);
    for (int t = 0; t < THREADS; t++)
        pthread_join(thread[t], NULL);
    qsort(ids, (size_t)THREADS * COUNT, INSP_UUID_BYTES, compare);
    for (size_t i = 1; i < (size_t)THREADS * COUNT; i++)
        ck_assert_str_ne(ids[i - 1], ids[i]);
    free(ids);
}
END_TEST

START_TEST(valid_is_strict) {
    ck_assert(insp_uuid_valid("0193612a-0000-7000-8000-000000000000"));
    ck_assert(!insp_uuid_valid("0193612A-0000-7000-8000-000000000000"));
    ck_assert(!insp_uuid_valid("0193612a-0000-7000-8000-00000000000"));
    ck_assert(!insp_uuid_valid("0193612a-0000-7000-8000-0000000000000"));
    ck_assert(!insp_uuid_valid("0193612a/0000-7000-8000-000000000000"));
    ck_assert(!insp_uuid_valid(""));
}
END_TEST

/* A clock that was set back before a restart: ids continue after the newest stored one. */
START_TEST(ids_go_on_behind_a_given_time) {
    char id[INSP_UUID_BYTES], last[INSP_UUID_BYTES] = "";
    int64_t ahead_ms = insp_wall_us() / 1000 + 86400000;
    insp_uuid7_after(ahead_ms);
    insp_uuid7_after(5); /* is no way back */
    for (int i = 0; i < COUNT; i++) {
        unsigned high, low;
        insp_uuid7(id);
        ck_assert_int_eq(sscanf(id, "%8x-%4x", &high, &low), 2);
        ck_assert_int_gt(((int64_t)high << 16) | low, ahead_ms);
        ck_assert_int_gt(strcmp(id, last), 0);
        memcpy(last, id, sizeof last);
    }
}
END_TEST

INSP_TESTS(ids_go_on_behind_a_given_time, ids_have_the_form_and_the_time_of_version_7, ids_strictly_increase,
           ids_of_many_threads_differ, valid_is_strict);
