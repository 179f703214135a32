/* api/listen/peers.h - counts connections per address and ranks those that make room for a new one. Loop thread;
 * api_share, api_gives_way and api_makes_room are pure. */
#ifndef INSP_API_LISTEN_PEERS_H
#define INSP_API_LISTEN_PEERS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { API_PEER_KEY_BYTES = 16 };

/* An address with open connections. */
struct api_peer {
    uint8_t key[API_PEER_KEY_BYTES]; /* IPv6, or IPv4 mapped into it. Of IPv6 the first 64 bits only, because a
                                        host can use all addresses of its network. All zero for a UNIX socket. */
    bool local;                      /* this machine: loopback or a UNIX socket */
    bool proxy;                      /* a trusted proxy: its connections belong to many clients */
    unsigned connections;
    char text[INET6_ADDRSTRLEN]; /* for the log */
    struct api_peer *next;
};

struct api_peers {
    struct api_peer *first;
};

/* Finds or makes the entry of an address and adds a connection to it; NULL without memory. The table owns the
 * entry, which lives until its last api_peer_leave. */
struct api_peer *api_peer_enter(struct api_peers *peers, const struct sockaddr *address);

/* Makes the key of an address as text, as a proxy names it. Other texts, such as "unknown", have keys too.
 * Pure. */
void api_peer_key(const char *text, uint8_t ret[API_PEER_KEY_BYTES]);

/* Removes a connection from an entry and frees the entry after its last one; accepts NULL. */
void api_peer_leave(struct api_peers *peers, struct api_peer *peer);

/* Returns the places of `limit` that one client may hold: three quarters, at least one. The rest is for others. */
unsigned api_share(unsigned limit);

/* States of a connection, in the order in which connections make room for a new one. */
enum api_hold {
    API_HOLD_GONE,   /* its client has left, and no bytes are unread */
    API_HOLD_SILENT, /* open for longer than API_PATIENCE_US without a request */
    API_HOLD_SLOW,   /* sends a body, or reads an answer, slower than api_receive_deadline with 1 s */
    API_HOLD_IDLE,   /* between two requests; ranks as a fresh one */
    API_HOLD_FRESH,  /* just opened */
    API_HOLD_LINE,   /* between two requests, and the last one was an inspection with a verdict: a camera */
    API_HOLD_BUSY,   /* has an active request, or unread bytes of one: never makes room */
};

enum { API_PATIENCE_US = 1000000 };

struct api_holder {
    enum api_hold hold;
    unsigned of_peer; /* connections of the same address */
    int64_t since_us; /* monotonic: beginning of the state */
};

/* Says whether a makes room before b: by rank, then by more connections of its address, then idle before fresh,
 * then by the earlier beginning of its state. False if a is busy. */
bool api_gives_way(const struct api_holder *a, const struct api_holder *b);

/* Says whether a connection makes room for a new one at all: gone, silent and slow ones do; an idle one if its
 * address has at least of_newcomer connections; a fresh one and a camera's if its address has more; a busy one
 * never.
 *   of_newcomer  connections of the new connection's address, with the new one */
bool api_makes_room(const struct api_holder *holder, unsigned of_newcomer);

#endif
