/* core/train/folds/fold_figures.h - take mean and standard deviation of figures over the folds of a
 * cross-validation. Internal to core/train. Pure; one thread per object. */
#ifndef INSP_TRAIN_FOLDS_FOLD_FIGURES_H
#define INSP_TRAIN_FOLDS_FOLD_FIGURES_H

#include "core/judge/metrics.h"

enum { INSP_FOLD_FIGURES = 7 };

/* A zeroed struct is empty. */
struct insp_fold_figures {
    double sum[INSP_FOLD_FIGURES], square[INSP_FOLD_FIGURES];
    size_t known[INSP_FOLD_FIGURES]; /* folds in which the figure is a number */
};

/* Adds the figures of a fold. */
void insp_fold_figures_add(struct insp_fold_figures *figures, const struct insp_metrics *metrics);

/* Builds {name: mean} or, with `deviation`, {name: standard deviation} of the sample (n - 1), as numpy's
 * std(ddof=1); null if it is undefined. New reference; NULL without memory. */
json_t *insp_fold_figures_json(const struct insp_fold_figures *figures, bool deviation);

#endif
