/* api/http/framing.h - refuses requests whose end or receiver is ambiguous (RFC 9112, sections 3, 5 and 6). If a
 * proxy and this daemon read them differently, a client could smuggle a second request past the proxy. The caller
 * closes the connection after such a request. Loop thread, inside the access handler; functions marked pure: any
 * thread. */
#ifndef INSP_API_HTTP_FRAMING_H
#define INSP_API_HTTP_FRAMING_H

#include "core/base/error.h"

#include <microhttpd.h>
#include <stddef.h>

struct api_request;

enum {
    API_TARGET_BYTES_MAX = 8 << 10,   /* path and query, decoded */
    API_HEADERS_BYTES_MAX = 32 << 10, /* request line and headers */
};

/* The properties of a request's headers that framing depends on. */
struct api_framing {
    const char *version;                  /* "HTTP/1.1" */
    unsigned hosts, lengths, encodings;   /* numbers of Host, Content-Length and Transfer-Encoding fields */
    const char *host, *transfer_encoding; /* their first values, or NULL */
    const char *repeated;                 /* the name of a field that may occur once but occurs twice, or NULL */
    const char *malformed;                /* the name of a field that readers may read differently, or NULL */
    size_t header_bytes, target_bytes;
};

/* Reads the properties of a request from libmicrohttpd. Texts are borrowed from the connection. */
void api_framing_read(struct MHD_Connection *connection, const char *url, const char *version,
                      struct api_framing *ret);

/* Checks the properties. Pure. Fails with INSP_E_REQUEST, INSP_E_TARGET_LONG, INSP_E_HEADERS_LARGE. */
int api_framing_judge(const struct api_framing *framing, struct insp_error *reterr);

/* Splits a request target, which libmicrohttpd does not do. Pure.
 *   url            "/path", "http://authority/path" (also https), or "*" with OPTIONS
 *   ret_authority  the authority, which then counts in place of Host; "" for the other forms; `bytes` bytes
 *   ret_path       inside url, or static
 * Fails with INSP_E_REQUEST for any other form. */
int api_target_split(const char *method, const char *url, char *ret_authority, size_t bytes, const char **ret_path,
                     struct insp_error *reterr);

/* Checks the value of a Content-Length. Pure. Fails with INSP_E_REQUEST (no number), INSP_E_TOO_LARGE (beyond 64
 * bits). */
int api_length_check(const char *content_length, struct insp_error *reterr);

/* Fails with INSP_E_MEDIA_TYPE for a Content-Encoding other than identity; NULL and "" are none. Pure. */
int api_coding_check(const char *content_encoding, struct insp_error *reterr);

#endif
