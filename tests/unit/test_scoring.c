#include "core/inspect/scoring.h"

#include "core/good_only/good_score.h"
#include "core/inspect/suspect.h"
#include "core/train/good/score_files.h"
#include "tests/unit/field_samples.h"
#include "tests/unit/train_fixture.h"

#include <math.h>

static struct train_fixture f;

/* A model whose distance at a cell is that of its first channel from 0, in units of the threshold's scale. */
static void give_good(struct insp_model *model) {
    struct insp_good_only *good = &model->manifest->good_only;
    model->good = insp_good_gauss_new();
    for (size_t g = 0; g < INSP_GOOD_GROUPS; g++)
        for (size_t i = 0; i < INSP_GOOD_DIMS; i++)
            for (size_t l = 0; l < INSP_GOOD_LANES; l++)
                model->good->whitening[g][i * (i + 1) / 2 + i][l] = i ? 1e-6F : 1;
    *good = (struct insp_good_only){.images = 30,
                                    .alpha = 0.05,
                                    .scale = {.threshold = 0.5F, .spread = 0.1F, .cold = 0.1F, .warm = 0.2F},
                                    .unlike = 0.6F};
    insp_good_channels(1, good->channel);
    good->channel[0] = 0;
    for (size_t i = 0; i < INSP_GOOD_QUANTILES; i++)
        good->quantile[i] = 0.004F * (float)i;
}

static struct insp_model *model_of(bool tail, bool good) {
    struct insp_model *model = calloc(1, sizeof *model);
    model->references = 1;
    model->manifest = insp_manifest_new();
    if (good)
        give_good(model);
    if (!tail)
        return model;
    strcpy(model->manifest->weights_sha256, f.trunk_sha256);
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *buffers = insp_tail_buffers_new();
    insp_tail_init_identity(buffers, 3, 1);
    struct insp_tail_weights weights = insp_tail_buffers_view(buffers);
    ck_insp_ok(insp_tail_load(f.device, &weights, &model->tail, &f.err), f.err);
    return model;
}

/* Pictures of one brightness each; shots of them. */
static uint8_t *grey(const uint8_t *brightness, struct insp_model *const *models, size_t n,
                     struct insp_shot *ret_shot) {
    uint8_t *rgb = malloc(n * INSP_INPUT_FLOATS);
    ck_assert_ptr_nonnull(rgb);
    for (size_t i = 0; i < n; i++) {
        memset(rgb + i * INSP_INPUT_FLOATS, brightness[i], INSP_INPUT_FLOATS);
        ret_shot[i] = (struct insp_shot){.model = models[i], .rgb = rgb + i * INSP_INPUT_FLOATS, .field = NULL};
    }
    return rgb;
}

enum { N = 21 };

START_TEST(each_image_gets_the_answer_of_its_own_model) {
    train_fixture_open(&f);
    struct insp_model *plain = model_of(true, false), *both = model_of(true, true), *alone = model_of(false, true);
    struct insp_model *const kind[] = {plain, both, alone, alone, plain}, *models[N];
    uint8_t brightness[N];
    float prob[N], prob_plain, cam_plain[INSP_MAP_FLOATS];
    static float cam[N][INSP_MAP_FLOATS];
    struct insp_good_answer good[N];
    struct insp_shot shot[N];
    for (size_t i = 0; i < N; i++) {
        models[i] = kind[i % 5];
        brightness[i] = (uint8_t)(12 * i);
    }
    uint8_t *rgb = grey(brightness, models, N, shot);
    ck_insp_ok(insp_model_score(f.trunk, shot, N, prob, cam[0], good, &f.err), f.err);
    for (size_t i = 0; i < N; i++) {
        float bright = brightness[i] / 255.0F;
        ck_assert(good[i].known == (models[i]->good != NULL));
        ck_assert(good[i].unlike == (good[i].known && bright > 0.6F));
        if (good[i].known) {
            ck_assert_float_eq_tol(good[i].score, bright, 1e-3F);
            ck_assert_float_eq_tol(good[i].percentile, fminf(100, bright * 250), 0.5F);
        }
        if (!models[i]->tail) {
            ck_assert_float_eq_tol(prob[i], 1 / (1 + expf((0.5F - bright) / 0.1F)), 0.01F);
            float heat = insp_good_heat(&alone->manifest->good_only.scale, 0.7F, bright);
            ck_assert_float_eq_tol(cam[i][100], heat, 0.01F);
            continue;
        }
        const struct insp_picture one = {models[i]->tail, shot[i].rgb, &models[i]->manifest->input};
        ck_insp_ok(insp_score_pictures(f.trunk, &one, 1, &prob_plain, cam_plain, &f.err), f.err);
        ck_assert_float_eq_tol(prob[i], prob_plain, 1e-5F);
        ck_assert_float_eq_tol(cam[i][100], cam_plain[100], 1e-4F);
    }
    free(rgb);
    insp_model_unref(plain);
    insp_model_unref(both);
    insp_model_unref(alone);
    train_fixture_close(&f);
}
END_TEST

