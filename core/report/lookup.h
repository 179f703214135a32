/* core/report/lookup.h - reading a report that may lack anything. Pure; any thread. */
#ifndef INSP_REPORT_LOOKUP_H
#define INSP_REPORT_LOOKUP_H

#include <jansson.h>

/* What lies below a path of keys with dots between ("metrics.recall"), borrowed; NULL where nothing does. "" is
 * the object itself. */
const json_t *insp_lookup(const json_t *object, const char *path);

/* The number there, NaN where there is none. */
double insp_lookup_number(const json_t *object, const char *path);

/* The text there, "" where there is none. */
const char *insp_lookup_text(const json_t *object, const char *path);

#endif
