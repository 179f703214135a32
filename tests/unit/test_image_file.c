#include "core/store/internal.h"

#include "store_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

static struct fixture f;
static char id[2][INSP_UUID_BYTES];
static struct insp_record record[2];
static char path[2][INSP_PATH_BYTES];

static void two_records(void) {
    fixture_open(&f);
    for (int i = 0; i < 2; i++) {
        unsigned char blob[INSP_ID_BLOB_BYTES];
        int64_t key;
        record[i] = fixture_record(id[i], "carpet", false);
        ck_assert(insp_id_parse(id[i], blob, &key));
        ck_insp_ok(insp_image_path(f.store, id[i], key, "png", path[i], &f.err), f.err);
    }
}

START_TEST(path_is_the_day_of_the_id) {
    two_records();
    char expected[INSP_PATH_BYTES];
    int64_t key = insp_key_of_us(1700000000LL * 1000000); /* 2023-11-14T22:13:20Z */
    ck_insp_ok(insp_image_path(f.store, "x", key, "jpg", path[0], &f.err), f.err);
    ck_insp_ok(insp_path(expected, &f.err, "%s/images/2023-11-14/x.jpg", f.dir), f.err);
    ck_assert_str_eq(path[0], expected);
    fixture_close(&f);
}
END_TEST

START_TEST(group_is_written_and_discarded) {
    two_records();
    ck_insp_ok(insp_image_write(f.store, record, 2, &f.err), f.err);
    for (int i = 0; i < 2; i++) {
        struct stat st;
        ck_assert_int_eq(stat(path[i], &st), 0);
        ck_assert_int_eq(st.st_size, 6);
    }
    insp_image_discard(f.store, record, 2);
    ck_assert_int_ne(access(path[0], F_OK), 0);
    ck_assert_int_ne(access(path[1], F_OK), 0);
    fixture_close(&f);
}
END_TEST

START_TEST(group_is_written_wholly_or_not_at_all) {
    two_records();
    ck_insp_ok(insp_image_write(f.store, &record[1], 1, &f.err), f.err);
    ck_insp_code(insp_image_write(f.store, record, 2, &f.err), INSP_E_IO, f.err); /* the second file is there */
    ck_assert_ptr_nonnull(strstr(f.err.detail, id[1]));
    ck_assert_int_ne(access(path[0], F_OK), 0);
    ck_assert_int_eq(access(path[1], F_OK), 0); /* and is not ours to remove */
    fixture_close(&f);
}
END_TEST

START_TEST(durable_against_power_cuts_writes_too) {
    two_records();
    f.store->durability = INSP_DURABLE_POWER;
    ck_insp_ok(insp_image_write(f.store, record, 2, &f.err), f.err);
    ck_assert_int_eq(access(path[1], F_OK), 0);
    fixture_close(&f);
}
END_TEST

INSP_TESTS(path_is_the_day_of_the_id, group_is_written_and_discarded, group_is_written_wholly_or_not_at_all,
           durable_against_power_cuts_writes_too);
