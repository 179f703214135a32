/* core/base/uuid.h - UUID version 7 (RFC 9562): sorts by time, so it is the key that "newest first"
 * walks. Own code because libuuid knows version 7 only from 2.41 on, newer than both Debians. */
#ifndef INSP_BASE_UUID_H
#define INSP_BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>

enum { INSP_UUID_BYTES = 37 };

/* Writes 36 lower-case characters and a NUL. Any thread. Ids made by one process are strictly
 * increasing: within a millisecond the 12-bit rand_a field counts up (RFC 9562, method 1). */
void insp_uuid7(char *out);

/* Makes all later ids sort behind those of this millisecond, whatever the clock says. Any thread. */
void insp_uuid7_after(int64_t ms);

/* True for 36 lower-case characters of the form 8-4-4-4-12. */
bool insp_uuid_valid(const char *text);

#endif
