#include "core/inspect/drift_place.h"

#include "tests/unit/harness.h"

#include <string.h>

static struct insp_good_scores even(size_t n) {
    float probability[500];
    for (size_t i = 0; i < n; i++)
        probability[n - 1 - i] = 0.5F * (float)i / (float)(n - 1);
    return insp_good_scores_of(probability, n);
}

START_TEST(a_place_follows_threshold_and_review_band) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = insp_manifest_new();
    strcpy(m->weights_sha256, "x");
    ck_assert_uint_eq(insp_model_drift_place(m, 0.2F, 0).reference, 0); /* an old version keeps no scores */
    m->good_scores = even(200);
    m->threshold = 0.6F;
    ck_assert_uint_eq(insp_model_drift_place(m, 0.26F, 0).reference, 200);
    ck_assert_uint_eq(insp_model_drift_place(m, 0.26F, 0).bin, 10);
    m->threshold = 0.25F;
    ck_assert_uint_eq(insp_model_drift_place(m, 0.24F, 0).bin, 19);
    m->review = (struct insp_review){true, 0.125F, 0.5F};
    ck_assert_uint_eq(insp_model_drift_place(m, 0.12F, 0).bin, 19);
    ck_assert_uint_le(insp_model_drift_place(m, 0.12F, 0).reference, 50);
}
END_TEST

START_TEST(where_the_good_only_model_decides_its_own_quantiles_count) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = insp_manifest_new();
    m->good_only.images = 100;
    m->good_only.scale = (struct insp_good_scale){.threshold = 20, .spread = 2, .cold = 1, .warm = 2};
    for (size_t i = 0; i < INSP_GOOD_QUANTILES; i++)
        m->good_only.quantile[i] = 10 + (float)i / 10; /* 10..20 */
    ck_assert_uint_eq(insp_model_drift_place(m, 0, 15.1F).bin, 10);
    ck_assert_uint_eq(insp_model_drift_place(m, 0, 15.1F).reference, 100);
    m->threshold = insp_good_probability(&m->good_only.scale, 15); /* half of the training is good */
    ck_assert_uint_eq(insp_model_drift_place(m, 0, 12.6F).bin, 10);
    ck_assert(insp_model_drift_place(m, 0, 12.6F).reference >= 49 &&
              insp_model_drift_place(m, 0, 12.6F).reference <= 50);
    m->threshold = 1; /* never an anomaly */
    ck_assert_uint_eq(insp_model_drift_place(m, 0, 15.1F).reference, 100);
    m->threshold = 0;
    ck_assert_uint_eq(insp_model_drift_place(m, 0, 15.1F).reference, 0);
}
END_TEST

INSP_TESTS(a_place_follows_threshold_and_review_band, where_the_good_only_model_decides_its_own_quantiles_count);
