#include "core/base/progress.h"
#include "harness.h"

#include <math.h>
#include <string.h>

static struct insp_progress_event last;
static char text[64];
static int yields;

static void keep(void *arg, const struct insp_progress_event *event) {
    ck_assert_ptr_eq(arg, &last);
    last = *event;
    snprintf(text, sizeof text, "%s", event->text);
}

static bool always(void *arg) {
    ck_assert_ptr_eq(arg, &last);
    return true;
}

static void count_yield(void *arg) {
    (void)arg;
    yields++;
}

static const struct insp_progress whole = {.event = keep, .cancelled = always, .yield = count_yield, .arg = &last};

#define ck_near(a, b) ck_assert_msg(fabs((a) - (b)) < 1e-12, "%s = %.15g", #a, (double)(a))

START_TEST(overall_runs_through_the_part) {
    struct insp_progress half = insp_progress_part(&whole, 0.5, 1), quarter = insp_progress_part(&half, 0.5, 1);
    insp_progress_step(&whole, 1, 4);
    ck_near(last.overall, 0.25);
    insp_progress_step(&half, 1, 4);
    ck_near(last.overall, 0.625);
    insp_progress_stage(&quarter, "fold %d of %d", 3, 5);
    ck_near(last.overall, 0.75);
    ck_assert_str_eq(text, "fold 3 of 5");
    insp_progress_step(&quarter, 3, 3);
    ck_near(last.overall, 1);
    insp_progress_step(&quarter, 0, 0); /* nothing to do is done */
    ck_near(last.overall, 1);
}
END_TEST

START_TEST(an_empty_part_does_not_jump) {
    struct insp_progress none = insp_progress_part(&whole, 0.5, 0.5);
    insp_progress_step(&none, 1, 1);
    ck_assert(fabs(last.overall - 0.5) < 1e-9);
}
END_TEST

START_TEST(epochs_carry_their_figures) {
    insp_progress_epoch(&whole, 2, 3, 10, 0.5, 0.75, 1.5);
    ck_assert_int_eq(last.kind, INSP_PROGRESS_EPOCH);
    ck_assert_uint_eq(last.fold, 2);
    ck_assert_uint_eq(last.epoch, 3);
    ck_assert_uint_eq(last.total, 10);
    ck_near(last.loss, 0.5);
    ck_near(last.accuracy, 0.75);
    ck_near(last.seconds, 1.5);
}
END_TEST

START_TEST(callbacks_may_be_missing) {
    struct insp_progress silent = {0};
    const struct insp_progress *both[] = {NULL, &silent};
    for (size_t i = 0; i < 2; i++) {
        insp_progress_stage(both[i], "x");
        insp_progress_step(both[i], 1, 2);
        insp_progress_log(both[i], "x");
        insp_progress_epoch(both[i], 0, 1, 1, 0, 0, 0);
        insp_progress_yield(both[i]);
        ck_assert(!insp_progress_cancelled(both[i]));
    }
    insp_progress_yield(&whole);
    ck_assert_int_eq(yields, 1);
    ck_assert(insp_progress_cancelled(&whole));
}
END_TEST

INSP_TESTS(overall_runs_through_the_part, an_empty_part_does_not_jump, epochs_carry_their_figures,
           callbacks_may_be_missing);
