#include "core/line/feed.h"

#include "tests/unit/lanes_fixture.h"
#include "tests/unit/store_fixture.h"

enum { SENT_MAX = 64 };

/* A peer on the test's loop that keeps the places which it is sent. */
struct peer {
    struct fixture store;
    uv_loop_t loop;
    struct insp_lanes *lanes;
    struct insp_feed *feed;
    int64_t sent[SENT_MAX];
    size_t count;
    bool acknowledges, fails;
    bool closed;
};

static void *render(void *arg, int64_t place, const struct insp_record *record, size_t *ret_bytes) {
    int64_t *message = malloc(sizeof *message);
    (void)arg;
    ck_assert_str_eq(record->product, "carpet");
    *message = place;
    *ret_bytes = sizeof *message;
    return message;
}

static int send_one(void *arg, int64_t place, const void *message) {
    struct peer *peer = arg;
    ck_assert_int_eq(*(const int64_t *)message, place);
    if (peer->fails)
        return -1;
    ck_assert_uint_lt(peer->count, SENT_MAX);
    peer->sent[peer->count++] = place;
    if (peer->acknowledges)
        insp_feed_done(peer->feed, place, INSP_FEED_DELIVERED);
    return 0;
}

static const struct insp_feed_ops ops = {.render = render, .send = send_one};

static void open_feed(struct peer *peer, unsigned window) {
    const char *names[] = {"mqtt"};
    struct fixture *f = &peer->store;
    ck_insp_ok(insp_outbox_open(f->store, names, 1, &f->err), f->err);
    const struct insp_feed_config config = {.lanes = peer->lanes,
                                            .store = f->store,
                                            .name = "mqtt",
                                            .window = window,
                                            .window_bytes = 1 << 20,
                                            .ops = &ops,
                                            .arg = peer};
    ck_insp_ok(insp_feed_new(&config, &peer->feed, &f->err), f->err);
}

static void begin(struct peer *peer, unsigned window) {
    memset(peer, 0, sizeof *peer);
    fixture_open(&peer->store);
    uv_loop_init(&peer->loop);
    peer->lanes = lanes_open(&peer->loop);
    open_feed(peer, window);
}

static void on_closed(void *arg) {
    ((struct peer *)arg)->closed = true;
}

static void close_feed(struct peer *peer) {
    peer->closed = false;
    insp_feed_close(peer->feed, on_closed, peer);
    ck_assert(!peer->closed);
    while (!peer->closed)
        uv_run(&peer->loop, UV_RUN_ONCE);
}

static void end(struct peer *peer) {
    close_feed(peer);
    lanes_close(peer->lanes);
    uv_run(&peer->loop, UV_RUN_DEFAULT);
    uv_loop_close(&peer->loop);
    fixture_close(&peer->store);
}

static void put(struct peer *peer, unsigned count, bool told) {
    char id[INSP_UUID_BYTES];
    for (unsigned i = 0; i < count; i++) {
        struct insp_record record = fixture_record(id, "carpet", false);
        fixture_put(&peer->store, &record);
        if (told)
            insp_feed_came(peer->feed);
    }
}

static void wait_sent(struct peer *peer, size_t count) {
    while (peer->count < count)
        uv_run(&peer->loop, UV_RUN_ONCE);
    ck_assert_uint_eq(peer->count, count);
}

static struct insp_feed_status status_of(struct peer *peer) {
    struct insp_feed_status status;
    insp_feed_status(peer->feed, &status);
    return status;
}

static void check_sent(const struct peer *peer, size_t from, int64_t place, size_t count) {
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(peer->sent[from + i], place + (int64_t)i);
}

START_TEST(all_that_came_while_it_was_away_in_order) {
    struct peer peer;
    begin(&peer, 4);
    peer.acknowledges = true;
    put(&peer, 11, true);
    ck_assert_uint_eq(status_of(&peer).waiting, 11);
    ck_assert_int_gt(status_of(&peer).oldest_us, 0);
    ck_assert_uint_eq(peer.count, 0);
    insp_feed_open(peer.feed);
    wait_sent(&peer, 11);
    check_sent(&peer, 0, 1, 11);
    ck_assert(status_of(&peer).delivered == 11 && status_of(&peer).waiting == 0 &&
              status_of(&peer).oldest_us == 0);
    put(&peer, 1, true);
    wait_sent(&peer, 12);
    end(&peer);
}
END_TEST

START_TEST(no_more_than_the_window_without_acknowledgement) {
    struct peer peer;
    begin(&peer, 4);
    put(&peer, 9, true); /* before the first read, which else may find 3: more than half of the window */
    insp_feed_open(peer.feed);
    wait_sent(&peer, 4);
    insp_feed_done(peer.feed, 2, INSP_FEED_DELIVERED); /* out of order: the cursor stays */
    ck_assert_uint_eq(status_of(&peer).waiting, 9);
    insp_feed_done(peer.feed, 1, INSP_FEED_DELIVERED);
    ck_assert_uint_eq(status_of(&peer).waiting, 7);
    insp_feed_done(peer.feed, 1, INSP_FEED_DELIVERED); /* once more: ignored */
    insp_feed_done(peer.feed, 77, INSP_FEED_DELIVERED);
    wait_sent(&peer, 6);
    check_sent(&peer, 0, 1, 6);
    end(&peer);
}
END_TEST

