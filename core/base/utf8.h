/* core/base/utf8.h - texts for JSON, whatever bytes they were made of: file names may be in any encoding. */
#ifndef INSP_BASE_UTF8_H
#define INSP_BASE_UTF8_H

/* Replaces each byte that is no part of a well-formed UTF-8 sequence (RFC 3629) by '?', and drops a sequence that
 * was cut off at the end. In place; pure. */
void insp_utf8_clean(char *text);

#endif
