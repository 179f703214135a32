#include "api/http/framing.h"

#include "api/access/hosts.h"
#include "api/http/fields.h"
#include "core/base/cleanup.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Fields that may occur once: of two, another reader may use the other one. */
static const char *const single[] = {"Authorization", "Content-Type", "Origin", "Sec-Fetch-Site"};

static bool version_0_9(void) {
    return !strncmp(MHD_get_version(), "0.9.", 4);
}

struct reading {
    struct api_framing *framing;
    unsigned seen[INSP_COUNT(single)];
    bool moves_names; /* this libmicrohttpd appends a folded line to the name of its field */
};

/* Says whether a value has no control characters (RFC 9110, section 5.5). Some readers end a line at a bare CR. */
static bool value_clean(const char *value) {
    for (; *value; value++)
        if (((unsigned char)*value < 0x20 && *value != '\t') || *value == 0x7f)
            return false;
    return true;
}

/* Says whether a field is on one line. libmicrohttpd 0.9 appends the continuation of a folded line to the *name*
 * of its field: it reads "Content-: 5\r\n Length" as Content-Length: 5 and copies the name elsewhere. On a plain
 * line the name is in front of its value, with only the colon and blanks between them. */
static bool in_one_line(const char *name, const char *value) {
    size_t length = strlen(name);
    if (value <= name + length || (size_t)(value - name) > length + API_HEADERS_BYTES_MAX)
        return false;
    for (const char *at = name + length + 1; at < value; at++)
        if (*at != ' ' && *at != '\t')
            return false;
    return true;
}

static enum MHD_Result read_field(void *arg, enum MHD_ValueKind kind, const char *name, const char *value) {
    struct reading *reading = arg;
    struct api_framing *framing = reading->framing;
    (void)kind;
    if (!value)
        value = "";
    if (!api_field_is_token(api_span_of(name)) || !value_clean(value) ||
        (reading->moves_names && *value && !in_one_line(name, value)))
        framing->malformed = name;
    if (!strcasecmp(name, "Host") && !framing->hosts++)
        framing->host = value;
    if (!strcasecmp(name, "Content-Length"))
        framing->lengths++;
    if (!strcasecmp(name, "Transfer-Encoding") && !framing->encodings++)
        framing->transfer_encoding = value;
    for (size_t i = 0; i < INSP_COUNT(single); i++)
        if (!strcasecmp(name, single[i]) && reading->seen[i]++)
            framing->repeated = single[i];
    return MHD_YES;
}

static enum MHD_Result count_argument(void *arg, enum MHD_ValueKind kind, const char *name, const char *value) {
    size_t *bytes = arg;
    (void)kind;
    *bytes += strlen(name) + (value ? strlen(value) : 0) + 2;
    return MHD_YES;
}

void api_framing_read(struct MHD_Connection *connection, const char *url, const char *version,
                      struct api_framing *ret) {
    struct reading reading = {.framing = ret, .moves_names = version_0_9()};
    *ret = (struct api_framing){.version = version, .target_bytes = strlen(url)};
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    ret->header_bytes = info ? info->header_size : 0;
    MHD_get_connection_values(connection, MHD_HEADER_KIND, read_field, &reading);
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, count_argument, &ret->target_bytes);
}

static int judge_host(const struct api_framing *framing, struct insp_error *reterr) {
    char name[API_HOST_BYTES], port[8];
    if (framing->hosts > 1)
        return insp_fail(reterr, INSP_E_REQUEST, "the request has %u Host headers; it may have one",
                         framing->hosts);
    if (!framing->hosts && strcmp(framing->version, "HTTP/1.0") != 0)
        return insp_fail(reterr, INSP_E_REQUEST, "the request has no Host header, which HTTP/1.1 requires");
    if (framing->host && framing->host[0] && !api_host_split(framing->host, name, port))
        return insp_fail(reterr, INSP_E_REQUEST, "the Host header \"%.100s\" is not a host", framing->host);
    return 0;
}

