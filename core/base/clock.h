/* core/base/clock.h - read the clocks, write and parse RFC 3339 times. Any thread; nothing blocks.
 *   monotonic  for durations and deadlines: microseconds since an arbitrary start
 *   wall       for records: microseconds since 1970-01-01T00:00:00Z */
#ifndef INSP_BASE_CLOCK_H
#define INSP_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

int64_t insp_mono_us(void); /* monotonic clock */
int64_t insp_wall_us(void); /* wall clock */

/* Returns the processor time that all threads of this process have used, in microseconds: the cost of work on a
 * machine that does other work too. */
int64_t insp_cpu_us(void);

enum { INSP_RFC3339_BYTES = 32 };

/* Writes "2026-11-24T20:27:20.123Z" (UTC, milliseconds rounded down). out has INSP_RFC3339_BYTES bytes. */
void insp_rfc3339(int64_t wall_us, char *out);

/* Parses an RFC 3339 time with any offset and 0 to 9 fraction digits; digits below a microsecond are dropped.
 * Returns false, and writes nothing, for any other text. */
bool insp_rfc3339_parse(const char *text, int64_t *ret_wall_us);

#endif
