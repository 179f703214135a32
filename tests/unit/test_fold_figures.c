#include "core/train/folds/fold_figures.h"

#include "core/base/cleanup.h"

#include "tests/unit/harness.h"

#include <math.h>

static struct insp_metrics with(double accuracy, double area) {
    return (struct insp_metrics){.accuracy = {.value = accuracy},
                                 .precision = {.value = NAN},
                                 .recall = {.value = 1},
                                 .specificity = {.value = 1},
                                 .balanced_accuracy = 1,
                                 .f1 = 1,
                                 .roc_auc = area};
}

START_TEST(folds_without_a_figure_do_not_count) {
    struct insp_fold_figures figures = {0};
    const struct insp_metrics metrics[] = {with(0.5, NAN), with(0.7, 0.25), with(0.9, NAN)};
    for (size_t i = 0; i < INSP_COUNT(metrics); i++)
        insp_fold_figures_add(&figures, &metrics[i]);
    json_t *mean = insp_fold_figures_json(&figures, false), *spread = insp_fold_figures_json(&figures, true);
    ck_assert_double_eq_tol(json_real_value(json_object_get(mean, "accuracy")), 0.7, 1e-12);
    ck_assert_double_eq_tol(json_real_value(json_object_get(spread, "accuracy")), 0.2, 1e-12);
    ck_assert_double_eq_tol(json_real_value(json_object_get(mean, "roc_auc")), 0.25, 1e-12);
    ck_assert(json_is_null(json_object_get(spread, "roc_auc"))); /* of a single fold */
    ck_assert(json_is_null(json_object_get(mean, "precision")));
    ck_assert_uint_eq(json_object_size(mean), INSP_FOLD_FIGURES);
    json_decref(mean);
    json_decref(spread);
}
END_TEST

INSP_TESTS(folds_without_a_figure_do_not_count);