static int judge_length(const struct api_framing *framing, struct insp_error *reterr) {
    if (framing->lengths > 1)
        return insp_fail(reterr, INSP_E_REQUEST, "the request has %u Content-Length headers; it may have one",
                         framing->lengths);
    if (!framing->encodings)
        return 0;
    if (framing->lengths)
        return insp_fail(reterr, INSP_E_REQUEST, "the request has both Content-Length and Transfer-Encoding");
    if (framing->encodings > 1 || strcasecmp(framing->transfer_encoding, "chunked") != 0)
        return insp_fail(reterr, INSP_E_REQUEST, "Transfer-Encoding \"%.60s\" is not supported; send chunked",
                         framing->transfer_encoding);
    if (!strcmp(framing->version, "HTTP/1.0"))
        return insp_fail(reterr, INSP_E_REQUEST, "HTTP/1.0 has no Transfer-Encoding");
    return 0;
}

int api_framing_judge(const struct api_framing *framing, struct insp_error *reterr) {
    if (framing->target_bytes > API_TARGET_BYTES_MAX)
        return insp_fail(reterr, INSP_E_TARGET_LONG, "path and query together have more than %d bytes",
                         API_TARGET_BYTES_MAX);
    if (framing->header_bytes > API_HEADERS_BYTES_MAX)
        return insp_fail(reterr, INSP_E_HEADERS_LARGE,
                         "request line and headers together have %zu bytes; at most %d are "
                         "read",
                         framing->header_bytes, API_HEADERS_BYTES_MAX);
    if (framing->malformed)
        return insp_fail(reterr, INSP_E_REQUEST,
                         "the header \"%.60s\" is malformed: an invalid name, a control character or a "
                         "folded line",
                         framing->malformed);
    if (framing->repeated)
        return insp_fail(reterr, INSP_E_REQUEST, "the request has two %s headers; it may have one",
                         framing->repeated);
    int code = judge_host(framing, reterr);
    return code ? code : judge_length(framing, reterr);
}

int api_target_split(const char *method, const char *url, char *ret_authority, size_t bytes, const char **ret_path,
                     struct insp_error *reterr) {
    ret_authority[0] = 0;
    *ret_path = url;
    if (url[0] == '/' || (!strcmp(url, "*") && !strcmp(method, "OPTIONS")))
        return 0;
    size_t scheme = !strncasecmp(url, "http://", 7) ? 7 : !strncasecmp(url, "https://", 8) ? 8 : 0;
    size_t length = strcspn(url + scheme, "/");
    if (!scheme || !length || length >= bytes)
        return insp_fail(reterr, INSP_E_REQUEST, "the request target must be /path or http://host/path");
    snprintf(ret_authority, bytes, "%.*s", (int)length, url + scheme);
    *ret_path = url[scheme + length] ? url + scheme + length : "/";
    return 0;
}

int api_length_check(const char *content_length, struct insp_error *reterr) {
    if (!*content_length || content_length[strspn(content_length, "0123456789")])
        return insp_fail(reterr, INSP_E_REQUEST, "Content-Length is a number of bytes, digits alone");
    errno = 0;
    if (strtoull(content_length, NULL, 10) == ULLONG_MAX && errno == ERANGE)
        return insp_fail(reterr, INSP_E_TOO_LARGE, "no body can have as many bytes as Content-Length says");
    return 0;
}

int api_coding_check(const char *content_encoding, struct insp_error *reterr) {
    struct api_span list = api_span_of(content_encoding), coding;
    while (api_field_next(&list, &coding))
        if (!api_span_is(coding, "identity"))
            return insp_fail(reterr, INSP_E_MEDIA_TYPE,
                             "Content-Encoding \"%.*s\" is not accepted: send the body without a coding",
                             (int)(coding.bytes < 60 ? coding.bytes : 60), coding.at);
    return 0;
}
