/* api/inspections/export_rows.h - writes one inspection as a line of CSV or of JSON. Any thread. */
#ifndef INSP_API_INSPECTIONS_EXPORT_ROWS_H
#define INSP_API_INSPECTIONS_EXPORT_ROWS_H

#include "core/store/store.h"

#include <stdio.h>

/* The header row with its line end (RFC 4180: comma, quotes doubled, CRLF); UTF-8 without a byte order mark. */
extern const char api_export_csv_header[];

/* Writes one row. Times are RFC 3339; a missing value is an empty cell. A ' goes in front of each text that a
 * spreadsheet would run as a formula (OWASP, "CSV Injection"): = + - @ or their full-width forms, a tab or a
 * carriage return at its beginning, or behind a semicolon, tab or line end inside it. Errors are the stream's:
 * ferror(). */
void api_export_csv_row(FILE *out, const struct insp_record *record);

/* Writes the JSON form of an inspection and "\n". Returns 0, or -1 without memory and for errors of the stream. */
int api_export_json_row(FILE *out, const struct insp_record *record);

#endif
