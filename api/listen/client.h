/* api/listen/client.h - what the kernel and the clock say of a client at the other end of a connection. Any
 * thread. */
#ifndef INSP_API_LISTEN_CLIENT_H
#define INSP_API_LISTEN_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True where the client has closed its side: the kernel's state, which TLS and unread bytes do not hide. One that
 * only shuts its sending side counts as gone: on the wire it looks the same. all_read: and nothing that it sent
 * before lies unread. */
bool api_client_left(int fd, bool all_read);

/* When a request that began at start_us with so many bytes received must be complete, in the clock of start_us:
 * the configured time plus one second for each 16 KiB that came. Pure. */
int64_t api_receive_deadline(int64_t start_us, unsigned timeout_s, size_t bytes);

#endif
