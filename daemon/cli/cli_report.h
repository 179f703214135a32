/* daemon/cli/cli_report.h - prints the reports of core/train/train.h as text. Main thread. */
#ifndef INSP_DAEMON_CLI_CLI_REPORT_H
#define INSP_DAEMON_CLI_CLI_REPORT_H

#include <jansson.h>
#include <stdio.h>

/* Print a report; parts without data are left out. */
void cli_report_train(FILE *out, const json_t *report);
void cli_report_cross_validate(FILE *out, const json_t *report);
void cli_report_evaluate(FILE *out, const json_t *report);

#endif
