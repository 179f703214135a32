/* core/base/uuid.h - make and check UUIDs of version 7 (RFC 9562). They sort by time, so they are the key for
 * lists with the newest first. Own code, because libuuid knows version 7 only from 2.41 on, newer than both
 * supported Debians. */
#ifndef INSP_BASE_UUID_H
#define INSP_BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>

enum { INSP_UUID_BYTES = 37 };

/* Writes 36 lower-case characters and a NUL; out has INSP_UUID_BYTES bytes. The ids of one process strictly
 * increase: within a millisecond the 12-bit field rand_a counts up (RFC 9562, method 1). Aborts if the kernel
 * gives no random bytes. Any thread. */
void insp_uuid7(char *out);

/* Makes all later ids sort behind those of this millisecond (since 1970), even if the clock was set back. Any
 * thread. */
void insp_uuid7_after(int64_t ms);

/* Says whether a text has 36 characters of the form 8-4-4-4-12, lower-case hexadecimal digits. Checks neither
 * version nor variant. */
bool insp_uuid_valid(const char *text);

#endif
