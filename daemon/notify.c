#include "daemon/notify.h"

#include "core/base/clock.h"

#include <inttypes.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

int daemon_notify_socket(int *ret_fd, struct insp_error *reterr) {
    int n = sd_listen_fds(1);
    if (n < 0)
        return insp_fail_errno(reterr, -n, "cannot read the list of sockets from systemd");
    if (n > 1)
        return insp_fail(reterr, INSP_E_CONFIG,
                         "systemd passed %d sockets instead of one; keep one ListenStream= in inspectd.socket", n);
    if (n == 1 && sd_is_socket(SD_LISTEN_FDS_START, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
        return insp_fail(
            reterr, INSP_E_CONFIG,
            "the socket from systemd is not a listening stream socket; use ListenStream= in inspectd.socket");
    *ret_fd = n == 1 ? SD_LISTEN_FDS_START : -1;
    return 0;
}

void daemon_notify_ready(const char *status) {
    sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void daemon_notify_status(const char *status) {
    sd_notifyf(0, "STATUS=%s", status);
}

void daemon_notify_stopping(const char *status) {
    sd_notifyf(0, "STOPPING=1\nSTATUS=%s", status);
}

void daemon_notify_reloading(void) {
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, insp_mono_us());
}

void daemon_notify_watchdog(void) {
    sd_notify(0, "WATCHDOG=1");
}

uint64_t daemon_notify_watchdog_ms(void) {
    uint64_t usec = 0;
    if (sd_watchdog_enabled(0, &usec) <= 0)
        return 0;
    uint64_t ms = usec / 2000;
    return ms ? ms : 1;
}
