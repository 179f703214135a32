/* core/base/base64.h - encode and decode base64 (RFC 4648, with padding) by Nettle. Any thread. */
#ifndef INSP_BASE_BASE64_H
#define INSP_BASE_BASE64_H

#include "core/base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Encodes `bytes` bytes. *ret_text ends in a NUL and is the caller's (free). Fails with INSP_E_NOMEM. */
int insp_base64_encode(const void *data, size_t bytes, char **ret_text, struct insp_error *reterr);

/* Decodes a text that stands for exactly `bytes` bytes. Returns false, and writes nothing, for another length,
 * for malformed base64 and without memory. */
bool insp_base64_decode(const char *text, void *ret_data, size_t bytes);

/* Decodes a text of `length` characters, which needs no NUL at its end; white space inside it is skipped.
 * *ret_data is the caller's (free). Fails with INSP_E_PARAMETER for malformed base64, INSP_E_NOMEM. */
int insp_base64_decode_new(const char *text, size_t length, uint8_t **ret_data, size_t *ret_bytes,
                           struct insp_error *reterr);

#endif
