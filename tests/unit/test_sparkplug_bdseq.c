#include "api/sparkplug/sparkplug_bdseq.h"

#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/insp_bdseq_XXXXXX";

static void store(const char *text) {
    char path[64];
    snprintf(path, sizeof path, "%s/sparkplug_bdseq", folder);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static int next_of_a_start(void) {
    struct api_sparkplug_bdseq bdseq;
    struct insp_error err;
    ck_insp_ok(api_sparkplug_bdseq_init(&bdseq, folder, &err), err);
    api_sparkplug_bdseq_next(&bdseq);
    int number = bdseq.number;
    api_sparkplug_bdseq_clear(&bdseq);
    return number;
}

START_TEST(numbers_go_on_across_starts) {
    struct api_sparkplug_bdseq bdseq;
    struct insp_error err;
    char path[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(next_of_a_start(), 0);
    ck_assert_int_eq(next_of_a_start(), 1);
    store("254\n");
    ck_insp_ok(api_sparkplug_bdseq_init(&bdseq, folder, &err), err);
    for (int expected = 255; expected <= 257; expected++) {
        api_sparkplug_bdseq_next(&bdseq);
        ck_assert_int_eq(bdseq.number, expected % 256);
    }
    api_sparkplug_bdseq_clear(&bdseq);
    ck_assert_int_eq(next_of_a_start(), 2);
    static const char *const damaged[] = {"", "x\n", "256\n", "-1\n", "7", "7x\n", "99999999999999\n"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        store(damaged[i]);
        ck_assert_int_eq(next_of_a_start(), 0);
    }
    snprintf(path, sizeof path, "%s/sparkplug_bdseq", folder);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    /* a folder that cannot be written: the numbers go on as long as the daemon runs */
    ck_insp_ok(api_sparkplug_bdseq_init(&bdseq, folder, &err), err);
    api_sparkplug_bdseq_next(&bdseq);
    api_sparkplug_bdseq_next(&bdseq);
    ck_assert_int_eq(bdseq.number, 1);
    api_sparkplug_bdseq_clear(&bdseq);
}
END_TEST

INSP_TESTS(numbers_go_on_across_starts);
