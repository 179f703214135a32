/* core/base/base64.h - base64 (RFC 4648, with padding), by Nettle. Any thread. */
#ifndef INSP_BASE_BASE64_H
#define INSP_BASE_BASE64_H

#include "core/base/error.h"

#include <stddef.h>

/* *ret_text is the caller's (free), ends in a NUL. INSP_E_NOMEM. */
int insp_base64_encode(const void *data, size_t bytes, char **ret_text, struct insp_error *reterr);

/* Decodes a text of exactly `bytes` bytes; false for any other length and for what is no base64. */
bool insp_base64_decode(const char *text, void *ret_data, size_t bytes);

#endif
