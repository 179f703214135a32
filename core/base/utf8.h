/* core/base/utf8.h - check and clean UTF-8 for JSON and the log. Texts may hold any bytes: file names have no
 * fixed encoding. Pure; any thread. */
#ifndef INSP_BASE_UTF8_H
#define INSP_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes one character of a NUL-terminated text by RFC 3629 (no overlong forms, no surrogates). Returns its
 * number of bytes, 1 to 4, or 0 if the text is malformed; never reads past the NUL. */
size_t insp_utf8_step(const char *text, uint32_t *ret);

/* Says whether a character is one of the 66 that Unicode will never assign, such as U+FFFE. Brokers refuse topics
 * with them. */
bool insp_utf8_noncharacter(uint32_t character);

/* Says whether a character is visible as itself: not a control character (C0, DEL, C1), a line or paragraph
 * separator, a soft hyphen, a mark that changes the direction of the text around it, a zero-width one, nor a
 * noncharacter. */
bool insp_utf8_visible(uint32_t character);

/* Replaces, in place, each byte that belongs to no well-formed UTF-8 sequence by '?', and drops an incomplete
 * sequence at the end. */
void insp_utf8_clean(char *text);

#endif
