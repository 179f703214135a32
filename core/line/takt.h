/* core/line/takt.h - read the takt of a product: the time after which a verdict is late. Pure; any thread.
 *
 * The text is the setting line.takt, "carpet=800, bottle=350, *=2000": milliseconds by product. The entry * is for
 * all products without an entry. */
#ifndef INSP_LINE_TAKT_H
#define INSP_LINE_TAKT_H

#include "core/base/error.h"

#include <stdint.h>

enum { INSP_TAKT_MS_MAX = 600000 };

/* Checks the form. Fails with INSP_E_CONFIG for an entry that is not name=value, whose name is neither a product's
 * (insp_name_valid) nor *, whose value is not 1 to INSP_TAKT_MS_MAX, and for a product that has two. */
int insp_takt_check(const char *text, struct insp_error *reterr);

/* Returns the takt of a product in microseconds; 0: none, or the text is wrong. */
int64_t insp_takt_us(const char *text, const char *product);

#endif
