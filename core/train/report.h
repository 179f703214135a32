/* core/train/report.h - the JSON parts that the three jobs' reports share. Internal to core/train. Each returns a
 * new reference, NULL without memory. Pure. */
#ifndef INSP_TRAIN_REPORT_H
#define INSP_TRAIN_REPORT_H

#include "core/train/train_data.h"

enum { INSP_REPORT_IMAGES = 50 };

json_t *insp_train_params_json(const struct insp_train_params *params);

/* {"digest","images","counts":{stratum: images},"skipped","ignored"} */
json_t *insp_report_dataset(const struct insp_train_data *data);

/* The INSP_REPORT_IMAGES images that are furthest on the wrong side of the threshold (or nearest to it, where all
 * are right), worst first: [{"path" (relative to the set), "type", "label", "verdict", "probability", "wrong"}].
 */
json_t *insp_report_images(const struct insp_train_data *data, const size_t *member, size_t count,
                           const float *probability, double threshold);

json_t *insp_report_roc(const struct insp_train_data *data, const size_t *member, size_t count,
                        const float *probability);

/* As insp_metrics_json with the dataset's names. */
json_t *insp_report_metrics(const struct insp_train_data *data, const struct insp_metrics *metrics);

#endif