/* For each pair of models, beside another picture in the pass. */
/* The heat of a version with both models is the map that its manifest names, with or without a good-only answer.
 */
START_TEST(a_version_with_both_models_shows_the_heat_that_it_chose) {
    train_fixture_open(&f);
    train_fixture_install_trunk(&f);
    const uint8_t brightness[] = {230};
    struct insp_model *both = model_of(true, true), *alone = model_of(false, true);
    struct insp_shot shot[2];
    float prob, activation[INSP_MAP_FLOATS], good[INSP_MAP_FLOATS], map[INSP_MAP_FLOATS];
    struct insp_good_answer answer;
    _cleanup_free_ uint8_t *rgb = grey(brightness, &both, 1, shot);
    shot[1] = (struct insp_shot){.model = alone, .rgb = shot->rgb};
    both->manifest->heat = alone->manifest->heat =
        (struct insp_heat_choice){INSP_HEAT_ACTIVATION, 0.7F, -100, 100};
    ck_insp_ok(insp_model_score(f.trunk, shot, 1, &prob, activation, &answer, &f.err), f.err);
    ck_insp_ok(insp_model_score(f.trunk, shot + 1, 1, &prob, good, NULL, &f.err), f.err);
    ck_assert_float_gt(good[0], 0);
    for (enum insp_heat_kind kind = 0; kind < INSP_HEAT_KINDS; kind++) {
        both->manifest->heat.kind = kind;
        ck_insp_ok(insp_model_score(f.trunk, shot, 1, &prob, map, NULL, &f.err), f.err);
        for (size_t i = 0; i < INSP_MAP_FLOATS; i++)
            ck_assert_float_eq(map[i], kind == INSP_HEAT_ACTIVATION ? activation[i]
                                       : kind == INSP_HEAT_GOOD_ONLY
                                           ? good[i]
                                           : insp_heat_product((activation[i] + 100) / 200, good[i]));
    }
    insp_model_unref(both);
    insp_model_unref(alone);
    train_fixture_close(&f);
}
END_TEST

START_TEST(what_a_pass_keeps_gives_another_model_its_own_answer) {
    train_fixture_open(&f);
    struct insp_model *models[] = {model_of(true, false), model_of(true, true), model_of(false, true),
                                   model_of(true, false)};
    models[3]->manifest->input.scale *= 2; /* it transforms its pictures differently */
    struct insp_kept kept = {0};
    struct insp_scoring_room room = {0};
    const uint8_t brightness[] = {70, 140};
    for (size_t a = 0; a < INSP_COUNT(models); a++)
        for (size_t b = 0; b < INSP_COUNT(models); b++) {
            struct insp_model *const passing[] = {models[a], models[0]};
            struct insp_shot shot[2];
            float prob[2], cam[2 * INSP_MAP_FLOATS], own, from_kept, map[INSP_MAP_FLOATS],
                map_kept[INSP_MAP_FLOATS];
            struct insp_good_answer good[2], good_own, good_kept;
            uint8_t *rgb = grey(brightness, passing, 2, shot);
            struct insp_kept *const keep[] = {&kept, NULL};
            insp_kept_want(&kept, models[a], models[b]);
            ck_insp_ok(insp_model_score_keep(f.trunk, shot, 2, &room, keep, prob, cam, good, &f.err), f.err);
            shot[0].model = models[b];
            ck_insp_ok(insp_model_score(f.trunk, shot, 1, &own, map, &good_own, &f.err), f.err);
            ck_insp_ok(
                insp_model_score_kept(f.trunk, shot, &kept, &room, &from_kept, map_kept, &good_kept, &f.err),
                f.err);
            ck_assert_mem_eq(&own, &from_kept, sizeof own);
            ck_assert_mem_eq(map, map_kept, sizeof map);
            ck_assert_mem_eq(&good_own.score, &good_kept.score, sizeof good_own.score);
            ck_assert(good_own.known == good_kept.known && good_own.unlike == good_kept.unlike);
            ck_assert(kept.has_features == (a < 2 && b < 2) || a == b);
            free(rgb);
        }
    insp_kept_clear(&kept);
    insp_scoring_room_clear(&room);
    for (size_t i = 0; i < INSP_COUNT(models); i++)
        insp_model_unref(models[i]);
    train_fixture_close(&f);
}
END_TEST

