#include "api/listen/listen.h"

#include "api/access/auth.h"

#include "core/base/cleanup.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { BACKLOG = 512 };

int api_listen_split(const char *text, char *ret_host, size_t host_bytes, char *ret_port, size_t port_bytes,
                     struct insp_error *reterr) {
    const char *colon = strrchr(text, ':');
    const char *host = text, *end = colon;
    bool bracket = text[0] == '[';
    if (colon && bracket) {
        host++;
        end--;
    }
    bool good = colon && end > host && (!bracket || *end == ']') && (size_t)(end - host) < host_bytes &&
                (bracket || !memchr(host, ':', (size_t)(end - host)));
    size_t digits = good ? strspn(colon + 1, "0123456789") : 0;
    if (!good || !digits || digits > 5 || colon[1 + digits] || digits >= port_bytes || atol(colon + 1) > 65535)
        return insp_fail(reterr, INSP_E_CONFIG,
                         "server.listen = \"%s\" must be host:port, such as 127.0.0.1:8080 or [::]:8080", text);
    snprintf(ret_host, host_bytes, "%.*s", (int)(end - host), host);
    snprintf(ret_port, port_bytes, "%s", colon + 1);
    return 0;
}

void api_listen_bound_buffers(int fd) {
    int send_bytes = API_SEND_BYTES / 2, receive_bytes = API_RECEIVE_BYTES / 2; /* the kernel doubles both */
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
}

static int try_bind(const struct addrinfo *at) {
    int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol);
    if (fd < 0)
        return -1;
    int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    api_listen_bound_buffers(fd);
    if (at->ai_family == AF_INET6) /* [::] serves IPv4 as well */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, at->ai_addr, at->ai_addrlen) || listen(fd, BACKLOG)) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

int api_listen_open(const char *text, int *ret_fd, struct insp_error *reterr) {
    char host[256], port[8];
    int code = api_listen_split(text, host, sizeof host, port, sizeof port, reterr);
    if (code)
        return code;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
    int why = getaddrinfo(host, port, &hints, &found);
    if (why)
        return insp_fail(reterr, INSP_E_CONFIG, "server.listen = \"%s\": %s", text, gai_strerror(why));
    int fd = -1;
    for (struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
        fd = try_bind(at);
    why = errno;
    freeaddrinfo(found);
    if (fd < 0)
        return insp_fail_errno(reterr, why, "cannot listen on %s", text);
    *ret_fd = fd;
    return 0;
}

int api_listen_describe(int fd, char *ret, size_t bytes, bool *ret_loopback, struct insp_error *reterr) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length))
        return insp_fail_errno(reterr, errno, "address of the listening socket");
    char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "";
    getnameinfo((struct sockaddr *)&address, length, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(ret, bytes, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
    *ret_loopback = api_address_is_loopback((struct sockaddr *)&address);
    return 0;
}
