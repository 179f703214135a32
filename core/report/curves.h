/* core/report/curves.h - the charts of a report: each writes itself, or nothing where the report lacks what it
 * shows. Pure but for the memory of the points; one thread per stream. */
#ifndef INSP_REPORT_CURVES_H
#define INSP_REPORT_CURVES_H

#include "core/base/error.h"

#include <jansson.h>
#include <stdio.h>

/* metrics: what the ROC's dot is taken from. INSP_E_NOMEM. */
int insp_report_roc_chart(FILE *out, const json_t *report, const json_t *metrics, struct insp_error *reterr);

/* Loss and accuracy by epoch: of the training, or one line per fold. INSP_E_NOMEM. */
int insp_report_curves(FILE *out, const json_t *report, struct insp_error *reterr);

void insp_report_histogram_chart(FILE *out, const json_t *report);

#endif
