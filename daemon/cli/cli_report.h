/* daemon/cli/cli_report.h - the reports of train.h as text for people. */
#ifndef INSP_DAEMON_CLI_CLI_REPORT_H
#define INSP_DAEMON_CLI_CLI_REPORT_H

#include <jansson.h>
#include <stdio.h>

/* What a report does not hold is left out. */
void cli_report_train(FILE *out, const json_t *report);
void cli_report_cross_validate(FILE *out, const json_t *report);
void cli_report_evaluate(FILE *out, const json_t *report);

#endif
