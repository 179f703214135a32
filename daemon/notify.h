/* daemon/notify.h - what systemd is told and what it hands over (sd_notify(3), sd_listen_fds(3)). Without systemd
 * all of it does nothing. Loop thread; never blocks. */
#ifndef INSP_DAEMON_NOTIFY_H
#define INSP_DAEMON_NOTIFY_H

#include "core/base/error.h"

#include <stdint.h>

/* The one listening stream socket of inspectd.socket; -1 where none was handed over. INSP_E_CONFIG where there are
 * several, or one that is no listening stream socket. Clears the environment variables. */
int daemon_notify_socket(int *ret_fd, struct insp_error *reterr);

void daemon_notify_ready(const char *status);
void daemon_notify_status(const char *status);
void daemon_notify_stopping(const char *status);
void daemon_notify_reloading(void); /* daemon_notify_ready() says that it is over */
void daemon_notify_watchdog(void);

/* How often the watchdog wants to hear: half of WATCHDOG_USEC, in milliseconds; 0 where it is not asked for. */
uint64_t daemon_notify_watchdog_ms(void);

#endif
