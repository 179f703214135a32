#include "api/listen/peers.h"
#include "tests/unit/harness.h"

#include <arpa/inet.h>
#include <string.h>

static struct api_peer *enter(struct api_peers *peers, const char *text) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return api_peer_enter(peers, (struct sockaddr *)&v4);
    ck_assert_int_eq(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return api_peer_enter(peers, (struct sockaddr *)&v6);
}

START_TEST(test_connections_are_counted_by_address) {
    struct api_peers peers = {0};
    struct api_peer *one = enter(&peers, "10.0.0.1"), *other = enter(&peers, "10.0.0.2");
    ck_assert_ptr_ne(one, other);
    ck_assert_ptr_eq(enter(&peers, "10.0.0.1"), one);
    ck_assert_uint_eq(one->connections, 2);
    ck_assert_uint_eq(other->connections, 1);
    ck_assert_str_eq(one->text, "10.0.0.1");
    api_peer_leave(&peers, other);
    api_peer_leave(&peers, one);
    ck_assert_ptr_eq(peers.first, one);
    api_peer_leave(&peers, one);
    ck_assert_ptr_null(peers.first);
    api_peer_leave(&peers, NULL);
}
END_TEST

/* A listener on [::] sees IPv4 mapped into IPv6. */
START_TEST(test_one_address_in_two_forms_is_one_peer) {
    struct api_peers peers = {0};
    struct api_peer *one = enter(&peers, "10.0.0.1");
    ck_assert_ptr_eq(enter(&peers, "::ffff:10.0.0.1"), one);
    api_peer_leave(&peers, one);
    api_peer_leave(&peers, one);
}
END_TEST

START_TEST(test_a_host_with_many_ipv6_addresses_is_one_peer) {
    struct api_peers peers = {0};
    struct api_peer *one = enter(&peers, "2001:db8:1:2:3:4:5:6"), *far = enter(&peers, "2001:db8:1:3::1");
    ck_assert_ptr_eq(enter(&peers, "2001:db8:1:2::1"), one);
    ck_assert_ptr_ne(one, far);
    for (int i = 0; i < 2; i++)
        api_peer_leave(&peers, one);
    api_peer_leave(&peers, far);
    ck_assert_ptr_null(peers.first);
}
END_TEST

START_TEST(test_local) {
    static const struct {
        const char *text;
        bool local;
    } rows[] = {{"127.0.0.1", true}, {"127.9.9.9", true},        {"::1", true},        {"::2", false},
                {"10.0.0.1", false}, {"::ffff:127.0.0.1", true}, {"128.0.0.1", false}, {"fe80::1", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct api_peers peers = {0};
        struct api_peer *peer = enter(&peers, rows[i].text);
        ck_assert_msg(peer->local == rows[i].local, "%s", rows[i].text);
        api_peer_leave(&peers, peer);
    }
    struct api_peers peers = {0};
    struct sockaddr unnamed = {.sa_family = AF_UNIX};
    struct api_peer *peer = api_peer_enter(&peers, &unnamed);
    ck_assert(peer->local);
    api_peer_leave(&peers, peer);
}
END_TEST

START_TEST(test_keys_of_addresses_as_text) {
    static const char *const same[][2] = {{"10.0.0.1", "::ffff:10.0.0.1"},
                                          {"2001:db8:1:2::1", "2001:db8:1:2:ffff::"},
                                          {"unknown", "_hidden"},
                                          {"unknown", ""}};
    static const char *const apart[][2] = {
        {"10.0.0.1", "10.0.0.2"}, {"2001:db8:1:2::1", "2001:db8:1:3::1"}, {"unknown", "::"}, {"::1", "127.0.0.1"}};
    uint8_t one[API_PEER_KEY_BYTES], other[API_PEER_KEY_BYTES];
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        api_peer_key(same[i][0], one);
        api_peer_key(same[i][1], other);
        ck_assert_mem_eq(one, other, sizeof one);
    }
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++) {
        api_peer_key(apart[i][0], one);
        api_peer_key(apart[i][1], other);
        ck_assert_mem_ne(one, other, sizeof one);
    }
    struct api_peers peers = {0};
    struct api_peer *peer = enter(&peers, "10.0.0.1");
    api_peer_key("10.0.0.1", one);
    ck_assert_mem_eq(peer->key, one, sizeof one);
    api_peer_leave(&peers, peer);
}
END_TEST

START_TEST(test_a_share_leaves_a_quarter_to_others) {
    ck_assert_uint_eq(api_share(256), 192);
    ck_assert_uint_eq(api_share(4), 3);
    ck_assert_uint_eq(api_share(3), 3);
    ck_assert_uint_eq(api_share(1), 1);
    ck_assert_uint_eq(api_share(0), 1);
}
END_TEST

START_TEST(test_who_gives_way) {
    static const struct api_holder order[] = {
        {API_HOLD_GONE, 1, 900}, {API_HOLD_SILENT, 1, 900}, {API_HOLD_SLOW, 50, 1}, {API_HOLD_FRESH, 99, 1},
        {API_HOLD_IDLE, 9, 500}, {API_HOLD_IDLE, 1, 1},     {API_HOLD_IDLE, 1, 2},  {API_HOLD_FRESH, 1, 0},
        {API_HOLD_LINE, 50, 0},  {API_HOLD_LINE, 1, 5},     {API_HOLD_LINE, 1, 6},  {API_HOLD_BUSY, 99, 0}};
    enum { COUNT = sizeof order / sizeof *order };
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = 0; k < COUNT; k++)
            ck_assert_msg(api_gives_way(&order[i], &order[k]) == (i < k), "%zu %zu", i, k);
}
END_TEST

START_TEST(test_who_makes_room_for_whom) {
    static const struct {
        enum api_hold hold;
        unsigned of_peer, of_newcomer;
        bool makes_room;
    } rows[] = {{API_HOLD_GONE, 1, 200, true}, {API_HOLD_SILENT, 1, 200, true}, {API_HOLD_SLOW, 1, 200, true},
                {API_HOLD_IDLE, 1, 1, true},   {API_HOLD_IDLE, 1, 2, false},    {API_HOLD_IDLE, 200, 1, true},
                {API_HOLD_FRESH, 1, 1, false}, {API_HOLD_FRESH, 2, 1, true},    {API_HOLD_FRESH, 1, 200, false},
                {API_HOLD_LINE, 9, 9, false},  {API_HOLD_LINE, 10, 9, true},    {API_HOLD_BUSY, 200, 1, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct api_holder holder = {rows[i].hold, rows[i].of_peer, 0};
        ck_assert_msg(api_makes_room(&holder, rows[i].of_newcomer) == rows[i].makes_room, "row %zu", i);
    }
}
END_TEST

INSP_TESTS(test_who_makes_room_for_whom, test_connections_are_counted_by_address,
           test_one_address_in_two_forms_is_one_peer, test_a_host_with_many_ipv6_addresses_is_one_peer, test_local,
           test_keys_of_addresses_as_text, test_a_share_leaves_a_quarter_to_others, test_who_gives_way);
