/* api/sinks/webhook.h - post inspections to a URL, one after another, signed. docs/webhook.md describes the
 * requests. Loop thread. */
#ifndef INSP_API_SINKS_WEBHOOK_H
#define INSP_API_SINKS_WEBHOOK_H

#include "api/sinks/sinks.h"

/* Makes the sink of the settings webhook.*; it is started by its operations. *ret is the caller's. Fails with
 * INSP_E_CONFIG, INSP_E_NOMEM. */
int api_webhook_new(struct api_server *server, struct api_sink **ret, struct insp_error *reterr);

#endif
