#include "api/listen/peers.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* ::ffff:0:0/96 */
static const uint8_t loopback6[API_PEER_KEY_BYTES] = {[15] = 1};

static void read_address(const struct sockaddr *address, struct api_peer *ret) {
    enum { PREFIX_BYTES = 8 };
    uint8_t *key = ret->key;
    memset(key, 0, API_PEER_KEY_BYTES);
    snprintf(ret->text, sizeof ret->text, "unix");
    ret->local = address->sa_family == AF_UNIX;
    if (address->sa_family == AF_INET) {
        memcpy(key, mapped, sizeof mapped);
        memcpy(key + sizeof mapped, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        memcpy(key, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, API_PEER_KEY_BYTES);
    } else {
        return;
    }
    bool v4 = !memcmp(key, mapped, sizeof mapped);
    inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? key + sizeof mapped : key, ret->text, sizeof ret->text);
    ret->local = v4 ? key[sizeof mapped] == 127 : !memcmp(key, loopback6, sizeof loopback6);
    if (!v4 && !ret->local)
        memset(key + PREFIX_BYTES, 0, API_PEER_KEY_BYTES - PREFIX_BYTES);
}

void api_peer_key(const char *text, uint8_t ret[API_PEER_KEY_BYTES]) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct api_peer peer = {0};
    memset(ret, 0xff, API_PEER_KEY_BYTES);
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        read_address((struct sockaddr *)&v4, &peer);
    else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        read_address((struct sockaddr *)&v6, &peer);
    else
        return;
    memcpy(ret, peer.key, API_PEER_KEY_BYTES);
}

struct api_peer *api_peer_enter(struct api_peers *peers, const struct sockaddr *address) {
    struct api_peer asked = {0};
    read_address(address, &asked);
    for (struct api_peer *peer = peers->first; peer; peer = peer->next)
        if (!memcmp(peer->key, asked.key, sizeof asked.key)) {
            peer->connections++;
            return peer;
        }
    struct api_peer *peer = malloc(sizeof *peer);
    if (!peer)
        return NULL;
    *peer = asked;
    peer->connections = 1;
    peer->next = peers->first;
    peers->first = peer;
    return peer;
}

void api_peer_leave(struct api_peers *peers, struct api_peer *peer) {
    if (!peer || --peer->connections)
        return;
    struct api_peer **place = &peers->first;
    while (*place != peer)
        place = &(*place)->next;
    *place = peer->next;
    free(peer);
}

unsigned api_share(unsigned limit) {
    unsigned share = limit - limit / 4;
    return share ? share : 1;
}

static enum api_hold rank_of(const struct api_holder *holder) {
    return holder->hold == API_HOLD_FRESH ? API_HOLD_IDLE : holder->hold;
}

bool api_gives_way(const struct api_holder *a, const struct api_holder *b) {
    if (a->hold == API_HOLD_BUSY)
        return false;
    if (rank_of(a) != rank_of(b))
        return rank_of(a) < rank_of(b);
    if (a->of_peer != b->of_peer)
        return a->of_peer > b->of_peer;
    if (a->hold != b->hold)
        return a->hold < b->hold;
    return a->since_us < b->since_us;
}

bool api_makes_room(const struct api_holder *holder, unsigned of_newcomer) {
    switch (holder->hold) {
    case API_HOLD_GONE:
    case API_HOLD_SILENT:
    case API_HOLD_SLOW:
        return true;
    case API_HOLD_IDLE:
        return holder->of_peer >= of_newcomer;
    case API_HOLD_FRESH:
    case API_HOLD_LINE:
        return holder->of_peer > of_newcomer;
    case API_HOLD_BUSY:
        break;
    }
    return false;
}
