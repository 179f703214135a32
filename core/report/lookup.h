/* core/report/lookup.h - looks up values in a report in which any member may be missing. Pure; any thread. */
#ifndef INSP_REPORT_LOOKUP_H
#define INSP_REPORT_LOOKUP_H

#include <jansson.h>

/* Returns the value at a path of keys separated by dots ("metrics.recall"), borrowed; NULL if there is none. ""
 * returns the object itself. */
const json_t *insp_lookup(const json_t *object, const char *path);

/* Returns the number at a path, or NaN. */
double insp_lookup_number(const json_t *object, const char *path);

/* Returns the string at a path, borrowed, or "". */
const char *insp_lookup_text(const json_t *object, const char *path);

#endif
