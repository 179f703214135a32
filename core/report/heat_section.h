/* core/report/heat_section.h - write the section of a report that compares the maps which a version could show.
 * Internal to core/report. One thread at a time per file. */
#ifndef INSP_REPORT_HEAT_SECTION_H
#define INSP_REPORT_HEAT_SECTION_H

#include <jansson.h>
#include <stdio.h>

/* Writes the maps (core/judge/maps/heat_maps.h), their figures and why one was taken; nothing if the report has
 * none. */
void insp_report_heat_maps(FILE *out, const json_t *report);

#endif