/* A pass gives its answers although it has no memory for what it should keep. */
START_TEST(a_pass_without_memory_for_what_is_kept_answers) {
    train_fixture_open(&f);
    struct insp_model *passing = model_of(true, false), *other = model_of(true, true);
    struct insp_kept kept = {0};
    struct insp_kept *const keep[] = {&kept};
    struct insp_scoring_room room = {0};
    struct insp_shot shot;
    const uint8_t brightness[] = {70};
    float prob, own, cam[INSP_MAP_FLOATS];
    struct insp_good_answer good;
    uint8_t *rgb = grey(brightness, &passing, 1, &shot);
    ck_insp_ok(insp_model_score(f.trunk, &shot, 1, &own, cam, &good, &f.err), f.err);
    insp_kept_want(&kept, passing, other);
    setenv("INSP_FAKE_NO_TAPS", "1", 1);
    ck_insp_ok(insp_model_score_keep(f.trunk, &shot, 1, &room, keep, &prob, cam, &good, &f.err), f.err);
    ck_assert(prob == own && !kept.has_taps && !kept.has_features);
    shot.model = other;
    ck_insp_code(insp_model_score(f.trunk, &shot, 1, &prob, cam, &good, &f.err), INSP_E_NOMEM, f.err);
    unsetenv("INSP_FAKE_NO_TAPS");
    free(rgb);
    insp_kept_clear(&kept);
    insp_scoring_room_clear(&room);
    insp_model_unref(passing);
    insp_model_unref(other);
    train_fixture_close(&f);
}
END_TEST

/* The daemon's answers are those that a training judged by, bit for bit, beside models without a regression. */
START_TEST(a_regression_decides_in_the_same_pass_as_on_cached_features) {
    train_fixture_open(&f);
    fixture_set(&f, 4, 3, 0);
    struct insp_train_data *data = NULL;
    struct insp_model *with = model_of(true, false), *plain = model_of(true, false);
    with->logistic = calloc(1, sizeof *with->logistic);
    for (size_t i = 0; i < INSP_POOLED_FLOATS; i += 3)
        with->logistic->weight[i] = 0.01F * (float)(i % 7) - 0.02F;
    with->logistic->weight[0] = 2;
    const struct insp_transform *input = &with->manifest->input;
    ck_insp_ok(insp_train_data_open(&f.context, input, false, NULL, &data, &f.err), f.err);
    for (enum insp_logistic_use use = INSP_LOGISTIC_NONE; use <= INSP_LOGISTIC_AVERAGED; use++) {
        float cached[7], served[14], map[14 * INSP_MAP_FLOATS];
        const struct insp_scorer scorer = {.tail = with->tail, .logistic = with->logistic, .use = use};
        size_t member[7] = {0, 1, 2, 3, 4, 5, 6};
        struct insp_shot shot[14];
        uint8_t *rgb[7];
        with->manifest->logistic.use = use;
        for (size_t i = 0; i < 7; i++) {
            ck_insp_ok(insp_read_rgb(data->set.dataset->item[data->set.item[i]].path, NULL, NULL,
                                     (struct insp_tiles){0, 0}, &f.context.limits, &rgb[i], &f.err),
                       f.err);
            shot[2 * i] = (struct insp_shot){.model = with, .rgb = rgb[i], .field = NULL};
            shot[2 * i + 1] = (struct insp_shot){.model = plain, .rgb = rgb[i], .field = NULL};
        }
        ck_insp_ok(insp_train_data_score(data, &scorer, member, 7, NULL, cached, NULL, &f.err), f.err);
        ck_insp_ok(insp_model_score(f.trunk, shot, 14, served, map, NULL, &f.err), f.err);
        for (size_t i = 0; i < 7; i++) {
            ck_assert_mem_eq(&cached[i], &served[2 * i], sizeof(float));
            ck_assert((memcmp(&served[2 * i], &served[2 * i + 1], sizeof(float)) == 0) ==
                      (use == INSP_LOGISTIC_NONE));
            free(rgb[i]);
        }
    }
    insp_train_data_free(data);
    insp_model_unref(with);
    insp_model_unref(plain);
    train_fixture_close(&f);
}
END_TEST

