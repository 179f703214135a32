/* api/http/fields.h - pieces of HTTP field values (RFC 9110, section 5.6): lists, tokens, quoted strings,
 * parameters. Pure; any thread. Nothing here needs a NUL at the end, so the same functions read headers and the
 * heads of parts inside a body. */
#ifndef INSP_API_HTTP_FIELDS_H
#define INSP_API_HTTP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes inside a text that somebody else owns. */
struct api_span {
    const char *at;
    size_t bytes;
};

/* The span of a NUL-terminated text; NULL is empty. */
struct api_span api_span_of(const char *text);
/* Without the blanks and tabs at both ends. */
struct api_span api_span_trim(struct api_span span);
/* Compares with a NUL-terminated text, without regard to the case of ASCII letters. */
bool api_span_is(struct api_span span, const char *text);

/* Says whether the span is one token: at least one character, and none but letters, digits and !#$%&'*+-.^_`|~ */
bool api_field_is_token(struct api_span span);

/* Cuts the next element off a comma-separated list; a comma inside a quoted string separates nothing. The element
 * is trimmed, and empty ones are passed over. Returns false at the end of the list. */
bool api_field_next(struct api_span *list, struct api_span *ret);

/* Cuts the text before the first ";" off, trimmed: the value in front of its parameters. */
struct api_span api_field_head(struct api_span *rest);

/* Reads the next ";name=value" of `rest`.
 *   ret_name   the name, inside `rest`
 *   ret_value  the value, unescaped where it was a quoted string, NUL-terminated; room: value_bytes. "" if it
 * would not fit Empty parameters are passed over, and blanks around ";" and "=" are accepted. Returns 1 for a
 * parameter, 0 at the end, -1 for a text that is neither. */
int api_field_parameter(struct api_span *rest, struct api_span *ret_name, char *ret_value, size_t value_bytes);

#endif
