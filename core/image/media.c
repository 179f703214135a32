/* core/image/media.c - parse Content-Type values (RFC 9110 section 8.3) of accepted images. */
#include "core/image/image.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char ACCEPTED[] =
    "image/jpeg, image/png and image/x-raw;format=mono8|rgb8|bgr8;width=W;height=H are accepted";

static const char *const RAW_FORMAT[] = {
    [INSP_RAW_MONO8] = "mono8", [INSP_RAW_RGB8] = "rgb8", [INSP_RAW_BGR8] = "bgr8"};

static const struct {
    const char *name, *extension;
} MEDIA[] = {
    [INSP_MEDIA_UNKNOWN] = {"application/octet-stream", "bin"},
    [INSP_MEDIA_JPEG] = {"image/jpeg", "jpg"},
    [INSP_MEDIA_PNG] = {"image/png", "png"},
    [INSP_MEDIA_RAW] = {"image/x-raw", "raw"},
};

const char *insp_media_name(enum insp_media media) {
    return MEDIA[media].name;
}

const char *insp_media_extension(enum insp_media media) {
    return MEDIA[media].extension;
}

struct parameter {
    char name[16], value[32];
};

static void skip_space(const char **at) {
    while (**at == ' ' || **at == '\t')
        (*at)++;
}

/* Matches tchar of RFC 9110 section 5.6.2. */
static bool is_token(char c) {
    return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* Copies a token into out of `size` bytes; returns false if there is none. A longer token becomes "", which
 * matches nothing. */
static bool read_token(const char **at, char *out, size_t size) {
    size_t length = 0;
    const char *start = *at;
    for (; is_token(**at); (*at)++) {
        if (length + 1 < size)
            out[length++] = **at;
    }
    if ((size_t)(*at - start) >= size)
        length = 0;
    out[length] = 0;
    return *at != start;
}

static bool read_quoted(const char **at, char *out, size_t size) {
    size_t length = 0, seen = 0;
    (*at)++;
    while (**at && **at != '"') {
        if (**at == '\\' && (*at)[1])
            (*at)++;
        if (++seen < size)
            out[length++] = **at;
        (*at)++;
    }
    out[seen < size ? length : 0] = 0;
    if (**at != '"')
        return false;
    (*at)++;
    return true;
}

/* Reads one parameter. Returns 1 after a parameter, 0 at the end, -1 if there is something else. */
static int read_parameter(const char **at, struct parameter *ret) {
    for (;;) { /* the grammar allows empty parameters */
        skip_space(at);
        if (!**at)
            return 0;
        if (**at != ';')
            return -1;
        (*at)++;
        skip_space(at);
        if (**at && **at != ';')
            break;
    }
    if (!read_token(at, ret->name, sizeof ret->name) || *(*at)++ != '=')
        return -1;
    bool read = **at == '"' ? read_quoted(at, ret->value, sizeof ret->value)
                            : read_token(at, ret->value, sizeof ret->value);
    return read ? 1 : -1;
}

static bool parse_side(const char *text, uint32_t *ret) {
    uint64_t value = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (!isdigit((unsigned char)*text))
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
        if (value > UINT32_MAX)
            return false;
    }
    *ret = (uint32_t)value;
    return value > 0;
}

static bool parse_format(const char *text, enum insp_raw_format *ret) {
    for (size_t i = 0; i < INSP_COUNT(RAW_FORMAT); i++) {
        if (!strcasecmp(text, RAW_FORMAT[i])) {
            *ret = (enum insp_raw_format)i;
            return true;
        }
    }
    return false;
}

enum { SEEN_FORMAT = 1, SEEN_WIDTH = 2, SEEN_HEIGHT = 4, SEEN_ALL = 7 };

/* Applies one parameter of image/x-raw to *type; ignores unknown ones, as RFC 9110 allows. */
static int apply_raw_parameter(const struct parameter *p, struct insp_media_type *type, unsigned *seen,
                               struct insp_error *reterr) {
    unsigned which;
    bool good;
    if (!strcasecmp(p->name, "format")) {
        which = SEEN_FORMAT;
        good = parse_format(p->value, &type->raw_format);
    } else if (!strcasecmp(p->name, "width")) {
        which = SEEN_WIDTH;
        good = parse_side(p->value, &type->raw_width);
    } else if (!strcasecmp(p->name, "height")) {
        which = SEEN_HEIGHT;
        good = parse_side(p->value, &type->raw_height);
    } else {
        return 0;
    }
    if (!good)
        return insp_fail(reterr, INSP_E_MEDIA_TYPE, "image/x-raw: %s cannot be \"%s\"; %s", p->name, p->value,
                         ACCEPTED);
    if (*seen & which)
        return insp_fail(reterr, INSP_E_MEDIA_TYPE, "image/x-raw: %s is given twice", p->name);
    *seen |= which;
    return 0;
}

static enum insp_media media_of(const char *type, const char *subtype) {
    if (strcasecmp(type, "image") != 0)
        return INSP_MEDIA_UNKNOWN;
    if (!strcasecmp(subtype, "jpeg") ||
        !strcasecmp(subtype, "jpg")) /* jpg is not registered, but common on cameras */
        return INSP_MEDIA_JPEG;
    if (!strcasecmp(subtype, "png"))
        return INSP_MEDIA_PNG;
    return !strcasecmp(subtype, "x-raw") ? INSP_MEDIA_RAW : INSP_MEDIA_UNKNOWN;
}

int insp_media_parse(const char *content_type, struct insp_media_type *ret, struct insp_error *reterr) {
    if (!content_type || !*content_type)
        return insp_fail(reterr, INSP_E_MEDIA_TYPE, "the Content-Type is missing; %s", ACCEPTED);
    const char *at = content_type;
    char type[16] = "", subtype[32] = "";
    struct insp_media_type result = {0};
    skip_space(&at);
    if (read_token(&at, type, sizeof type) && *at == '/') {
        at++;
        read_token(&at, subtype, sizeof subtype);
        result.media = media_of(type, subtype);
    }
    if (result.media == INSP_MEDIA_UNKNOWN)
        return insp_fail(reterr, INSP_E_MEDIA_TYPE, "\"%.80s\" is not supported; %s", content_type, ACCEPTED);

    struct parameter parameter;
    unsigned seen = 0;
    int more;
    while ((more = read_parameter(&at, &parameter)) > 0) {
        int code = result.media == INSP_MEDIA_RAW ? apply_raw_parameter(&parameter, &result, &seen, reterr) : 0;
        if (code)
            return code;
    }
    if (more < 0)
        return insp_fail(reterr, INSP_E_MEDIA_TYPE, "\"%.80s\" has a malformed parameter; %s", content_type,
                         ACCEPTED);
    if (result.media == INSP_MEDIA_RAW && seen != SEEN_ALL)
        return insp_fail(reterr, INSP_E_MEDIA_TYPE, "image/x-raw needs format, width and height; %s", ACCEPTED);
    *ret = result;
    return 0;
}
