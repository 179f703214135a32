#include "core/train/folds/fold_figures.h"

#include "core/base/cleanup.h"

#include <math.h>

static const struct figure {
    const char *name;
    size_t offset;
    bool rate; /* a struct insp_rate, else a double */
} figures[INSP_FOLD_FIGURES] = {
    {"accuracy", offsetof(struct insp_metrics, accuracy), true},
    {"balanced_accuracy", offsetof(struct insp_metrics, balanced_accuracy), false},
    {"precision", offsetof(struct insp_metrics, precision), true},
    {"recall", offsetof(struct insp_metrics, recall), true},
    {"specificity", offsetof(struct insp_metrics, specificity), true},
    {"f1", offsetof(struct insp_metrics, f1), false},
    {"roc_auc", offsetof(struct insp_metrics, roc_auc), false},
};

static double figure_of(const struct insp_metrics *metrics, const struct figure *figure) {
    const void *place = (const char *)metrics + figure->offset;
    return figure->rate ? ((const struct insp_rate *)place)->value : *(const double *)place;
}

void insp_fold_figures_add(struct insp_fold_figures *f, const struct insp_metrics *metrics) {
    for (size_t i = 0; i < INSP_FOLD_FIGURES; i++) {
        double value = figure_of(metrics, &figures[i]);
        if (isnan(value))
            continue;
        f->sum[i] += value;
        f->square[i] += value * value;
        f->known[i]++;
    }
}

json_t *insp_fold_figures_json(const struct insp_fold_figures *f, bool deviation) {
    json_t *json = json_object();
    for (size_t i = 0; json && i < INSP_FOLD_FIGURES; i++) {
        double n = (double)f->known[i], mean = f->sum[i] / n, value = mean;
        if (deviation)
            value = sqrt(fmax(0, f->square[i] - n * mean * mean) / (n - 1));
        json_object_set_new(json, figures[i].name, isfinite(value) ? json_real(value) : json_null());
    }
    return json;
}
