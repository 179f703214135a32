#include "core/base/clock.h"
#include "core/base/log.h"
#include "harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static FILE *captured;

static void capture(void) {
    captured = tmpfile();
    ck_assert_ptr_nonnull(captured);
    ck_assert_int_ge(dup2(fileno(captured), STDERR_FILENO), 0);
}

static char *read_back(void) {
    static char text[8192];
    rewind(captured);
    text[fread(text, 1, sizeof text - 1, captured)] = '\0';
    return text;
}

START_TEST(a_line_has_time_level_and_text) {
    capture();
    insp_log_info("inspection id=%d", 5);
    const char *line = read_back();
    ck_assert_ptr_nonnull(strstr(line, "Z info    inspection id=5\n"));
}
END_TEST

START_TEST(levels_above_the_threshold_are_dropped) {
    capture();
    insp_log_set_level(INSP_LOG_WARNING);
    insp_log_info("not this");
    insp_log_error("this");
    ck_assert_ptr_null(strstr(read_back(), "not this"));
    ck_assert_ptr_nonnull(strstr(read_back(), "error   this\n"));
}
END_TEST

START_TEST(a_hostile_value_cannot_make_a_second_line) {
    capture();
    insp_log_info("camera=%s", "x\n<3>forged\x1b[2J");
    const char *line = read_back();
    ck_assert_ptr_nonnull(strstr(line, "camera=x?<3>forged?[2J\n"));
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
}
END_TEST

START_TEST(a_line_reads_as_it_is) {
    capture();
    insp_log_info("camera=%s", "a\u202eb\xc2\x85\x63\u2028d\xff\xc3 e\u00e4\u200bf\ufeff");
    ck_assert_ptr_nonnull(strstr(read_back(), "camera=a???b??c???d?? e\u00e4???f???\n"));
}
END_TEST

START_TEST(a_field_cannot_end_itself) {
    capture();
    insp_log_info("path=%s detail=%s", INSP_LOG_WORD("/x status=200\u00e4\"%20"),
                  INSP_LOG_QUOTED("a\" status=200 \\"));
    ck_assert_ptr_nonnull(
        strstr(read_back(), "path=/x%20status=200%C3%A4%22%2520 detail=\"a\\\" status=200 \\\\\"\n"));
}
END_TEST

START_TEST(a_long_field_is_cut) {
    char big[4 * INSP_LOG_TEXT_BYTES], word[INSP_LOG_TEXT_BYTES];
    for (const char *fill = "a \""; *fill; fill++) {
        memset(big, *fill, sizeof big - 1);
        big[sizeof big - 1] = 0;
        ck_assert_uint_lt(strlen(insp_log_word(word, big)), sizeof word);
        ck_assert_str_eq(word + strlen(word) - 3, "...");
        ck_assert_uint_lt(strlen(insp_log_quoted(word, big)), sizeof word);
        ck_assert_str_eq(word + strlen(word) - 4, "...\"");
    }
}
END_TEST

START_TEST(a_long_line_is_cut_but_ends) {
    capture();
    char big[4096];
    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    insp_log_info("%s", big);
    const char *line = read_back();
    ck_assert_uint_le(strlen(line), 2048);
    ck_assert_int_eq(line[strlen(line) - 1], '\n');
}
END_TEST

START_TEST(on_the_journal_each_line_has_its_priority) {
    capture();
    struct stat st;
    char stream[64];
    ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    insp_log_warning("disk low");
    ck_assert_str_eq(read_back(), "<4>disk low\n");
}
END_TEST

/* As when journald hangs: the event loop logs on and must not wait. */
static void fill_and_drain(int reader, int writer) {
    char text[4096];
    fcntl(writer, F_SETFL, O_NONBLOCK);
    memset(text, '.', sizeof text);
    while (write(writer, text, sizeof text) > 0)
        ;
    fcntl(writer, F_SETFL, 0);
    ck_assert_int_ge(dup2(writer, STDERR_FILENO), 0);
    int64_t begin = insp_mono_us();
    for (int i = 0; i < 1000; i++)
        insp_log_error("nobody reads this");
    ck_assert_int_lt(insp_mono_us() - begin, 5000000);
    fcntl(reader, F_SETFL, O_NONBLOCK);
    while (read(reader, text, sizeof text) > 0)
        ;
    insp_log_error("somebody reads again");
    ssize_t got = read(reader, text, sizeof text - 1);
    ck_assert_int_gt(got, 0);
    text[got] = '\0';
    ck_assert_ptr_nonnull(strstr(text, "somebody reads again\n"));
    ck_assert_msg(strstr(text, "count=1000\n") != NULL, "%s", text);
}

START_TEST(a_full_pipe_holds_nobody_up) {
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    fill_and_drain(ends[0], ends[1]);
}
END_TEST

START_TEST(a_journal_that_hangs_holds_nobody_up) {
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    fill_and_drain(ends[0], ends[1]);
}
END_TEST

START_TEST(level_names_parse) {
    enum insp_log_level level;
    ck_assert(insp_log_level_parse("debug", &level));
    ck_assert_int_eq(level, INSP_LOG_DEBUG);
    ck_assert(!insp_log_level_parse("loud", &level));
}
END_TEST

INSP_TESTS(a_full_pipe_holds_nobody_up, a_journal_that_hangs_holds_nobody_up, a_line_has_time_level_and_text,
           levels_above_the_threshold_are_dropped, a_hostile_value_cannot_make_a_second_line,
           a_line_reads_as_it_is, a_field_cannot_end_itself, a_long_field_is_cut, a_long_line_is_cut_but_ends,
           on_the_journal_each_line_has_its_priority, level_names_parse);
