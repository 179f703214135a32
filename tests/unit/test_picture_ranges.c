/* The good training pictures, measured. */
#include "core/dataset/picture_ranges.h"

#include "core/base/fs.h"
#include "core/compute/vgg16.h"
#include "tests/unit/harness.h"

#include <string.h>
#include <unistd.h>

enum { GOOD = INSP_PICTURES_MEASURED_MAX + 30, BAD = 3, ALL = GOOD + BAD, SIDE = 64 };

static char folder[] = "/tmp/insp-pictures-XXXXXX", lines[4096];
static char path[ALL][64];
static struct insp_dataset_item item[ALL];
static struct insp_dataset dataset = {.item = item, .count = ALL};
static size_t index_of[ALL], member[ALL];
static struct insp_members members = {.dataset = &dataset, .count = ALL, .item = index_of};

/* Good ones are a dark ramp, ten by ten a level brighter. Defective ones are white. */
static void make(void) {
    struct insp_error error;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (size_t i = 0; i < ALL; i++) {
        uint8_t pixels[SIDE * SIDE];
        unsigned char *png;
        size_t bytes;
        for (size_t p = 0; p < sizeof pixels; p++)
            pixels[p] = (uint8_t)(i < GOOD ? 20 + p % 61 + i / 10 : 255);
        snprintf(path[i], sizeof path[i], "%s/%03zu.png", folder, i);
        ck_insp_ok(insp_image_encode_png(pixels, SIDE, SIDE, 1, &png, &bytes, &error), error);
        ck_insp_ok(insp_write_file(path[i], png, bytes, 0644, false, &error), error);
        free(png);
        item[i] =
            (struct insp_dataset_item){.path = path[i], .label = i < GOOD ? INSP_CLASS_GOOD : INSP_CLASS_ANOMALY};
        index_of[i] = member[i] = i;
    }
    lines[0] = 0;
}

static void remove_all(void) {
    struct insp_error error;
    ck_insp_ok(insp_remove_tree(folder, &error), error);
}

static void note(void *arg, const struct insp_progress_event *event) {
    (void)arg;
    if (event->kind == INSP_PROGRESS_LOG)
        snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "%s\n", event->text);
}

static bool always(void *arg) {
    (void)arg;
    return true;
}

/* Of the first `good` good ones and all defective ones. */
static int measure(size_t good, bool cancelled, struct insp_stat_ranges *ret, struct insp_error *error) {
    const struct insp_image_limits limits = insp_image_limits_default();
    const struct insp_progress progress = {.event = note, .cancelled = cancelled ? always : NULL};
    return insp_picture_ranges(&members, member + GOOD - good, good + BAD, &limits, &progress, ret, error);
}

START_TEST(only_good_ones_are_measured) {
    struct insp_stat_ranges ranges;
    struct insp_error error;
    make();
    ck_insp_ok(measure(4, false, &ranges, &error), error);
    ck_assert_uint_eq(ranges.count, 4);
    ck_assert(ranges.low[INSP_STAT_BITS] == 8 && ranges.high[INSP_STAT_BITS] == 8);
    ck_assert(ranges.low[INSP_STAT_SIDE] == SIDE && ranges.high[INSP_STAT_ASPECT] == 1);
    ck_assert(ranges.high[INSP_STAT_BRIGHT] < 128);
    ck_assert_str_eq(lines, "");
    remove_all();
}
END_TEST

/* From the first to the last, not the first so many. */
START_TEST(so_many_are_measured_and_they_are_spread) {
    struct insp_stat_ranges ranges;
    struct insp_error error;
    make();
    ck_insp_ok(measure(GOOD, false, &ranges, &error), error);
    ck_assert_uint_eq(ranges.count, INSP_PICTURES_MEASURED_MAX);
    ck_assert(ranges.low[INSP_STAT_DARK] == 20);
    ck_assert(ranges.high[INSP_STAT_DARK] == 20 + (GOOD - 1) / 10);
    remove_all();
}
END_TEST

START_TEST(doubtful_ones_are_logged) {
    struct insp_stat_ranges ranges;
    struct insp_error error;
    make();
    item[GOOD].label = INSP_CLASS_GOOD; /* white */
    ck_insp_ok(measure(3, false, &ranges, &error), error);
    ck_assert_uint_eq(ranges.count, 4);
    ck_assert_ptr_nonnull(strstr(lines, "1 of 4 good training images are suspect (white), the first is "));
    remove_all();
}
END_TEST

START_TEST(a_file_that_has_gone_is_passed_over) {
    struct insp_stat_ranges ranges;
    struct insp_error error;
    make();
    ck_assert_int_eq(unlink(path[GOOD - 2]), 0);
    ck_insp_ok(measure(3, false, &ranges, &error), error);
    ck_assert_uint_eq(ranges.count, 2);
    ck_assert_ptr_nonnull(strstr(lines, "cannot be measured"));
    remove_all();
}
END_TEST

START_TEST(cancelled) {
    struct insp_stat_ranges ranges;
    struct insp_error error;
    make();
    ck_insp_code(measure(3, true, &ranges, &error), INSP_E_CANCELLED, error);
    remove_all();
}
END_TEST

INSP_TESTS(only_good_ones_are_measured, so_many_are_measured_and_they_are_spread, doubtful_ones_are_logged,
           a_file_that_has_gone_is_passed_over, cancelled);