static size_t pauses, pauses_left;

static bool interlude(void *arg) {
    ck_assert_ptr_eq(arg, &pauses);
    pauses++;
    return pauses_left-- > 0;
}

/* Between the passes of a call others may run, and may end it. */
START_TEST(the_passes_of_a_picture_can_be_interrupted) {
    enum { TILES = 20, CELLS = 62 * 50 };
    train_fixture_open(&f);
    struct insp_model *alone = model_of(false, true), *models[TILES];
    uint8_t brightness[TILES];
    static float cam[CELLS];
    float prob;
    struct insp_good_answer good;
    struct insp_shot tile[TILES];
    ck_insp_ok(insp_manifest_tile(alone->manifest, (struct insp_tiles){5, 4}, &f.err), f.err);
    for (size_t i = 0; i < TILES; i++) {
        models[i] = alone;
        brightness[i] = 20;
    }
    uint8_t *rgb = grey(brightness, models, TILES, tile);
    const struct insp_shot shot = {.model = alone, .rgb = rgb};
    struct insp_scoring_room room = {.pass_max = 6, .between = interlude, .between_arg = &pauses};
    const struct insp_kept nothing = {0};
    pauses_left = 3;
    ck_insp_ok(insp_model_score_kept(f.trunk, &shot, &nothing, &room, &prob, cam, &good, &f.err), f.err);
    ck_assert_uint_eq(pauses, 3); /* four passes: 6, 6, 6 and 2 tiles */
    pauses = 0;
    pauses_left = 1;
    ck_insp_code(insp_model_score_kept(f.trunk, &shot, &nothing, &room, &prob, cam, &good, &f.err),
                 INSP_E_CANCELLED, f.err);
    ck_assert_uint_eq(pauses, 2);
    insp_scoring_room_clear(&room);
    free(rgb);
    insp_model_unref(alone);
    train_fixture_close(&f);
}
END_TEST

/* The cached features of tiles answer as the daemon does, to the bit: with a region, and by each way to decide. */
START_TEST(cached_tiles_score_as_served_ones) {
    const struct insp_tiles tiles = {3, 2};
    train_fixture_open(&f);
    for (unsigned i = 0; i < 4; i++) {
        char relative[64];
        snprintf(relative, sizeof relative, i < 2 ? "train/good/%u.png" : "test/hole/%u.png", i);
        fixture_square(&f, relative, 640, 460, (uint8_t)(20 + i), 220, 30 + 100 * i, 70 * i, i < 2 ? 0 : 150);
    }
    struct insp_field_set *fields = sample_fields("{\"ignore\": [[[0,0],[0.45,0],[0.45,0.7],[0,0.7]]]}");
    struct insp_model *model = model_of(true, false);
    model->logistic = calloc(1, sizeof *model->logistic);
    for (size_t i = 0; i < INSP_POOLED_FLOATS; i += 3)
        model->logistic->weight[i] = 0.01F * (float)(i % 7) - 0.02F;
    model->manifest->fields = f.context.fields = fields;
    ck_insp_ok(insp_manifest_tile(model->manifest, tiles, &f.err), f.err);
    for (int fresh = 1; fresh >= 0; fresh--) {
        struct insp_train_data *data = NULL;
        ck_insp_ok(insp_train_data_open_tiled(&f.context, &model->manifest->input, tiles, false, false, NULL,
                                              &data, &f.err),
                   f.err);
        ck_assert_uint_eq(data->trunk_runs, fresh ? 4 : 0);
        for (enum insp_logistic_use use = INSP_LOGISTIC_NONE; !fresh && use <= INSP_LOGISTIC_AVERAGED; use++) {
            const struct insp_scorer scorer = {.tail = model->tail, .logistic = model->logistic, .use = use};
            const size_t member[4] = {0, 1, 2, 3};
            float cached[4], maps[4 * INSP_MAP_FLOATS];
            model->manifest->logistic.use = use;
            ck_insp_ok(insp_train_data_score(data, &scorer, member, 4, NULL, cached, maps, &f.err), f.err);
            for (size_t i = 0; i < 4; i++) {
                float served, whole[INSP_TILES_MAP_MAX], map[INSP_MAP_FLOATS];
                _cleanup_free_ uint8_t *rgb = NULL;
                ck_insp_ok(insp_read_rgb(data->set.dataset->item[i].path, NULL, fields->general, tiles,
                                         &f.context.limits, &rgb, &f.err),
                           f.err);
                const struct insp_shot shot = {.model = model, .rgb = rgb, .field = fields->general};
                ck_insp_ok(insp_model_score(f.trunk, &shot, 1, &served, whole, NULL, &f.err), f.err);
                ck_assert_mem_eq(&cached[i], &served, sizeof served);
                insp_map_reduce(insp_tiles_map(tiles), whole, map);
                ck_assert_float_eq_tol(maps[i * INSP_MAP_FLOATS + 195], map[195], 1e-6F);
            }
        }
        insp_train_data_free(data);
    }
    insp_model_unref(model);
    train_fixture_close(&f);
}
END_TEST

