/* core/base/sha256.h - compute SHA-256 (FIPS 180-4) as lower-case hexadecimal digits by Nettle. Any thread. */
#ifndef INSP_BASE_SHA256_H
#define INSP_BASE_SHA256_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { INSP_SHA256_HEX_BYTES = 65 };

/* Hashes bytes in memory. out has INSP_SHA256_HEX_BYTES bytes. */
void insp_sha256_hex(const void *data, size_t bytes, char *out);

/* Hashes a whole file in steps of 1 MiB; blocks on the disk. ret_hex has INSP_SHA256_HEX_BYTES bytes. Fails
 * with INSP_E_NOMEM, INSP_E_IO or INSP_E_PERMISSION. */
int insp_sha256_file(const char *path, char *ret_hex, struct insp_error *reterr);

/* Hashes a file from fd's present offset to its end. name appears in error details only. */
int insp_sha256_fd(int fd, const char *name, char *ret_hex, struct insp_error *reterr);

/* Says whether a text is exactly 64 lower-case hexadecimal digits, and thus safe as a file name. */
bool insp_sha256_hex_valid(const char *text);

/* Compares n bytes in a time that depends on n alone, as for secrets. Returns true if they are equal. */
bool insp_equal_constant_time(const void *a, const void *b, size_t n);

#endif
