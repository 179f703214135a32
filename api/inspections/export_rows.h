/* api/resources/export_rows.h - one inspection as a line of CSV or of JSON. Any thread. */
#ifndef INSP_API_RESOURCES_EXPORT_ROWS_H
#define INSP_API_RESOURCES_EXPORT_ROWS_H

#include "core/store/store.h"

#include <stdio.h>

/* The header row with its line end (RFC 4180: comma, quotes doubled, CRLF); UTF-8 without a byte order mark. */
extern const char api_export_csv_header[];

/* One row. Times are RFC 3339, empty where there is none. A text that a spreadsheet would run as a formula (it
 * begins with = + - @, a tab or a carriage return) gets a ' in front: OWASP, "CSV Injection". Errors are the
 * stream's: ferror(). */
void api_export_csv_row(FILE *out, const struct insp_record *record);

/* The JSON form of an inspection as in lists, and "\n". -1: no memory; errors of the stream are the stream's. */
int api_export_json_row(FILE *out, const struct insp_record *record);

#endif
