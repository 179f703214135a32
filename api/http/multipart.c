#include "api/http/multipart.h"

#include "api/http/fields.h"

#include <stdio.h>
#include <string.h>

enum { BOUNDARY_MAX = 70, TYPE_BYTES = 128, NAME_BYTES = 128 }; /* RFC 2046 allows 70 */

bool api_multipart_is(const char *content_type) {
    struct api_span rest = api_span_of(content_type);
    return api_span_is(api_field_head(&rest), "multipart/form-data");
}

/* Reads the parameter `wanted`; false if it is missing or malformed. */
static bool parameter(struct api_span rest, const char *wanted, char *ret, size_t bytes) {
    struct api_span name;
    while (api_field_parameter(&rest, &name, ret, bytes) == 1)
        if (api_span_is(name, wanted))
            return true;
    return false;
}

/* Makes the delimiter: line end, two dashes and the boundary. Returns its length; 0 without a boundary. */
static size_t delimiter_of(const char *content_type, char *out) {
    struct api_span rest = api_span_of(content_type);
    char boundary[BOUNDARY_MAX + 1];
    api_field_head(&rest);
    if (!parameter(rest, "boundary", boundary, sizeof boundary) || !boundary[0])
        return 0;
    size_t length = strlen(boundary);
    memcpy(out, "\r\n--", 4);
    memcpy(out + 4, boundary, length);
    return length + 4;
}

struct reader {
    const char *at, *end; /* the rest of the body */
    const char *delimiter;
    size_t length;
};

/* Returns the end of a delimiter's line: after blanks and CRLF, or after the two dashes of the last delimiter.
 * NULL if the delimiter is only the beginning of a longer text, as "--b" is of "--boundary". */
static const char *line_end(const struct reader *reader, const char *behind, bool *ret_last) {
    *ret_last = reader->end - behind >= 2 && !memcmp(behind, "--", 2);
    if (*ret_last)
        return behind + 2;
    while (behind < reader->end && (*behind == ' ' || *behind == '\t'))
        behind++;
    return reader->end - behind >= 2 && !memcmp(behind, "\r\n", 2) ? behind + 2 : NULL;
}

/* Skips the next delimiter, which begins at *ret_content_end. False if there is none. */
static bool next_delimiter(struct reader *reader, const char **ret_content_end, bool *ret_last) {
    const char *from = reader->at;
    for (;;) {
        const char *found = memmem(from, (size_t)(reader->end - from), reader->delimiter, reader->length);
        if (!found)
            return false;
        const char *behind = line_end(reader, found + reader->length, ret_last);
        if (behind) {
            *ret_content_end = found;
            reader->at = behind;
            return true;
        }
        from = found + 1;
    }
}

/* Finds the value of a header in the head of a part; empty if it is missing. */
static struct api_span header(struct api_span head, const char *name) {
    size_t wanted = strlen(name);
    while (head.bytes) {
        const char *end = memmem(head.at, head.bytes, "\r\n", 2);
        size_t line = end ? (size_t)(end - head.at) : head.bytes, step = end ? line + 2 : line;
        if (line > wanted && head.at[wanted] == ':' && !strncasecmp(head.at, name, wanted))
            return api_span_trim((struct api_span){head.at + wanted + 1, line - wanted - 1});
        head = (struct api_span){head.at + step, head.bytes - step};
    }
    return head;
}

static bool named(struct api_span head, const char *name) {
    struct api_span rest = header(head, "Content-Disposition");
    char value[NAME_BYTES];
    return api_span_is(api_field_head(&rest), "form-data") && parameter(rest, "name", value, sizeof value) &&
           !strcmp(value, name);
}

/* Refuses encodings that change the bytes. RFC 7578 deprecates the header, but clients still send harmless
 * values. */
static int check_encoding(struct api_span head, const char *name, struct insp_error *reterr) {
    struct api_span encoding = header(head, "Content-Transfer-Encoding");
    if (!encoding.bytes || api_span_is(encoding, "binary") || api_span_is(encoding, "8bit") ||
        api_span_is(encoding, "7bit"))
        return 0;
    return insp_fail(
        reterr, INSP_E_MEDIA_TYPE,
        "Content-Transfer-Encoding \"%.*s\" of part \"%s\" is not accepted: send its bytes without a coding",
        (int)(encoding.bytes < 40 ? encoding.bytes : 40), encoding.at, name);
}

/* Splits a part, [from, to), into its head (the header lines) and its content. */
static bool split_part(const char *from, const char *to, struct api_span *ret_head, const char **ret_content) {
    size_t bytes = (size_t)(to - from);
    if (bytes >= 2 && !memcmp(from, "\r\n", 2)) { /* no headers at all */
        *ret_head = (struct api_span){from, 0};
        *ret_content = from + 2;
        return true;
    }
    const char *blank = memmem(from, bytes, "\r\n\r\n", 4);
    if (!blank)
        return false;
    *ret_head = (struct api_span){from, (size_t)(blank - from)};
    *ret_content = blank + 4;
    return true;
}

int api_multipart_find(const char *content_type, const void *body, size_t bytes, const char *name,
                       size_t *ret_offset, size_t *ret_bytes, char *ret_type, struct insp_error *reterr) {
    char delimiter[BOUNDARY_MAX + 4];
    const char *start = body, *content_end;
    struct reader reader = {start, start + bytes, delimiter, delimiter_of(content_type, delimiter)};
    bool last = false;
    if (!reader.length)
        return insp_fail(reterr, INSP_E_REQUEST, "multipart/form-data needs a boundary of 1 to %d characters",
                         BOUNDARY_MAX);
    /* The first delimiter may be at the very beginning, without its line end. */
    const char *first = bytes >= reader.length - 2 && !memcmp(start, delimiter + 2, reader.length - 2)
                            ? line_end(&reader, start + reader.length - 2, &last)
                            : NULL;
    bool found = first != NULL;
    if (found)
        reader.at = first;
    else
        found = next_delimiter(&reader, &content_end, &last);
    while (found && !last) {
        const char *part = reader.at, *content;
        struct api_span head;
        reader.at -= 2; /* the line end of a part's head may be that of the next delimiter: the part is empty */
        if (!next_delimiter(&reader, &content_end, &last))
            return insp_fail(reterr, INSP_E_REQUEST, "the multipart body ends inside a part");
        if (content_end < part || !split_part(part, content_end, &head, &content) || !named(head, name))
            continue;
        struct api_span type = header(head, "Content-Type");
        *ret_offset = (size_t)(content - start);
        *ret_bytes = (size_t)(content_end - content);
        snprintf(ret_type, TYPE_BYTES, "%.*s", type.bytes < TYPE_BYTES ? (int)type.bytes : 0, type.at);
        return check_encoding(head, name, reterr);
    }
    return insp_fail(reterr, INSP_E_REQUEST, "the multipart body has no part named \"%s\"", name);
}