/* The worst tile decides, however the tiles fall into passes; a region leaves tiles out. */
START_TEST(tiles_are_one_picture) {
    enum { TILES = 20, CELLS = 62 * 50 };
    train_fixture_open(&f);
    struct insp_model *alone = model_of(false, true), *tail = model_of(true, true), *plain = model_of(false, true);
    struct insp_model *models[TILES];
    uint8_t brightness[TILES];
    static float cam[2 * CELLS + INSP_MAP_FLOATS], again[2 * CELLS + INSP_MAP_FLOATS];
    float prob[3], prob_again[3];
    struct insp_good_answer good[3], good_again[3];
    struct insp_shot tile[TILES];
    const struct insp_tiles tiles = {5, 4};
    ck_insp_ok(insp_manifest_tile(alone->manifest, tiles, &f.err), f.err);
    ck_insp_ok(insp_manifest_tile(tail->manifest, tiles, &f.err), f.err);
    for (size_t i = 0; i < TILES; i++) {
        models[i] = alone;
        brightness[i] = (uint8_t)(i == 13 ? 200 : 20);
    }
    uint8_t *rgb = grey(brightness, models, TILES, tile);
    const struct insp_shot shot[] = {
        {.model = alone, .rgb = rgb}, {.model = plain, .rgb = rgb}, {.model = tail, .rgb = rgb}};
    struct insp_scoring_room room = {.pass_max = 3};
    ck_insp_ok(insp_model_score(f.trunk, shot, 3, prob, cam, good, &f.err), f.err);
    ck_insp_ok(insp_model_score_keep(f.trunk, shot, 3, &room, NULL, prob_again, again, good_again, &f.err), f.err);
    insp_scoring_room_clear(&room);
    ck_assert_mem_eq(prob, prob_again, sizeof prob);
    ck_assert_mem_eq(cam, again, sizeof cam);
    ck_assert_float_eq_tol(good[0].score, 200 / 255.0F, 1e-3F);
    ck_assert_float_eq_tol(good[2].score, good[0].score, 1e-6F);
    ck_assert_float_eq_tol(good[1].score, 20 / 255.0F, 1e-3F); /* without tiles the first picture alone */
    ck_assert(good[0].unlike && !good[1].unlike && good[2].unlike);
    float heat = insp_good_heat(&alone->manifest->good_only.scale, 0.7F, 200 / 255.0F);
    size_t hot = 0;
    for (size_t y = 0; y < 50; y++)
        for (size_t x = 0; x < 62; x++) { /* tile 13 is at column 3 of row 2 */
            bool inside = x >= 36 && x < 50 && y >= 24 && y < 38, core = x >= 38 && x < 48 && y >= 26 && y < 36;
            ck_assert(inside || cam[y * 62 + x] < 0.1F);
            ck_assert(!core || fabsf(cam[y * 62 + x] - heat) < 0.02F);
            hot += cam[y * 62 + x] > 0.1F;
        }
    ck_assert_uint_ge(hot, 144);
    alone->manifest->fields = sample_fields("{\"look\": [" SAMPLE_LEFT_HALF "]}");
    ck_insp_ok(insp_manifest_tile(alone->manifest, tiles, &f.err), f.err);
    memset(rgb + (size_t)13 * INSP_INPUT_FLOATS, 255,
           INSP_INPUT_FLOATS); /* ignored, and so is what no tile may see */
    memset(rgb + (size_t)14 * INSP_INPUT_FLOATS, 255, INSP_INPUT_FLOATS);
    const struct insp_shot masked = {.model = alone, .rgb = rgb, .field = alone->manifest->fields->general};
    ck_insp_ok(insp_model_score(f.trunk, &masked, 1, prob, cam, good, &f.err), f.err);
    ck_assert_float_eq_tol(good[0].score, 20 / 255.0F, 1e-3F);
    const struct insp_shot single = {.model = alone,
                                     .rgb = rgb + (size_t)13 * INSP_INPUT_FLOATS,
                                     .single = true,
                                     .field = alone->manifest->fields->general};
    ck_insp_ok(insp_model_score(f.trunk, &single, 1, prob, cam, good, &f.err), f.err);
    ck_assert_float_eq_tol(good[0].score, 1, 1e-3F);
    free(rgb);
    insp_model_unref(alone);
    insp_model_unref(tail);
    insp_model_unref(plain);
    train_fixture_close(&f);
}
END_TEST

