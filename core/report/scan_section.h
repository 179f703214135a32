/* core/report/scan_section.h - writes the section of a report on how the dataset was read. */
#ifndef INSP_REPORT_SCAN_SECTION_H
#define INSP_REPORT_SCAN_SECTION_H

#include <jansson.h>
#include <stdio.h>

/* Writes the doubts, the folders read and the entries passed over from the report's dataset.scan
 * (core/dataset/scan.h); nothing if the report has none. One thread per stream. */
void insp_report_scan(FILE *out, const json_t *report);

#endif
