#include "core/train/tiles/tile_labels.h"

#include "tests/unit/field_samples.h"
#include "tests/unit/train_fixture.h"

enum { GOOD = INSP_TILE_GOOD, ANOMALY = INSP_TILE_ANOMALY, OUT = INSP_TILE_LEFT_OUT };

static struct train_fixture f;

static void check_rule(const double *share, const uint8_t *want, size_t count) {
    uint8_t got[8];
    insp_tile_label_by(share, count, got);
    for (size_t t = 0; t < count; t++)
        ck_assert_msg(got[t] == want[t], "tile %zu of share %g: %u", t, share[t], got[t]);
}

START_TEST(the_rule) {
    /* a small defect: its most, a quarter of it, an edge of it, none of it */
    check_rule((double[]){4e-4, 1e-4, 0.99e-4, 0}, (uint8_t[]){ANOMALY, ANOMALY, OUT, GOOD}, 4);
    /* a large one: 1 % of a tile shows it, though another tile is full of it */
    check_rule((double[]){1, 0.01, 0.0099, 0}, (uint8_t[]){ANOMALY, ANOMALY, OUT, GOOD}, 4);
    check_rule((double[]){0, 0}, (uint8_t[]){GOOD, GOOD}, 2);
    check_rule((double[]){1e-9}, (uint8_t[]){ANOMALY}, 1);
}
END_TEST

/* Two good images and two holes of 480x240 pixels: items test/hole/00, 01, train/good/00, 01. */
static struct insp_dataset *open_set(void) {
    struct insp_dataset *set = NULL;
    for (unsigned i = 0; i < 2; i++) {
        char relative[64];
        snprintf(relative, sizeof relative, "train/good/%02u.png", i);
        fixture_square(&f, relative, 480, 240, 20, 20, 0, 0, 0);
        snprintf(relative, sizeof relative, "test/hole/%02u.png", i);
        fixture_square(&f, relative, 480, 240, 20, 200, 10, 10, 8);
    }
    ck_insp_ok(insp_dataset_open(f.set, &set, &f.err), f.err);
    return set;
}

static int labels_of(const struct insp_dataset *set, const struct insp_field_set *fields, uint8_t **ret) {
    return insp_tile_labels(set, fields, (struct insp_tiles){2, 1}, &f.context.limits, NULL, ret, &f.err);
}

static void check_labels(const struct insp_dataset *set, const struct insp_field_set *fields,
                         const uint8_t *want) {
    _cleanup_free_ uint8_t *got = NULL;
    ck_insp_ok(labels_of(set, fields, &got), f.err);
    for (size_t t = 0; t < 8; t++)
        ck_assert_msg(got[t] == want[t], "tile %zu: %u", t, got[t]);
}

/* Of 480 pixels the left tile ends at 258, the right one begins at 222. A mask may have another size. */
START_TEST(masks_and_boxes_label_tiles) {
    train_fixture_open(&f);
    _cleanup_(insp_dataset_freep) struct insp_dataset *set = open_set();
    fixture_square(&f, "ground_truth/hole/00_mask.png", 480, 240, 0, 255, 10, 10, 8);
    fixture_bytes(&f, "ground_truth/hole/01.txt", "0 0.9 0.5 0.1 0.1\n", 18);
    check_labels(set, NULL, (uint8_t[]){ANOMALY, GOOD, GOOD, ANOMALY, GOOD, GOOD, GOOD, GOOD});
    fixture_square(&f, "ground_truth/hole/00_mask.png", 240, 120, 0, 1, 60, 50, 52); /* ends at 224 of 480 */
    fixture_bytes(&f, "ground_truth/hole/01.txt", "0 0.5 0.5 0.05 0.05\n", 20);      /* in the overlap */
    check_labels(set, NULL, (uint8_t[]){ANOMALY, OUT, ANOMALY, ANOMALY, GOOD, GOOD, GOOD, GOOD});
    fixture_bytes(&f, "ground_truth/hole/01_mask.png", "no picture", 10); /* the mask comes first */
    uint8_t *got = NULL;
    ck_insp_code(labels_of(set, NULL, &got), INSP_E_DATASET, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "01_mask.png"));
    train_fixture_close(&f);
}
END_TEST

START_TEST(ignored_parts_have_no_label) {
    train_fixture_open(&f);
    _cleanup_(insp_dataset_freep) struct insp_dataset *set = open_set();
    struct insp_field_set *fields =
        sample_fields("{\"ignore\": [[[0.45,0],[1,0],[1,1],[0.45,1]]]}"); /* all of the right tile, and more */
    ck_insp_ok(insp_field_set_tile(fields, (struct insp_tiles){2, 1}, &f.err), f.err);
    fixture_square(&f, "ground_truth/hole/00_mask.png", 480, 240, 0, 255, 10, 10, 8);
    fixture_square(&f, "ground_truth/hole/01_mask.png", 480, 240, 0, 255, 230, 10,
                   20); /* in ignored parts alone */
    check_labels(set, fields, (uint8_t[]){ANOMALY, OUT, OUT, OUT, GOOD, OUT, GOOD, OUT});
    insp_field_set_unref(fields);
    train_fixture_close(&f);
}
END_TEST

START_TEST(images_without_a_mark_are_named) {
    char names[INSP_TILE_NAMES_BYTES];
    size_t marked, bare;
    uint8_t *got = NULL;
    train_fixture_open(&f);
    for (unsigned i = 2; i < 6; i++) {
        char relative[64];
        snprintf(relative, sizeof relative, "test/hole/%02u.png", i);
        fixture_square(&f, relative, 480, 240, 20, 200, 10, 10, 8);
    }
    _cleanup_(insp_dataset_freep) struct insp_dataset *set = open_set();
    fixture_square(&f, "ground_truth/hole/01_mask.png", 480, 240, 0, 255, 10, 10, 8);
    ck_insp_ok(insp_tile_marks(set, &marked, &bare, names, &f.err), f.err);
    ck_assert_uint_eq(marked, 1);
    ck_assert_uint_eq(bare, 5);
    ck_assert_str_eq(names, "test/hole/00.png, test/hole/02.png, test/hole/03.png");
    ck_insp_code(labels_of(set, NULL, &got), INSP_E_DATASET, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "5 of 6 defective images"));
    ck_assert_ptr_nonnull(strstr(f.err.detail, "test/hole/03.png, ..."));
    ck_assert_ptr_nonnull(strstr(f.err.detail, "mode good_only"));
    ck_assert_ptr_null(strstr(f.err.detail, "below train"));
    fixture_square(&f, "train/hole/06.png", 480, 240, 20, 200, 10, 10, 8);
    fixture_square(&f, "ground_truth/hole/06_mask.png", 480, 240, 0, 255, 10, 10, 8); /* cannot be its mask */
    _cleanup_(insp_dataset_freep) struct insp_dataset *more = NULL;
    ck_insp_ok(insp_dataset_open(f.set, &more, &f.err), f.err);
    ck_insp_code(labels_of(more, NULL, &got), INSP_E_DATASET, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "6 of 7 defective images"));
    ck_assert_ptr_nonnull(strstr(f.err.detail, "1 of them are below train: move these to test/<defect>"));
    train_fixture_close(&f);
}
END_TEST

INSP_TESTS(the_rule, masks_and_boxes_label_tiles, ignored_parts_have_no_label, images_without_a_mark_are_named);