START_TEST(what_was_not_acknowledged_is_sent_again) {
    struct peer peer;
    begin(&peer, 8);
    insp_feed_open(peer.feed);
    put(&peer, 3, true);
    wait_sent(&peer, 3);
    insp_feed_done(peer.feed, 1, INSP_FEED_DELIVERED);
    insp_feed_shut(peer.feed);
    insp_feed_open(peer.feed);
    wait_sent(&peer, 5);
    check_sent(&peer, 3, 2, 2);
    end(&peer);
}
END_TEST

START_TEST(a_restart_begins_behind_the_written_cursor) {
    struct peer peer;
    begin(&peer, 8);
    insp_feed_open(peer.feed);
    put(&peer, 4, true);
    wait_sent(&peer, 4);
    insp_feed_done(peer.feed, 1, INSP_FEED_DELIVERED);
    insp_feed_done(peer.feed, 2, INSP_FEED_LOST);
    insp_feed_done(peer.feed, 3, INSP_FEED_SKIPPED);
    close_feed(&peer);
    open_feed(&peer, 8);
    ck_assert(status_of(&peer).delivered == 1 && status_of(&peer).lost == 1 && status_of(&peer).waiting == 1);
    insp_feed_open(peer.feed);
    wait_sent(&peer, 5);
    check_sent(&peer, 4, 4, 1);
    end(&peer);
}
END_TEST

static int remove_some(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    return insp_sql_exec(db, arg, reterr);
}

START_TEST(inspections_that_retention_removed_are_counted) {
    static char sql[] =
        "DELETE FROM inspection WHERE key IN (SELECT key FROM outbox WHERE place IN (1, 2, 4, 6, 7))";
    struct peer peer;
    begin(&peer, 4);
    peer.acknowledges = true;
    put(&peer, 7, true);
    ck_insp_ok(insp_store_write(peer.store.store, remove_some, sql, &peer.store.err), peer.store.err);
    insp_feed_open(peer.feed);
    while (status_of(&peer).waiting)
        uv_run(&peer.loop, UV_RUN_ONCE);
    ck_assert_uint_eq(peer.count, 2);
    ck_assert(peer.sent[0] == 3 && peer.sent[1] == 5);
    ck_assert(status_of(&peer).lost == 5 && status_of(&peer).delivered == 2);
    end(&peer);
}
END_TEST

/* The store commits before insp_feed_came is called: a read in between sees more than the loop knows. */
START_TEST(a_read_may_be_ahead_of_the_news) {
    struct peer peer;
    begin(&peer, 4);
    peer.acknowledges = true;
    insp_feed_open(peer.feed);
    put(&peer, 1, false);
    put(&peer, 1, true);
    wait_sent(&peer, 2);
    insp_feed_came(peer.feed);
    ck_assert_uint_eq(status_of(&peer).waiting, 0);
    ck_assert_uint_eq(peer.count, 2);
    put(&peer, 1, true);
    wait_sent(&peer, 3);
    ck_assert_uint_eq(status_of(&peer).waiting, 0);
    end(&peer);
}
END_TEST

START_TEST(a_peer_that_fails_gets_it_later) {
    struct peer peer;
    begin(&peer, 4);
    peer.fails = true;
    put(&peer, 2, true);
    insp_feed_open(peer.feed);
    uv_run(&peer.loop, UV_RUN_ONCE);
    insp_feed_shut(peer.feed);
    peer.fails = false;
    insp_feed_open(peer.feed);
    wait_sent(&peer, 2);
    insp_feed_tick(peer.feed);
    end(&peer);
}
END_TEST

static int break_outbox(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    return insp_sql_exec(db, arg, reterr);
}

START_TEST(a_store_that_fails_is_asked_again) {
    static char away[] = "ALTER TABLE outbox RENAME TO elsewhere",
                back[] = "ALTER TABLE elsewhere RENAME TO outbox";
    struct peer peer;
    begin(&peer, 4);
    put(&peer, 2, true);
    ck_insp_ok(insp_store_write(peer.store.store, break_outbox, away, &peer.store.err), peer.store.err);
    insp_feed_open(peer.feed);
    while (!*status_of(&peer).failure)
        uv_run(&peer.loop, UV_RUN_ONCE);
    ck_insp_ok(insp_store_write(peer.store.store, break_outbox, back, &peer.store.err), peer.store.err);
    insp_feed_tick(peer.feed);
    wait_sent(&peer, 2);
    ck_assert_str_eq(status_of(&peer).failure, "");
    end(&peer);
}
END_TEST

INSP_TESTS(all_that_came_while_it_was_away_in_order, no_more_than_the_window_without_acknowledgement,
           what_was_not_acknowledged_is_sent_again, a_restart_begins_behind_the_written_cursor,
           inspections_that_retention_removed_are_counted, a_read_may_be_ahead_of_the_news,
           a_peer_that_fails_gets_it_later, a_store_that_fails_is_asked_again);
