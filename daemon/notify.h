/* daemon/notify.h - exchanges state and sockets with systemd (sd_notify(3), sd_listen_fds(3)). Without systemd all
 * functions do nothing. Main thread; never blocks. */
#ifndef INSP_DAEMON_NOTIFY_H
#define INSP_DAEMON_NOTIFY_H

#include "core/base/error.h"

#include <stdint.h>

/* Returns the listening stream socket of inspectd.socket in *ret_fd, or -1 if systemd passed none. Clears the
 * environment variables. Fails with INSP_E_CONFIG if there are several sockets, or one of another type. */
int daemon_notify_socket(int *ret_fd, struct insp_error *reterr);

/* Report the state of the daemon; status is one line of text for `systemctl status`. */
void daemon_notify_ready(const char *status);
void daemon_notify_status(const char *status);
void daemon_notify_stopping(const char *status);
void daemon_notify_reloading(void); /* call daemon_notify_ready() when the reload is complete */
void daemon_notify_watchdog(void);

/* Returns the interval for daemon_notify_watchdog() in milliseconds, half of WATCHDOG_USEC; 0 if systemd expects
 * no watchdog messages. */
uint64_t daemon_notify_watchdog_ms(void);

#endif
