/* api/http/framing.h - is it certain where a request ends, and whom it is for? Two readers of one connection (a
 * proxy and this daemon) that answer differently let a client smuggle a second request past the first reader, so
 * every doubt is refused and the connection closed (RFC 9112, sections 3, 5 and 6). Loop thread, inside the access
 * handler. */
#ifndef INSP_API_HTTP_FRAMING_H
#define INSP_API_HTTP_FRAMING_H

#include "core/base/error.h"

#include <microhttpd.h>
#include <stddef.h>

struct api_request;

enum {
    API_TARGET_BYTES_MAX = 8 << 10,   /* path and query as they were sent, roughly */
    API_HEADERS_BYTES_MAX = 32 << 10, /* request line and headers */
};

/* The facts of a request's headers that framing depends on; filled from libmicrohttpd, or by a test. */
struct api_framing {
    const char *version;                  /* "HTTP/1.1" */
    unsigned hosts, lengths, encodings;   /* how many fields of Host, Content-Length, Transfer-Encoding */
    const char *host, *transfer_encoding; /* their first values, or NULL */
    const char *repeated;                 /* the name of a field that may stand once and stands twice, or NULL */
    const char *malformed;                /* the name of a field that no reader can be sure of, or NULL */
    size_t header_bytes, target_bytes;
};

void api_framing_read(struct MHD_Connection *connection, const char *url, const char *version,
                      struct api_framing *ret);

/* Pure. INSP_E_REQUEST, INSP_E_TARGET_LONG, INSP_E_HEADERS_LARGE. */
int api_framing_judge(const struct api_framing *framing, struct insp_error *reterr);

/* Splits the request target's path part in place of libmicrohttpd, which passes it on as it came. "/path" is
 * itself; "http://authority/path" gives its authority, which then counts instead of Host; "*" stays for OPTIONS.
 * Pure. ret_authority has `bytes` bytes. INSP_E_REQUEST for any other form. */
int api_target_split(const char *method, const char *url, char *ret_authority, size_t bytes, const char **ret_path,
                     struct insp_error *reterr);

/* Checks the value of a Content-Length: INSP_E_REQUEST where it is no number, INSP_E_TOO_LARGE for one beyond 64
 * bits. Pure. */
int api_length_check(const char *content_length, struct insp_error *reterr);

/* INSP_E_MEDIA_TYPE for a body with a Content-Encoding other than identity, NULL and "" being none. Pure. */
int api_coding_check(const char *content_encoding, struct insp_error *reterr);

#endif
