/* core/base/sha256.h - SHA-256 as lower-case hex, by Nettle (FIPS 180-4). Any thread. */
#ifndef INSP_BASE_SHA256_H
#define INSP_BASE_SHA256_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { INSP_SHA256_HEX_BYTES = 65 };

/* out has INSP_SHA256_HEX_BYTES bytes. */
void insp_sha256_hex(const void *data, size_t bytes, char *out);

/* Hashes a whole file in 1 MiB steps; blocks on the disk. Fails with INSP_E_IO and the other errno codes. */
int insp_sha256_file(const char *path, char *ret_hex, struct insp_error *reterr);

/* The same from where fd stands to the end of the file; name is for messages. */
int insp_sha256_fd(int fd, const char *name, char *ret_hex, struct insp_error *reterr);

/* True for exactly 64 lower-case hexadecimal digits: such a text is safe as a file name. */
bool insp_sha256_hex_valid(const char *text);

/* Compares n bytes in a time that depends on n only. */
bool insp_equal_constant_time(const void *a, const void *b, size_t n);

#endif
