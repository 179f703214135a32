#include "daemon/settings.h"
#include "harness.h"

#include <string.h>

static const char *const words[] = {"limits.inflight", "limits.body_bytes", "server.listen"};

START_TEST(test_a_typo_finds_its_word) {
    ck_assert_str_eq(daemon_nearest("limits.inflihgt", words, 3), "limits.inflight");
    ck_assert_str_eq(daemon_nearest("server.lsten", words, 3), "server.listen");
    ck_assert_str_eq(daemon_nearest("limits.inflight", words, 3), "limits.inflight");
}
END_TEST

START_TEST(test_another_word_finds_nothing) {
    ck_assert_ptr_null(daemon_nearest("colour", words, 3));
    ck_assert_ptr_null(daemon_nearest("", words, 3));
    ck_assert_ptr_null(daemon_nearest("server.listen", words, 0));
}
END_TEST

START_TEST(test_a_hostile_length_is_refused) {
    char word[4096];
    memset(word, 'a', sizeof word);
    word[sizeof word - 1] = '\0';
    ck_assert_ptr_null(daemon_nearest(word, words, 3));
}
END_TEST

INSP_TESTS(test_a_typo_finds_its_word, test_another_word_finds_nothing, test_a_hostile_length_is_refused);