START_TEST(a_model_of_nothing_and_a_score_that_is_no_number_are_refused) {
    train_fixture_open(&f);
    struct insp_model *none = model_of(false, false), *alone = model_of(false, true);
    const uint8_t brightness = 128;
    float prob, cam[INSP_MAP_FLOATS];
    struct insp_shot shot;
    uint8_t *rgb = grey(&brightness, &none, 1, &shot);
    ck_insp_code(insp_model_score(f.trunk, &shot, 1, &prob, cam, NULL, &f.err), INSP_E_INTERNAL, f.err);
    alone->good->mean[7][0][3] = -3e38F; /* its square overflows */
    shot.model = alone;
    ck_insp_code(insp_model_score(f.trunk, &shot, 1, &prob, cam, NULL, &f.err), INSP_E_MODEL, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "image 0"));
    free(rgb);
    insp_model_unref(none);
    insp_model_unref(alone);
    train_fixture_close(&f);
}
END_TEST

START_TEST(a_part_unlike_every_good_one_is_reviewed) {
    struct insp_manifest *manifest = insp_manifest_new();
    struct insp_good_answer usual = {.known = true}, unlike = {.known = true, .unlike = true};
    uint32_t suspect = 0;
    const uint32_t reason = 1U << INSP_SUSPECT_UNLIKE_GOOD;
    memset(manifest->weights_sha256, 'a', INSP_SHA256_HEX_BYTES - 1);
    manifest->good_only.images = 30;
    ck_assert(insp_model_verdict(manifest, 0.1F, &usual, &suspect) == INSP_VERDICT_GOOD && !suspect);
    ck_assert(insp_model_verdict(manifest, 0.9F, &unlike, &suspect) == INSP_VERDICT_ANOMALY && !suspect);
    ck_assert(insp_model_verdict(manifest, 0.1F, &unlike, &suspect) == INSP_VERDICT_REVIEW && suspect == reason);
    suspect = 1;
    ck_assert(insp_model_verdict(manifest, 0.1F, &usual, &suspect) == INSP_VERDICT_REVIEW && suspect == 1);
    suspect = 0;
    manifest->weights_sha256[0] = '\0'; /* the good-only model decides: one threshold is enough */
    ck_assert(insp_model_verdict(manifest, 0.1F, &unlike, &suspect) == INSP_VERDICT_GOOD && !suspect);
    insp_manifest_free(manifest);
}
END_TEST

INSP_TESTS(cached_tiles_score_as_served_ones, the_passes_of_a_picture_can_be_interrupted, tiles_are_one_picture,
           a_version_with_both_models_shows_the_heat_that_it_chose, a_pass_without_memory_for_what_is_kept_answers,
           what_a_pass_keeps_gives_another_model_its_own_answer, each_image_gets_the_answer_of_its_own_model,
           a_regression_decides_in_the_same_pass_as_on_cached_features,
           a_model_of_nothing_and_a_score_that_is_no_number_are_refused, a_part_unlike_every_good_one_is_reviewed);
