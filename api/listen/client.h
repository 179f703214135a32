/* api/listen/client.h - judges whether the client of a connection has left or is too slow. Any thread. */
#ifndef INSP_API_LISTEN_CLIENT_H
#define INSP_API_LISTEN_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Says whether the client has closed its side, by the kernel's state of the connection: TLS and unread bytes do
 * not hide it. A client that has only shut its sending side counts too: it looks the same on the wire. all_read
 * only if no byte is unread */
bool api_client_left(int fd, bool all_read);

/* Returns the time until which a transfer must be complete: start_us + timeout_s + one second for each 16 KiB of
 * `bytes`, in the clock of start_us. Pure. */
int64_t api_receive_deadline(int64_t start_us, unsigned timeout_s, size_t bytes);

#endif
