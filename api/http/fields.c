#include "api/http/fields.h"

#include <string.h>
#include <strings.h>

struct api_span api_span_of(const char *text) {
    return (struct api_span){text, text ? strlen(text) : 0};
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static void skip(struct api_span *span, size_t bytes) {
    span->at += bytes;
    span->bytes -= bytes;
}

static void skip_blanks(struct api_span *span) {
    while (span->bytes && is_blank(*span->at))
        skip(span, 1);
}

struct api_span api_span_trim(struct api_span span) {
    skip_blanks(&span);
    while (span.bytes && is_blank(span.at[span.bytes - 1]))
        span.bytes--;
    return span;
}

bool api_span_is(struct api_span span, const char *text) {
    return span.bytes == strlen(text) && (!span.bytes || !strncasecmp(span.at, text, span.bytes));
}

/* Does not use isalnum, which depends on the locale. */
static bool is_tchar(char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t token_bytes(struct api_span span) {
    size_t bytes = 0;
    while (bytes < span.bytes && is_tchar(span.at[bytes]))
        bytes++;
    return bytes;
}

bool api_field_is_token(struct api_span span) {
    return span.bytes && token_bytes(span) == span.bytes;
}

/* Counts the bytes before the first `stop` outside a quoted string. */
static size_t until(struct api_span span, char stop) {
    bool quoted = false;
    for (size_t i = 0; i < span.bytes; i++) {
        if (quoted && span.at[i] == '\\')
            i++;
        else if (span.at[i] == '"')
            quoted = !quoted;
        else if (!quoted && span.at[i] == stop)
            return i;
    }
    return span.bytes;
}

bool api_field_next(struct api_span *list, struct api_span *ret) {
    while (list->bytes) {
        size_t bytes = until(*list, ',');
        struct api_span element = api_span_trim((struct api_span){list->at, bytes});
        skip(list, bytes < list->bytes ? bytes + 1 : bytes);
        if (element.bytes) {
            *ret = element;
            return true;
        }
    }
    return false;
}

struct api_span api_field_head(struct api_span *rest) {
    size_t bytes = until(*rest, ';');
    struct api_span head = api_span_trim((struct api_span){rest->at, bytes});
    skip(rest, bytes);
    return head;
}

/* Appends a character if it fits; `used` counts also those that do not. */
static void put(char c, char *out, size_t room, size_t *used) {
    if (*used + 1 < room)
        out[*used] = c;
    (*used)++;
}

static bool take_quoted(struct api_span *rest, char *out, size_t room, size_t *used) {
    skip(rest, 1);
    while (rest->bytes && *rest->at != '"') {
        if (*rest->at == '\\' && rest->bytes > 1)
            skip(rest, 1);
        put(*rest->at, out, room, used);
        skip(rest, 1);
    }
    if (!rest->bytes)
        return false;
    skip(rest, 1);
    return true;
}

static bool take_value(struct api_span *rest, char *out, size_t room) {
    size_t used = 0;
    bool read;
    if (rest->bytes && *rest->at == '"') {
        read = take_quoted(rest, out, room, &used);
    } else {
        size_t bytes = token_bytes(*rest);
        for (size_t i = 0; i < bytes; i++)
            put(rest->at[i], out, room, &used);
        skip(rest, bytes);
        read = bytes > 0;
    }
    out[used < room ? used : 0] = 0;
    return read;
}

int api_field_parameter(struct api_span *rest, struct api_span *ret_name, char *ret_value, size_t value_bytes) {
    for (;;) {
        skip_blanks(rest);
        if (!rest->bytes)
            return 0;
        if (*rest->at != ';')
            return -1;
        skip(rest, 1);
        skip_blanks(rest);
        if (rest->bytes && *rest->at != ';')
            break;
    }
    *ret_name = (struct api_span){rest->at, token_bytes(*rest)};
    skip(rest, ret_name->bytes);
    skip_blanks(rest);
    if (!ret_name->bytes || !rest->bytes || *rest->at != '=')
        return -1;
    skip(rest, 1);
    skip_blanks(rest);
    return take_value(rest, ret_value, value_bytes) ? 1 : -1;
}
