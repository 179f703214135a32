#include "core/train/report.h"

#include "core/train/promote.h"

#include <string.h>

json_t *insp_train_params_json(const struct insp_train_params *p) {
    return json_pack("{s:[f,f], s:f, s:I, s:I, s:f, s:f, s:I, s:I, s:f, s:f, s:s, s:s, s:b}", "class_weights",
                     (double)p->class_weights[0], (double)p->class_weights[1], "learning_rate",
                     (double)p->learning_rate, "epochs", (json_int_t)p->epochs, "batch", (json_int_t)p->batch,
                     "target_accuracy", (double)p->target_accuracy, "test_share", (double)p->test_share, "folds",
                     (json_int_t)p->folds, "seed", (json_int_t)p->seed, "threshold", (double)p->threshold,
                     "heatmap_threshold", (double)p->heatmap_threshold, "heatmap_scale",
                     p->heatmap_scale == INSP_SCALE_FIXED ? "fixed" : "per_image", "activate",
                     insp_activate_name(p->activate), "skip_unreadable", (int)p->skip_unreadable);
}

json_t *insp_report_dataset(const struct insp_train_data *data) {
    return json_pack("{s:s, s:I, s:o, s:I, s:I}", "digest", data->digest, "images",
                     (json_int_t)data->dataset->count, "counts", insp_dataset_counts_json(data->dataset),
                     "skipped", (json_int_t)data->skipped, "ignored", (json_int_t)data->dataset->ignored);
}

struct judged {
    size_t member;
    float probability;
    double error; /* how far on the wrong side of the threshold; negative on the right one */
};

static int by_falling_error(const void *a, const void *b) {
    const struct judged *x = a, *y = b;
    if (x->error != y->error)
        return x->error < y->error ? 1 : -1;
    return (x->member > y->member) - (x->member < y->member);
}

static json_t *image_json(const struct insp_train_data *data, const struct judged *judged, double threshold) {
    const struct insp_dataset *dataset = data->dataset;
    const struct insp_dataset_item *item = &dataset->item[data->item[judged->member]];
    bool called = (double)judged->probability >= threshold;
    const char *relative = item->path + strlen(dataset->root) + 1;
    /* A file name may be any bytes, JSON only UTF-8: then the image is named by its hash. */
    json_t *path = json_string(relative);
    return json_pack("{s:o, s:s, s:s, s:s, s:f, s:b}", "path",
                     path ? path : json_sprintf("sha256:%s", item->sha256), "type",
                     dataset->stratum[item->stratum], "label", item->label ? "anomaly" : "good", "verdict",
                     called ? "anomaly" : "good", "probability", (double)judged->probability, "wrong",
                     called != (item->label == INSP_CLASS_ANOMALY));
}

json_t *insp_report_images(const struct insp_train_data *data, const size_t *member, size_t count,
                           const float *probability, double threshold) {
    _cleanup_free_ struct judged *judged = calloc(count + 1, sizeof *judged);
    json_t *images = json_array();
    if (!judged || !images) {
        json_decref(images);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        double above = (double)probability[i] - threshold;
        judged[i] = (struct judged){member[i], probability[i], data->label[member[i]] ? -above : above};
    }
    qsort(judged, count, sizeof *judged, by_falling_error);
    for (size_t i = 0; i < count && i < INSP_REPORT_IMAGES; i++)
        if (json_array_append_new(images, image_json(data, &judged[i], threshold)) < 0) {
            json_decref(images);
            return NULL;
        }
    return images;
}

json_t *insp_report_roc(const struct insp_train_data *data, const size_t *member, size_t count,
                        const float *probability) {
    _cleanup_free_ uint8_t *label = calloc(count + 1, sizeof *label);
    if (!label)
        return NULL;
    for (size_t i = 0; i < count; i++)
        label[i] = data->label[member[i]];
    return insp_roc_json(probability, label, count);
}

json_t *insp_report_metrics(const struct insp_train_data *data, const struct insp_metrics *metrics) {
    return insp_metrics_json(metrics, (const char(*)[INSP_NAME_BYTES])data->dataset->stratum);
}
