#include "api/http/multipart.h"

#include <stdio.h>
#include <string.h>

enum { BOUNDARY_MAX = 70, TYPE_BYTES = 128 }; /* RFC 2046 allows 70 */

bool api_multipart_is(const char *content_type) {
    return content_type && !strncasecmp(content_type, "multipart/form-data", 19) &&
           (!content_type[19] || strchr("; \t", content_type[19]));
}

/* "boundary=" value, quoted or not -> "\r\n--value". 0 where there is none. */
static size_t delimiter_of(const char *content_type, char *out) {
    const char *at = strcasestr(content_type, "boundary=");
    if (!at)
        return 0;
    at += 9;
    size_t length = *at == '"' ? strcspn(++at, "\"") : strcspn(at, "; \t");
    if (!length || length > BOUNDARY_MAX)
        return 0;
    memcpy(out, "\r\n--", 4);
    memcpy(out + 4, at, length);
    return length + 4;
}

/* The value of one header line of a part's head, or NULL; *ret_length excludes the line end. */
static const char *header(const char *head, size_t bytes, const char *name, size_t *ret_length) {
    size_t wanted = strlen(name);
    while (bytes) {
        const char *end = memmem(head, bytes, "\r\n", 2);
        size_t line = end ? (size_t)(end - head) : bytes;
        if (line > wanted && head[wanted] == ':' && !strncasecmp(head, name, wanted)) {
            const char *value = head + wanted + 1;
            while (value < head + line && *value == ' ')
                value++;
            *ret_length = (size_t)(head + line - value);
            return value;
        }
        size_t step = end ? line + 2 : bytes;
        head += step;
        bytes -= step;
    }
    return NULL;
}

static bool named(const char *head, size_t bytes, const char *name) {
    size_t length;
    char wanted[80];
    const char *value = header(head, bytes, "Content-Disposition", &length);
    if (!value)
        return false;
    snprintf(wanted, sizeof wanted, " name=\"%s\"", name);
    if (memmem(value, length, wanted, strlen(wanted)))
        return true;
    snprintf(wanted, sizeof wanted, ";name=\"%s\"", name);
    return memmem(value, length, wanted, strlen(wanted));
}

int api_multipart_find(const char *content_type, const void *body, size_t bytes, const char *name,
                       size_t *ret_offset, size_t *ret_bytes, char *ret_type, struct insp_error *reterr) {
    char delimiter[BOUNDARY_MAX + 4];
    size_t length = delimiter_of(content_type, delimiter);
    const char *start = body, *end = start + bytes;
    if (!length)
        return insp_fail(reterr, INSP_E_REQUEST, "multipart/form-data without a boundary");
    /* The first delimiter may stand at the very start, without its line end. */
    const char *at = bytes >= length - 2 && !memcmp(start, delimiter + 2, length - 2)
                         ? start + length - 2
                         : memmem(start, bytes, delimiter, length);
    if (at && at != start + length - 2)
        at += length;
    while (at && end - at >= 2 && memcmp(at, "--", 2)) {
        const char *head = memmem(at, (size_t)(end - at), "\r\n", 2);
        const char *content = head ? memmem(head, (size_t)(end - head), "\r\n\r\n", 4) : NULL;
        const char *next = content ? memmem(content + 2, (size_t)(end - content - 2), delimiter, length) : NULL;
        if (!next)
            return insp_fail(reterr, INSP_E_REQUEST, "the multipart body ends inside a part");
        size_t head_bytes = content > head ? (size_t)(content - head - 2) : 0, type_bytes = 0;
        if (named(head + 2, head_bytes, name) && next >= content + 4) {
            const char *type = header(head + 2, head_bytes, "Content-Type", &type_bytes);
            *ret_offset = (size_t)(content + 4 - start);
            *ret_bytes = (size_t)(next - content - 4);
            snprintf(ret_type, TYPE_BYTES, "%.*s", (int)(type_bytes < TYPE_BYTES ? type_bytes : 0),
                     type ? type : "");
            return 0;
        }
        at = next + length;
    }
    return insp_fail(reterr, INSP_E_REQUEST, "the multipart body has no part named \"%s\"", name);
}
