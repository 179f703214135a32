#include "core/train/tiles/tile_golden.h"

#include "tests/unit/field_samples.h"
#include "tests/unit/train_fixture.h"

static struct train_fixture f;

/* Asks for the sample of an image of 3x1 tiles of these levels. */
static struct insp_golden_sample worst(struct insp_field_set *fields, const uint8_t level[3]) {
    struct insp_golden_sample sample = {.rgb = malloc((size_t)3 * INSP_GOLDEN_RGB_BYTES)};
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *buffers = insp_tail_buffers_new();
    struct insp_model *model = calloc(1, sizeof *model);
    model->references = 1;
    model->manifest = insp_manifest_new();
    model->manifest->fields = insp_field_set_ref(fields);
    insp_tail_init_identity(buffers, 3, 1);
    struct insp_tail_weights weights = insp_tail_buffers_view(buffers);
    ck_insp_ok(insp_tail_load(f.device, &weights, &model->tail, &f.err), f.err);
    ck_insp_ok(insp_manifest_tile(model->manifest, (struct insp_tiles){3, 1}, &f.err), f.err);
    for (size_t t = 0; t < 3; t++)
        memset(sample.rgb + t * INSP_GOLDEN_RGB_BYTES, level[t], INSP_GOLDEN_RGB_BYTES);
    ck_insp_ok(insp_golden_worst(f.trunk, model, insp_field_of(fields, NULL), &sample, &f.err), f.err);
    /* its picture, alone, gets this answer again: that is the self-test */
    const struct insp_shot shot = {.model = model, .rgb = sample.rgb, .single = true};
    float probability, map[INSP_MAP_FLOATS];
    ck_insp_ok(insp_model_score(f.trunk, &shot, 1, &probability, map, NULL, &f.err), f.err);
    ck_assert_mem_eq(&probability, &sample.probability, sizeof probability);
    ck_assert_mem_eq(map, sample.map, sizeof map);
    insp_model_unref(model);
    return sample;
}

START_TEST(the_worst_tile_is_kept_and_ignored_ones_are_not_asked) {
    train_fixture_open(&f);
    const uint8_t level[3] = {30, 220, 90};
    struct insp_field_set *fields = sample_fields("{\"look\": [[[0.7,0],[1,0],[1,1],[0.7,1]]]}");
    struct insp_golden_sample all = worst(NULL, level), last = worst(fields, level);
    if (fixture_is_fake()) { /* the tail of the real device has random weights */
        ck_assert_uint_eq(all.rgb[0], 220);
        ck_assert_float_gt(all.probability, last.probability);
    }
    ck_assert_uint_eq(last.rgb[0], 90);
    free(all.rgb);
    free(last.rgb);
    insp_field_set_unref(fields);
    train_fixture_close(&f);
}
END_TEST

INSP_TESTS(the_worst_tile_is_kept_and_ignored_ones_are_not_asked);
