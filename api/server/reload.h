/* api/server/reload.h - reads tokens and the TLS certificate again in lane BACK, then the models (SIGHUP). Loop
 * thread. api_server_reload in api.h starts it. */
#ifndef INSP_API_SERVER_RELOAD_H
#define INSP_API_SERVER_RELOAD_H

#include "core/base/error.h"

#include <stdbool.h>

struct api_certificate;
struct api_reload;
struct api_server;

/* Makes the state of reloads, a part of the server; NULL without memory. */
struct api_reload *api_reload_new(void);
void api_reload_free(struct api_reload *reload); /* accepts NULL */

/* Says whether a task reads tokens and certificate: the server must not be freed yet. */
bool api_reload_running(const struct api_reload *reload);

/* Logs the certificate's subject and dates; a warning if it is not valid now. */
void api_certificate_report(const struct api_certificate *certificate);

#endif
