/* core/report/figures.h - the sections of a report that are numbers: each writes itself, or nothing where the
 * report lacks what it shows. Pure; one thread per stream. */
#ifndef INSP_REPORT_FIGURES_H
#define INSP_REPORT_FIGURES_H

#include <jansson.h>
#include <stdio.h>

/* metrics: as insp_metrics_json (core/judge/metrics.h). */
void insp_report_tiles(FILE *out, const json_t *metrics); /* the four figures that matter, large */
void insp_report_confusion(FILE *out, const json_t *metrics);
void insp_report_rates(FILE *out, const json_t *metrics); /* all rates with their intervals */
void insp_report_types(FILE *out, const json_t *metrics); /* the same per defect type */

/* report: the whole of it. */
void insp_report_folds(FILE *out, const json_t *report); /* table of the folds, mean and deviation */
void insp_report_localisation(FILE *out, const json_t *report);
void insp_report_advice(FILE *out, const json_t *report);   /* the threshold that was advised */
void insp_report_previous(FILE *out, const json_t *report); /* a training: the version before */
void insp_report_feedback(FILE *out, const json_t *report); /* labelled inspections (core/train/feedback.h) */
void insp_report_facts(FILE *out, const json_t *report);    /* dataset, parameters, time taken */

#endif
