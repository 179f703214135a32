/* daemon/serve.h - runs the daemon from settings to exit:
 *
 *   start             log, umask -> loop -> state folder and its lock -> sweep of bundles -> store -> lanes ->
 *                     engine (opens the device, loads the trunk) -> signals -> HTTP server (tokens, active models;
 *                     it listens from here on) -> READY=1
 *   SIGTERM, SIGINT   STOPPING=1 -> server stops within server.shutdown_grace_s -> engine -> lanes -> loop ends ->
 *                     store -> lock
 *   a second one      _exit at once; answered inspections are in the store already
 *   SIGHUP            reads tokens, active models and thresholds again */
#ifndef INSP_DAEMON_SERVE_H
#define INSP_DAEMON_SERVE_H

#include "core/base/error.h"
#include "daemon/settings.h"

/* Serves until SIGTERM or SIGINT. Blocks; main thread. Returns 0 after a graceful stop; fails with the error of
 * the step of the start that failed. */
int daemon_serve(const struct daemon_settings *settings, struct insp_error *reterr);

#endif
