/* core/report/candidates_section.h - write the section of a report that compares ways to decide. Internal to
 * core/report. One thread at a time per file. */
#ifndef INSP_REPORT_CANDIDATES_SECTION_H
#define INSP_REPORT_CANDIDATES_SECTION_H

#include <jansson.h>
#include <stdio.h>

/* Writes the candidates (core/judge/candidates.h), their figures and why one was taken; nothing if the report has
 * none. */
void insp_report_candidates(FILE *out, const json_t *report);

#endif
