/* api/http/listen.h - the listening socket. */
#ifndef INSP_API_HTTP_LISTEN_H
#define INSP_API_HTTP_LISTEN_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* "127.0.0.1:8080", "[::1]:8080", "localhost:0" -> host (without brackets) and port text; pure.
 * INSP_E_CONFIG says what form is wanted. */
int api_listen_split(const char *text, char *ret_host, size_t host_bytes, char *ret_port, size_t port_bytes,
                     struct insp_error *reterr);

/* Bounds what the kernel keeps for a connection, both ways; connections inherit it from the listening socket. Left
 * to itself it grows to megabytes for each client that does not read. */
void api_listen_bound_buffers(int fd);
enum { API_SEND_BYTES = 256 << 10, API_RECEIVE_BYTES = 512 << 10 };

/* Binds and listens (non-blocking, close-on-exec); the descriptor is the caller's. Startup only: a host name is
 * looked up. INSP_E_CONFIG, INSP_E_IO (address and cause), INSP_E_PERMISSION. */
int api_listen_open(const char *text, int *ret_fd, struct insp_error *reterr);

/* The address that fd is bound to as "host:port", and whether only this machine can reach it. */
int api_listen_describe(int fd, char *ret, size_t bytes, bool *ret_loopback, struct insp_error *reterr);

#endif
