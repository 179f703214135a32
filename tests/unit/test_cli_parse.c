#include "daemon/cli/cli.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

static const char *text;
static unsigned long long whole;
static double real;
static bool flag;
static struct cli_call call;
static int code;

static const struct cli_option options[] = {
    {"text", CLI_STRING, &text, 0, 0, "T", "a text"},
    {"whole", CLI_WHOLE, &whole, 1, 10, "N", "a number"},
    {"real", CLI_REAL, &real, 0, 1, "X", "a number"},
    {"flag", CLI_FLAG, &flag, 0, 0, NULL, "a flag"},
};
static int nothing(const struct cli_command *command, int argc, char **argv) {
    (void)command;
    (void)argc;
    (void)argv;
    return 0;
}
static const struct cli_command command = {"try", "[options]", "summary", "", nothing};

/* Words separated by spaces; 0 to 2 arguments are allowed. */
static bool parse(const char *line) {
    static char copy[512];
    static char *argv[32];
    int argc = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    text = NULL;
    whole = 5;
    real = 0.5;
    flag = false;
    return cli_parse(&call, &command, argc, argv, options, 4, 0, 2, &code);
}

START_TEST(test_options_anywhere) {
    ck_assert(parse("a --text=x=y --whole 7 b --flag --real 0.25 -o limits.inflight=3 -olimits.batch=2"));
    ck_assert_str_eq(text, "x=y");
    ck_assert_uint_eq(whole, 7);
    ck_assert(flag);
    ck_assert_double_eq(real, 0.25);
    ck_assert_int_eq(call.count, 2);
    ck_assert_str_eq(call.argument[1], "b");
    ck_assert_uint_eq(call.settings.limits_inflight, 3);
    ck_assert_uint_eq(call.settings.limits_batch, 2);
    ck_assert(parse("-- --text -"));
    ck_assert_int_eq(call.count, 2);
    ck_assert_str_eq(call.argument[0], "--text");
}
END_TEST

START_TEST(test_wrong_use) {
    static const char *const wrong[] = {"--txet x",
                                        "--text",
                                        "--whole",
                                        "--whole x",
                                        "--whole 0",
                                        "--whole 11",
                                        "--whole 1.5",
                                        "--whole -1",
                                        "--real nan",
                                        "--real 2",
                                        "--real 1x",
                                        "--flag=yes",
                                        "-x",
                                        "a b c",
                                        "-o",
                                        "-o limits",
                                        "-o a.b=c",
                                        "--config",
                                        "--whole 18446744073709551616",
                                        "--real inf",
                                        "-o limits.inflight=0"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(!parse(wrong[i]), "%s", wrong[i]);
        ck_assert_msg(code == CLI_USAGE, "%s: exit code %d", wrong[i], code);
    }
}
END_TEST

START_TEST(test_a_bad_file_is_a_failure) {
    ck_assert(!parse("--config /nonexistent"));
    ck_assert_int_eq(code, CLI_FAILED);
}
END_TEST

START_TEST(test_help_wins) {
    ck_assert(!parse("a b c d --help"));
    ck_assert_int_eq(code, CLI_OK);
    ck_assert(!parse("-h"));
    ck_assert_int_eq(code, CLI_OK);
}
END_TEST

INSP_TESTS(test_options_anywhere, test_wrong_use, test_a_bad_file_is_a_failure, test_help_wins);
