/* daemon/grab/grab_http.h - call the daemon by HTTP. One connection that stays open per caller; blocks. One thread
 * each. */
#ifndef INSP_DAEMON_GRAB_GRAB_HTTP_H
#define INSP_DAEMON_GRAB_GRAB_HTTP_H

#include "core/base/error.h"
#include "daemon/grab/grab.h"

#include <jansson.h>

struct grab_http;

/* *ret is the caller's. answer_ms: longest time of a request. Fails with INSP_E_NOMEM. */
int grab_http_new(const struct grab *grab, unsigned answer_ms, struct grab_http **ret, struct insp_error *reterr);
void grab_http_free(struct grab_http *http); /* accepts NULL */

/* Appends text to a URL, with all but unreserved characters escaped (RFC 3986). Returns false without room. */
bool grab_url_append(char *url, size_t room, const char *text);

/* Appends "&name=text" in the same way. */
bool grab_url_query(char *url, size_t room, const char *name, const char *text);

/* Posts a body, never twice, and reads a JSON answer.
 *   path        from the first slash
 *   ret_status  0: no answer
 *   ret         the answer, the caller's; NULL: none, or it is no JSON
 *   ret_sent    whether the daemon may have got the request, although no answer came
 * Fails with INSP_E_CAMERA_AWAY never; with INSP_E_SINK_AWAY if the daemon gave no answer. */
int grab_http_post(struct grab_http *http, const char *path, const char *type, const void *body, size_t bytes,
                   long *ret_status, json_t **ret, bool *ret_sent, struct insp_error *reterr);

#endif
