#include "daemon/cli/cli_progress.h"
#include "harness.h"

#include <math.h>
#include <signal.h>
#include <string.h>

START_TEST(test_bar) {
    char line[CLI_PROGRESS_LINE];
    cli_progress_bar(line, sizeof line, "features", 0.5, 94, 188, 30);
    ck_assert_str_eq(line, "[############............]  50 %  features  94/188  30 s left");
    cli_progress_bar(line, sizeof line, "x", 0, 0, 0, 100);
    ck_assert_str_eq(line, "[........................]   0 %  x");
    cli_progress_bar(line, sizeof line, "x", 1.5, 0, 0, 100);
    ck_assert_str_eq(line, "[########################] 100 %  x");
    cli_progress_bar(line, sizeof line, "x", (double)NAN, 0, 0, 100);
    ck_assert_ptr_nonnull(strstr(line, "  0 %"));
    cli_progress_bar(line, sizeof line, "x", 0.1, 0, 0, 60);
    ck_assert_ptr_nonnull(strstr(line, "9 min left"));
    cli_progress_bar(line, 8, "x", 0.1, 0, 0, 60);
    ck_assert_uint_lt(strlen(line), 8);
}
END_TEST

/* Without a terminal the output is whole lines, at most one for each tenth, without control characters. */
START_TEST(test_plain_lines) {
    struct cli_progress progress;
    FILE *out = tmpfile();
    cli_progress_start(&progress, out);
    struct insp_progress hooks = cli_progress_hooks(&progress);
    hooks.event(hooks.arg, &(struct insp_progress_event){.kind = INSP_PROGRESS_STAGE, .text = "features"});
    for (size_t i = 0; i <= 1000; i++)
        cli_progress_count(&progress, i, 1000);
    hooks.event(hooks.arg,
                &(struct insp_progress_event){
                    .kind = INSP_PROGRESS_EPOCH, .fold = 2, .epoch = 3, .loss = 0.25, .accuracy = 0.875});
    hooks.event(hooks.arg, &(struct insp_progress_event){.kind = INSP_PROGRESS_LOG, .text = "hello"});
    cli_progress_end(&progress);
    size_t lines = 0;
    char line[256], all[8192] = "";
    rewind(out);
    while (fgets(line, sizeof line, out)) {
        lines++;
        strcat(all, line);
    }
    fclose(out);
    ck_assert_uint_eq(lines, 11 + 2);
    ck_assert_ptr_null(strchr(all, '\r'));
    ck_assert_ptr_nonnull(strstr(all, "fold 2 epoch 3: loss 0.2500, accuracy 87.5 %"));
    ck_assert_ptr_nonnull(strstr(all, "hello\n"));
}
END_TEST

START_TEST(test_interrupt_cancels) {
    struct cli_progress progress;
    cli_progress_start(&progress, stderr);
    struct insp_progress hooks = cli_progress_hooks(&progress);
    ck_assert(!hooks.cancelled(hooks.arg));
    raise(SIGINT);
    ck_assert(hooks.cancelled(hooks.arg));
    cli_progress_end(&progress);
}
END_TEST

INSP_TESTS(test_bar, test_plain_lines, test_interrupt_cancels);
