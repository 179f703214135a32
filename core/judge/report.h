/* core/judge/report.h - builds the parts of reports that training, cross-validation and evaluation share.
 * Functions that return json_t * return a new reference, or NULL without memory. Pure; any thread. */
#ifndef INSP_JUDGE_REPORT_H
#define INSP_JUDGE_REPORT_H

#include "core/judge/judgement.h"
#include "core/judge/metrics.h"
#include "core/judge/threshold.h"

/* Limits of a report, because it is stored in a row of the database: images listed, images listed with their heat,
 * examples, bins of the histogram. All wrong images come first; right ones only fill up INSP_REPORT_HEATS. */
enum { INSP_REPORT_IMAGES_MAX = 500, INSP_REPORT_HEATS = 50, INSP_REPORT_EXAMPLES = 8, INSP_REPORT_BINS = 20 };

/* Returns {"digest","images","counts":{stratum: images},"skipped","ignored"}; with_scan adds "scan", the record of
 * how the dataset was read (core/dataset/scan.h). */
json_t *insp_report_dataset(const struct insp_members *set, bool with_scan);

/* Lists the readable images as [{"place": "split/class/name", "class", "sha256", "bytes", "held_out"}], a new
 * reference, or NULL without memory.
 *   held_out  [count] members that were not trained on; NULL with count 0 */
json_t *insp_report_members(const struct insp_members *set, const size_t *held_out, size_t count);

/* Lists the images on the wrong side of the threshold, worst first, then the images on the right side that are
 * nearest to it:
 *   [{"path": relative to the dataset, or "sha256:..." if the name is not UTF-8,
 *     "sha256", "type", "label", "verdict", "probability", "wrong",
 *     "heat": base64 of 14x14 bytes, 255 is heat 1 (rounding error 0.002); the first INSP_REPORT_HEATS images
 *     only}]
 * The metrics hold the total of wrong images: "missed" and "false_alarms". */
json_t *insp_report_images(const struct insp_judgement *judgement);

/* Lists found anomalies with their heat, at most INSP_REPORT_EXAMPLES, in the form of insp_report_images: of each
 * defect type the one with the highest probability, then the second of each, and so on. */
json_t *insp_report_examples(const struct insp_judgement *judgement);

/* Counts the images by label and probability: {"good": [20 numbers], "anomaly": [20 numbers]}. Bin i counts
 * i/20 <= probability < (i+1)/20; the last bin includes 1. */
json_t *insp_report_histogram(const struct insp_judgement *judgement);

/* Returns the ROC curve (insp_roc_json) of the given members. member, probability: [count]. */
json_t *insp_report_roc(const struct insp_members *set, const size_t *member, size_t count,
                        const float *probability);

/* Adds "threshold_advice" (threshold.h) for the given members to `part`. member, probability: [count]. Fails with
 * the errors of insp_threshold_advise. */
int insp_report_threshold(const struct insp_members *set, const size_t *member, size_t count,
                          const float *probability, double max_missed, json_t *part, struct insp_error *reterr);

/* Adds "threshold_promise" (insp_threshold_promise_json) for the given members to `part`, with the images that
 * prevent it as "preventing": the good images from the threshold on, then the anomalies below the lowest threshold
 * that keeps the good ones, worst first, at most INSP_REPORT_PREVENTING of each, in the form of insp_report_images
 * without heat. member, probability: [count]. */
enum { INSP_REPORT_PREVENTING = 20 };
int insp_report_promise(const struct insp_members *set, const size_t *member, size_t count,
                        const float *probability, const struct insp_threshold_promise *promise, json_t *part,
                        struct insp_error *reterr);

/* Adds the members of `part` to `report` and returns it in *ret. Takes over both references, also on failure.
 * Fails with INSP_E_NOMEM, also if one of them is NULL. */
int insp_report_join(json_t *report, json_t *part, json_t **ret, struct insp_error *reterr);

/* Returns the metrics as insp_metrics_json does, with the dataset's names of strata. */
json_t *insp_report_metrics(const struct insp_members *set, const struct insp_metrics *metrics);

#endif
