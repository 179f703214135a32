/* api/http/fields.h - parses HTTP field values (RFC 9110, section 5.6): lists, tokens, quoted strings, parameters.
 * Pure; any thread. Spans need no NUL at their end, so the functions also parse headers of parts inside a body. */
#ifndef INSP_API_HTTP_FIELDS_H
#define INSP_API_HTTP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

/* A borrowed piece of a text. */
struct api_span {
    const char *at;
    size_t bytes;
};

/* Returns the span of a NUL-terminated text; NULL gives an empty one. */
struct api_span api_span_of(const char *text);

/* Removes blanks and tabs at both ends. */
struct api_span api_span_trim(struct api_span span);

/* Says whether the span equals a NUL-terminated text; ASCII letters in any case. */
bool api_span_is(struct api_span span, const char *text);

/* Says whether the span is a token: one or more letters, digits and !#$%&'*+-.^_`|~ */
bool api_field_is_token(struct api_span span);

/* Cuts the next element off a comma-separated list and trims it. Commas inside quoted strings do not separate;
 * empty elements are skipped. Returns false at the end of the list. */
bool api_field_next(struct api_span *list, struct api_span *ret);

/* Cuts off the value before the parameters: the trimmed text before the first ";". `rest` begins with that ";"
 * afterwards. */
struct api_span api_field_head(struct api_span *rest);

/* Reads the next ";name=value" of `rest`. Skips empty parameters and accepts blanks around ";" and "=".
 *   ret_name   the name, inside `rest`
 *   ret_value  the value, unescaped if it was a quoted string; value_bytes bytes. "" if it does not fit
 * Returns 1 for a parameter, 0 at the end, -1 for other text. */
int api_field_parameter(struct api_span *rest, struct api_span *ret_name, char *ret_value, size_t value_bytes);

#endif
