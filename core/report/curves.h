/* core/report/curves.h - writes the charts of a report (core/train/train.h). Functions write nothing if the report
 * lacks the data. Stream errors show in ferror. One thread per stream. */
#ifndef INSP_REPORT_CURVES_H
#define INSP_REPORT_CURVES_H

#include "core/base/error.h"

#include <jansson.h>
#include <stdio.h>

/* Draws the ROC curve with a dot at the threshold. metrics: as insp_metrics_json, for the dot. Fails with
 * INSP_E_NOMEM. */
int insp_report_roc_chart(FILE *out, const json_t *report, const json_t *metrics, struct insp_error *reterr);

/* Draws loss and accuracy by epoch: one line for a training, one per fold for a cross-validation. Fails with
 * INSP_E_NOMEM. */
int insp_report_curves(FILE *out, const json_t *report, struct insp_error *reterr);

/* Draws the numbers of good and anomalous images by probability, with a line at the threshold. */
void insp_report_histogram_chart(FILE *out, const json_t *report);

#endif
