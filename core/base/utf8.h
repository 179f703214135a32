/* core/base/utf8.h - texts for JSON and the log, whatever bytes they were made of: file names may be in any
 * encoding. Pure; any thread. */
#ifndef INSP_BASE_UTF8_H
#define INSP_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads one character of a NUL-terminated text by RFC 3629 (no overlong forms, no surrogates). Returns its bytes,
 * 1 to 4, or 0 where the text is malformed; never reads behind the NUL. */
size_t insp_utf8_step(const char *text, uint32_t *ret);

/* Says whether a character shows itself as what it is: no control character (C0, DEL, C1), no line or paragraph
 * separator, none of the marks that turn the direction of the text around them, no zero-width ones. */
bool insp_utf8_visible(uint32_t character);

/* Replaces each byte that is no part of a well-formed UTF-8 sequence (RFC 3629) by '?', and drops a sequence that
 * was cut off at the end. In place; pure. */
void insp_utf8_clean(char *text);

#endif
