/* api/listen/listen.h - opens and describes the listening socket. */
#ifndef INSP_API_LISTEN_LISTEN_H
#define INSP_API_LISTEN_LISTEN_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Splits "127.0.0.1:8080", "[::1]:8080" or "localhost:0" into host (without brackets) and port, 0 to 65535. Pure.
 * Fails with INSP_E_CONFIG, which names the right form. */
int api_listen_split(const char *text, char *ret_host, size_t host_bytes, char *ret_port, size_t port_bytes,
                     struct insp_error *reterr);

/* Limits the kernel's buffers for a connection to API_SEND_BYTES and API_RECEIVE_BYTES; connections inherit this
 * from the listening socket. Otherwise they grow to megabytes for each client that does not read. */
void api_listen_bound_buffers(int fd);
enum { API_SEND_BYTES = 256 << 10, API_RECEIVE_BYTES = 512 << 10 };

/* Binds and listens. Blocks if it has to look a host name up: startup only.
 *   text    as api_listen_split; [::] serves IPv4 too
 *   ret_fd  non-blocking, close-on-exec; the caller's
 * Fails with INSP_E_CONFIG (form, unknown host), INSP_E_PERMISSION, INSP_E_IO (address and cause). */
int api_listen_open(const char *text, int *ret_fd, struct insp_error *reterr);

/* Writes the bound address of fd as "host:port". *ret_loopback: only this machine can reach it. Fails with codes
 * of insp_fail_errno. */
int api_listen_describe(int fd, char *ret, size_t bytes, bool *ret_loopback, struct insp_error *reterr);

#endif
