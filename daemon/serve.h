/* daemon/serve.h - the life of the daemon, from settings to exit:
 *
 *   log, umask, signals -> state folder and its lock -> sweep -> store -> engine (opens the device) -> trunk
 *   -> HTTP server (tokens, active models; it listens from here on) -> READY=1 -> loop
 *   SIGTERM, SIGINT: STOPPING=1 -> server stops within server.shutdown_grace_s -> engine -> loop ends -> store ->
 * lock a second one: _exit at once; what was answered is in the store already SIGHUP: tokens, active models and
 * thresholds are read again */
#ifndef INSP_DAEMON_SERVE_H
#define INSP_DAEMON_SERVE_H

#include "core/base/error.h"
#include "daemon/settings.h"

/* Serves until it is told to stop. Blocks. 0 after a graceful stop; where the start failed, why. */
int daemon_serve(const struct daemon_settings *settings, struct insp_error *reterr);

#endif
