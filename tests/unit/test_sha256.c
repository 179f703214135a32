#include "core/base/fs.h"
#include "core/base/sha256.h"
#include "harness.h"

#include <string.h>
#include <unistd.h>

static const char *const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; /* FIPS 180-4 */

START_TEST(hashes_the_published_vectors) {
    char hex[INSP_SHA256_HEX_BYTES];
    insp_sha256_hex("abc", 3, hex);
    ck_assert_str_eq(hex, abc);
    insp_sha256_hex("", 0, hex);
    ck_assert_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
END_TEST

START_TEST(hashes_files_and_names_a_missing_one) {
    char path[] = "/tmp/insp-sha-XXXXXX", hex[INSP_SHA256_HEX_BYTES];
    struct insp_error err = {0};
    close(mkstemp(path));
    ck_insp_ok(insp_write_file(path, "abc", 3, 0600, false, &err), err);
    ck_insp_ok(insp_sha256_file(path, hex, &err), err);
    ck_assert_str_eq(hex, abc);
    unlink(path);
    ck_assert_int_eq(insp_sha256_file(path, hex, &err), INSP_E_IO);
    ck_assert_ptr_nonnull(strstr(err.detail, path));
}
END_TEST

START_TEST(constant_time_compare_is_a_compare) {
    ck_assert(insp_equal_constant_time("abcd", "abcd", 4));
    ck_assert(!insp_equal_constant_time("abcd", "abce", 4));
}
END_TEST

INSP_TESTS(hashes_the_published_vectors, hashes_files_and_names_a_missing_one, constant_time_compare_is_a_compare);
