/* The good training pictures, measured. */
#include "core/dataset/picture_ranges.h"

#include "core/base/fs.h"
#include "core/compute/vgg16.h"
#include "core/inspect/suspect.h"
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
    return insp_picture_ranges(&members, member + GOOD - good, good + BAD, NULL, (struct insp_tiles){0, 0},
                               &limits, &progress, ret, error);
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
    ck_assert(insp_stat_known(&ranges, INSP_STAT_SHARP) && !ranges.layout.known); /* 4 are too few */
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

/* --- real photographs, where they are at hand: /shared/data/cubes beside the checkout --- */

enum alteration { NOTHING, BLACK, WHITE, NOISE, BLUR, MOVED, HALF, ALTERATIONS };
static const char *const alteration_name[ALTERATIONS] = {
    "nothing", "black", "white", "noise", "blur", "camera moved by a tenth", "half brightness"};

static struct insp_image *decoded(const char *file) {
    const struct insp_image_limits limits = insp_image_limits_default();
    const struct insp_media_type type = {.media = INSP_MEDIA_UNKNOWN};
    struct insp_image *image;
    struct insp_error error;
    char *bytes;
    size_t count;
    ck_insp_ok(insp_read_file(file, limits.bytes, &bytes, &count, &error), error);
    ck_insp_ok(insp_image_decode(bytes, count, &type, INSP_INPUT_SIDE, &limits, &image, &error), error);
    free(bytes);
    return image;
}

/* Averages each byte with those `stride` bytes before and after. */
static void smooth(uint8_t *rgb, size_t bytes, size_t stride) {
    for (size_t i = stride; i + stride < bytes; i++)
        rgb[i] = (uint8_t)((rgb[i - stride] + rgb[i] + rgb[i + stride]) / 3);
}

static void alter(struct insp_image *image, enum alteration how) {
    size_t row = (size_t)image->width * 3, bytes = row * image->height,
           moved = image->height / 10 * row + image->width / 10 * 3;
    static uint32_t state = 1;
    for (size_t i = 0; i < bytes && how != NOTHING && how != BLUR && how != MOVED; i++) {
        state = state * 1664525 + 1013904223;
        image->rgb[i] = how == BLACK   ? 0
                        : how == WHITE ? 255
                        : how == HALF  ? image->rgb[i] / 2
                                       : (uint8_t)(state >> 24);
    }
    for (size_t i = 0; i < 9 && how == BLUR; i++) {
        smooth(image->rgb, bytes, 3);
        smooth(image->rgb, bytes, row);
    }
    if (how == MOVED) /* by a tenth of both sides; the lowest rows appear twice, rows begin at the right */
        memmove(image->rgb, image->rgb + moved, bytes - moved);
}

static bool is_suspect(const char *file, enum alteration how, const struct insp_stat_ranges *ranges) {
    struct insp_image *image = decoded(file), *small;
    struct insp_image_stats stats;
    struct insp_error error;
    alter(image, how);
    ck_insp_ok(insp_image_resize(image, INSP_INPUT_SIDE, INSP_INPUT_SIDE, &small, &error), error);
    insp_image_stats(image, small, &stats);
    insp_image_free(image);
    insp_image_free(small);
    return insp_suspect_reasons(&stats, ranges) != 0;
}

/* Every fifth good photograph is held out, then altered. */
START_TEST(photographs_of_something_else_are_suspect_and_good_ones_are_not) {
    const struct insp_image_limits limits = insp_image_limits_default();
    struct insp_dataset *cubes = NULL;
    struct insp_stat_ranges ranges;
    struct insp_error error;
    size_t trained = 0, held = 0, suspect[ALTERATIONS] = {0};
    if (insp_dataset_list(INSP_SOURCE_DIR "/../shared/data/cubes", &cubes, &error) < 0 &&
        insp_dataset_list(INSP_SOURCE_DIR "/../../shared/data/cubes", &cubes, &error) < 0) {
        puts("skipped: no photographs at ../shared/data/cubes");
        return;
    }
    size_t *index = calloc(cubes->count + 1, sizeof *index), *some = calloc(cubes->count + 1, sizeof *some),
           good = 0;
    for (size_t i = 0; i < cubes->count; i++) {
        index[i] = i;
        if (cubes->item[i].label == INSP_CLASS_GOOD && good++ % 5)
            some[trained++] = i;
    }
    const struct insp_members set = {.dataset = cubes, .count = cubes->count, .item = index};
    ck_insp_ok(
        insp_picture_ranges(&set, some, trained, NULL, (struct insp_tiles){0, 0}, &limits, NULL, &ranges, &error),
        error);
    ck_assert(ranges.layout.known);
    good = 0;
    for (size_t i = 0; i < cubes->count; i++)
        if (cubes->item[i].label == INSP_CLASS_GOOD && good++ % 5 == 0) {
            held++;
            for (enum alteration how = 0; how < ALTERATIONS; how++)
                suspect[how] += is_suspect(cubes->item[i].path, how, &ranges);
        }
    for (enum alteration how = 0; how < ALTERATIONS; how++)
        printf("%s: %zu of %zu suspect\n", alteration_name[how], suspect[how], held);
    ck_assert_uint_eq(suspect[NOTHING], 0);
    for (enum alteration how = NOTHING + 1; how < ALTERATIONS; how++)
        ck_assert_uint_eq(suspect[how], held);
    free(index);
    free(some);
    insp_dataset_free(cubes);
}
END_TEST

INSP_TESTS(only_good_ones_are_measured, so_many_are_measured_and_they_are_spread, doubtful_ones_are_logged,
           a_file_that_has_gone_is_passed_over, cancelled,
           photographs_of_something_else_are_suspect_and_good_ones_are_not);
