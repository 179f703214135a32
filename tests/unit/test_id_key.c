#include "core/base/uuid.h"
#include "core/store/internal.h"
#include "harness.h"

#include <string.h>

static unsigned char blob[INSP_ID_BLOB_BYTES];
static int64_t key;

START_TEST(id_goes_to_bytes_and_back) {
    static const unsigned char expected[INSP_ID_BLOB_BYTES] = {0x01, 0x8f, 0x2b, 0x3c, 0x4d, 0x5e, 0x7a, 0xbc,
                                                               0x9d, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab};
    static const char id[] = "018f2b3c-4d5e-7abc-9def-0123456789ab";
    char back[INSP_UUID_BYTES];
    ck_assert(insp_id_parse(id, blob, &key));
    ck_assert_mem_eq(blob, expected, sizeof expected);
    insp_id_format(blob, back);
    ck_assert_str_eq(back, id);
    /* 42 bits of milliseconds, 12 bits that count within one, 9 of the random bits (the variant is passed over) */
    int64_t random = (0x1d << 3) | (0xef >> 5);
    ck_assert_int_eq(key, 0x018f2b3c4d5eLL << 21 | 0xabcLL << 9 | random);
}
END_TEST

START_TEST(keys_sort_as_ids_do) {
    char before[INSP_UUID_BYTES], after[INSP_UUID_BYTES];
    int64_t key_before, key_after;
    insp_uuid7(before);
    for (int i = 0; i < 2000; i++) {
        insp_uuid7(after);
        ck_assert(insp_id_parse(before, blob, &key_before) && insp_id_parse(after, blob, &key_after));
        ck_assert_int_lt(key_before, key_after);
        memcpy(before, after, sizeof before);
    }
}
END_TEST

START_TEST(only_version_7_of_the_range_is_an_id) {
    static const char *const bad[] = {
        "", "018f2b3c-4d5e-7abc-9def-0123456789a", "018f2b3c-4d5e-4abc-9def-0123456789ab",
        "ffffffff-ffff-7abc-9def-0123456789ab", "018f2b3c_4d5e_7abc_9def_0123456789ab"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!insp_id_parse(bad[i], blob, &key), "%s", bad[i]);
}
END_TEST

START_TEST(key_of_a_time_is_the_smallest_of_its_millisecond) {
    ck_assert(insp_id_parse("018f2b3c-4d5e-7000-8000-000000000000", blob, &key));
    ck_assert_int_eq(insp_key_of_us(0x018f2b3c4d5eLL * 1000 + 999), key);
    ck_assert_int_eq(insp_key_of_us(-5000), 0);
    ck_assert_int_eq(insp_key_of_us(INT64_MAX), (((int64_t)1 << 42) - 1) << INSP_KEY_MS_SHIFT);
}
END_TEST

INSP_TESTS(id_goes_to_bytes_and_back, keys_sort_as_ids_do, only_version_7_of_the_range_is_an_id,
           key_of_a_time_is_the_smallest_of_its_millisecond);
