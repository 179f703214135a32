/* core/report/figures.h - writes the sections of a report that consist of figures. Functions write nothing if the
 * report lacks the data. Stream errors show in ferror. One thread per stream. */
#ifndef INSP_REPORT_FIGURES_H
#define INSP_REPORT_FIGURES_H

#include <jansson.h>
#include <stdio.h>

/* Write metrics in the form of insp_metrics_json (core/judge/metrics.h). */
void insp_report_tiles(FILE *out, const json_t *metrics); /* misses, false alarms, balanced accuracy, ROC area */
void insp_report_confusion(FILE *out, const json_t *metrics); /* the confusion matrix */
void insp_report_rates(FILE *out, const json_t *metrics);     /* all rates with their intervals */
void insp_report_types(FILE *out, const json_t *metrics);     /* the share of correct verdicts per type */

/* Write a section of a report (core/train/train.h). */
void insp_report_folds(FILE *out, const json_t *report);        /* the folds, their mean and deviation */
void insp_report_served(FILE *out, const json_t *report);       /* the daemon's verdicts (core/judge/served.h) */
void insp_report_localisation(FILE *out, const json_t *report); /* heatmaps compared with masks */
void insp_report_advice(FILE *out, const json_t *report);       /* the advised threshold */
void insp_report_promised(FILE *out, const json_t *report);     /* the threshold for two promises */
void insp_report_previous(FILE *out, const json_t *report);     /* the version that was active before a training */
void insp_report_feedback(FILE *out, const json_t *report);     /* labelled inspections (core/train/feedback.h) */
void insp_report_facts(FILE *out, const json_t *report);        /* dataset, parameters, heatmap, time taken */

#endif
