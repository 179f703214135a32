/* core/judge/report.h - the JSON parts that the three jobs' reports share. Internal to core/train. Each returns a
 * new reference, NULL without memory. Pure. */
#ifndef INSP_JUDGE_REPORT_H
#define INSP_JUDGE_REPORT_H

#include "core/judge/judgement.h"
#include "core/judge/metrics.h"

/* A report lies in a row of the database: at most so many images are listed, and so many of them with their heat.
 * Wrong ones come first, and as many of the others as fill the second number. */
enum { INSP_REPORT_IMAGES_MAX = 500, INSP_REPORT_HEATS = 50, INSP_REPORT_EXAMPLES = 8, INSP_REPORT_BINS = 20 };

/* {"digest","images","counts":{stratum: images},"skipped","ignored"}; with_scan: and "scan" (core/dataset/scan.h),
 * how the set was read */
json_t *insp_report_dataset(const struct insp_members *set, bool with_scan);

/* The images that are furthest on the wrong side of the threshold, worst first, then those on the right side
 * nearest to it: [{"path" (relative to the set; "sha256:..." where the name is no UTF-8), "sha256", "type",
 * "label", "verdict", "probability", "wrong", "heat" (the first INSP_REPORT_HEATS only: base64 of 14x14 bytes, 255
 * is heat 1; half a step, 0.002, is what is lost)}]. How many are wrong in all is in the metrics: "missed" and
 * "false_alarms". */
json_t *insp_report_images(const struct insp_judgement *judgement);

/* Anomalies that were found, to see what the heat makes of them: the surest of each defect type, then the second
 * surest of each and so on, INSP_REPORT_EXAMPLES at most; entries as above, with heat. */
json_t *insp_report_examples(const struct insp_judgement *judgement);

/* How many images have which probability: {"good": [20 numbers], "anomaly": [20 numbers]}; bin i holds
 * i/20 <= probability < (i+1)/20, the last one 1 as well. */
json_t *insp_report_histogram(const struct insp_judgement *judgement);

json_t *insp_report_roc(const struct insp_members *set, const size_t *member, size_t count,
                        const float *probability);

/* Adds "threshold_advice" (threshold.h) from the members' probabilities to `part`. Fails as insp_threshold_advise.
 */
int insp_report_threshold(const struct insp_members *set, const size_t *member, size_t count,
                          const float *probability, double max_missed, json_t *part, struct insp_error *reterr);

/* Takes both references: *ret is `report` with the members of `part`, NULL ones are INSP_E_NOMEM. */
int insp_report_join(json_t *report, json_t *part, json_t **ret, struct insp_error *reterr);

/* As insp_metrics_json with the dataset's names. */
json_t *insp_report_metrics(const struct insp_members *set, const struct insp_metrics *metrics);

#endif
