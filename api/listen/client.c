#include "api/listen/client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { RATE_BYTES_PER_S = 16 << 10 };

int64_t api_receive_deadline(int64_t start_us, unsigned timeout_s, size_t bytes) {
    return start_us + (int64_t)timeout_s * 1000000 + (int64_t)(bytes / RATE_BYTES_PER_S) * 1000000;
}

bool api_client_left(int fd, bool all_read) {
    struct tcp_info info;
    socklen_t length = sizeof info;
    int unread = 0;
    if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length))
        return false;
    if (info.tcpi_state == TCP_ESTABLISHED || info.tcpi_state == TCP_SYN_RECV)
        return false;
    return !all_read || ioctl(fd, FIONREAD, &unread) || !unread;
}
