#include "core/judge/mask.h"

#include "tests/unit/train_fixture.h"

static struct train_fixture f;

/* '#' is a defect, of another colour in each row. */
static struct insp_image drawn(const char *const *rows, uint32_t height, uint8_t *rgb) {
    struct insp_image mask = {.width = (uint32_t)strlen(rows[0]), .height = height, .rgb = rgb};
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < mask.width; x++)
            for (uint32_t c = 0; c < 3; c++)
                rgb[(y * mask.width + x) * 3 + c] = rows[y][x] == '#' && y % 3 == c ? 1 : 0;
    return mask;
}

START_TEST(boxes_and_defects_that_meet) {
    static const char *const rows[] = {"##......", "##....#.", "......#.", "........", "...##..."};
    uint8_t rgb[5 * 8 * 3];
    const struct insp_image mask = drawn(rows, 5, rgb);
    struct insp_mask_hits hits;
    const struct insp_box box[] = {{.x = 1, .y = 1, .width = 5, .height = 3},  /* a corner of the first */
                                   {.x = 2, .y = 0, .width = 4, .height = 4},  /* between them */
                                   {.x = 0, .y = 0, .width = 1, .height = 1},  /* the first once more */
                                   {.x = 5, .y = 4, .width = 3, .height = 1}}; /* beside the third */
    ck_insp_ok(insp_mask_hits(&mask, box, 4, &hits, &f.err), f.err);
    ck_assert_uint_eq(hits.boxes_hit, 2);
    ck_assert_uint_eq(hits.defects, 3);
    ck_assert_uint_eq(hits.defects_hit, 1);
    ck_insp_ok(insp_mask_hits(&mask, box, 0, &hits, &f.err), f.err);
    ck_assert_uint_eq(hits.boxes_hit + hits.defects_hit, 0);
    ck_assert_uint_eq(hits.defects, 3);
}
END_TEST

START_TEST(what_is_no_mask_is_told_by_name) {
    const struct insp_image_limits limits = insp_image_limits_default();
    char path[INSP_PATH_BYTES];
    struct insp_image *mask;
    static const uint8_t black[16] = {0};
    unsigned char *png;
    size_t bytes;
    train_fixture_open(&f);
    fixture_set(&f, 2, 2, 0);
    fixture_image(&f, "ground_truth/hole/00_mask.png", 0);
    fixture_image(&f, "ground_truth/hole/unused.png", 0);
    fixture_path(&f, "ground_truth/hole/00_mask.png", path);
    ck_insp_ok(insp_mask_read(path, &limits, &mask, &f.err), f.err);
    ck_assert(insp_mask_defect(mask, f.images - 2, 0) && !insp_mask_defect(mask, 20, 20));
    insp_image_free(mask);
    ck_insp_ok(insp_image_encode_png(black, 4, 4, 1, &png, &bytes, &f.err), f.err);
    fixture_bytes(&f, "ground_truth/hole/01_mask.png", png, bytes);
    free(png);
    fixture_path(&f, "ground_truth/hole/01_mask.png", path);
    ck_insp_code(insp_mask_read(path, &limits, &mask, &f.err), INSP_E_IMAGE, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "01_mask.png marks no defect"));
    fixture_bytes(&f, "ground_truth/hole/01_mask.png", "\xff\xd8\xff", 3);
    ck_insp_code(insp_mask_read(path, &limits, &mask, &f.err), INSP_E_IMAGE, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, path));
    fixture_path(&f, "ground_truth/hole/02_mask.png", path);
    ck_insp_code(insp_mask_read(path, &limits, &mask, &f.err), INSP_E_IO, f.err);
    train_fixture_close(&f);
}
END_TEST

INSP_TESTS(boxes_and_defects_that_meet, what_is_no_mask_is_told_by_name);
