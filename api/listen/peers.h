/* api/http/peers.h - shares connections out between addresses: who holds how many, and who makes room for a new
 * one. Loop thread; api_gives_way and api_share are pure. */
#ifndef INSP_API_HTTP_PEERS_H
#define INSP_API_HTTP_PEERS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { API_PEER_KEY_BYTES = 16 };

/* One address with connections open. */
struct api_peer {
    uint8_t key[API_PEER_KEY_BYTES]; /* IPv6, or IPv4 mapped into it. Of IPv6 the first 64 bits only: one host has
                                        all addresses behind them. All zero for a UNIX socket. */
    bool local;                      /* this machine: loopback, a UNIX socket */
    bool proxy;                      /* a trusted proxy: its connections are many clients' */
    unsigned connections;
    char text[INET6_ADDRSTRLEN]; /* for people */
    struct api_peer *next;
};

struct api_peers {
    struct api_peer *first;
};

/* Finds or makes the entry of an address and counts one connection more; NULL without memory. The entry is the
 * table's and lives until its last api_peer_leave. */
struct api_peer *api_peer_enter(struct api_peers *peers, const struct sockaddr *address);

/* Makes the key of an address as text, such as a proxy names a client by. A text that is no address, such as
 * "unknown", has a key of its own. Pure. */
void api_peer_key(const char *text, uint8_t ret[API_PEER_KEY_BYTES]);

/* Counts one connection less; NULL is fine. */
void api_peer_leave(struct api_peers *peers, struct api_peer *peer);

/* How many of `limit` places one client may hold: three quarters, at least one. The rest is kept for others. */
unsigned api_share(unsigned limit);

/* What a connection is doing, in the order in which connections make room for a new one. */
enum api_hold {
    API_HOLD_GONE,   /* its client has left and there is nothing more to read */
    API_HOLD_SILENT, /* open for longer than API_PATIENCE_US, and never sent a whole request */
    API_HOLD_SLOW,   /* sends a body, or takes an answer, more slowly than the daemon waits for */
    API_HOLD_IDLE,   /* between two requests; of the same rank as a fresh one */
    API_HOLD_FRESH,  /* just opened */
    API_HOLD_BUSY,   /* has a request at work: never makes room */
};

enum { API_PATIENCE_US = 1000000 };

struct api_holder {
    enum api_hold hold;
    unsigned of_peer; /* connections of the same address */
    int64_t since_us; /* monotonic: in this state since then */
};

/* True where a makes room before b: by rank, then the one whose address holds more, then the idle before the fresh
 * one, then the one that has been so for longer. False where a is busy. */
bool api_gives_way(const struct api_holder *a, const struct api_holder *b);

/* Whether the holder makes room at all for a new connection whose address has of_newcomer with it: a gone, silent
 * or slow one does, an idle one unless its address has fewer, a fresh one where its address has more, a busy one
 * never. */
bool api_makes_room(const struct api_holder *holder, unsigned of_newcomer);

#endif
