#include "daemon/trunk_choice.h"
#include "harness.h"

#include <string.h>

/* Four hashes that differ in their letter. */
static char a[INSP_SHA256_HEX_BYTES], b[INSP_SHA256_HEX_BYTES];
static char active[4][INSP_SHA256_HEX_BYTES];

static const char *pick(const char *fallback, const char *letters) {
    for (size_t i = 0; letters[i]; i++)
        memset(active[i], letters[i], INSP_SHA256_HEX_BYTES - 1);
    return daemon_pick_trunk(fallback, (const char(*)[INSP_SHA256_HEX_BYTES])active, strlen(letters));
}

START_TEST(test_pick) {
    memset(a, 'a', sizeof a - 1);
    memset(b, 'b', sizeof b - 1);
    ck_assert_str_eq(pick(a, ""), a);
    ck_assert_str_eq(pick("", ""), "");
    ck_assert_str_eq(pick("", "b"), b);
    ck_assert_str_eq(pick(a, "b"), b); /* the serving trunk wins over the one for new trainings */
    ck_assert_str_eq(pick(a, "ba"), a);
    ck_assert_str_eq(pick(a, "ab"), a);
    ck_assert_str_eq(pick(a, "bab"), b);
    ck_assert_str_eq(pick("", "ba"), b);
}
END_TEST

START_TEST(test_an_empty_state_folder) {
    char sha256[INSP_SHA256_HEX_BYTES] = "unset";
    struct insp_error err;
    ck_insp_ok(daemon_choose_trunk("/nonexistent/inspectd", sha256, &err), err);
    ck_assert_str_eq(sha256, "");
}
END_TEST

INSP_TESTS(test_pick, test_an_empty_state_folder);
