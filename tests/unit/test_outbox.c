#include "core/store/outbox.h"

#include "tests/unit/store_fixture.h"

struct seen {
    size_t count;
    int64_t place[16];
    char id[16][INSP_UUID_BYTES];
    size_t stop_at;
};

static int collect(void *arg, int64_t place, const struct insp_record *record) {
    struct seen *seen = arg;
    ck_assert_uint_lt(seen->count, 16);
    seen->place[seen->count] = place;
    strcpy(seen->id[seen->count++], record->id);
    return seen->count == seen->stop_at;
}

static int64_t newest, through;

static struct seen page(struct fixture *f, int64_t after, size_t limit, size_t stop_at) {
    struct seen seen = {.stop_at = stop_at};
    ck_insp_ok(insp_outbox_page(f->store, after, limit, collect, &seen, &newest, &through, &f->err), f->err);
    return seen;
}

static void put(struct fixture *f, char *id) {
    struct insp_record record = fixture_record(id, "carpet", false);
    fixture_put(f, &record);
}

static int64_t count(struct fixture *f, const char *sql);

static int count_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const char **sql = arg;
    int64_t value = 0;
    int r = insp_sql_int(db, *sql, &value, reterr);
    return r < 0 ? r : (int)value;
}

static int64_t count(struct fixture *f, const char *sql) {
    return insp_store_read(f->store, count_work, &sql, &f->err);
}

static void open_sinks(struct fixture *f, const char *one, const char *two) {
    const char *names[] = {one, two};
    ck_insp_ok(insp_outbox_open(f->store, names, (size_t)(one != NULL) + (two != NULL), &f->err), f->err);
}

START_TEST(places_follow_the_commits_not_the_ids) {
    struct fixture f;
    char early[INSP_UUID_BYTES], late[INSP_UUID_BYTES];
    fixture_open(&f);
    open_sinks(&f, "mqtt", NULL);
    struct insp_record first = fixture_record(early, "carpet", false),
                       second = fixture_record(late, "carpet", true);
    ck_assert_str_lt(early, late);
    fixture_put(&f, &second);
    fixture_put(&f, &first);
    struct seen seen = page(&f, 0, 8, 0);
    ck_assert_uint_eq(seen.count, 2);
    ck_assert_str_eq(seen.id[0], late);
    ck_assert_str_eq(seen.id[1], early);
    ck_assert(seen.place[0] == 1 && seen.place[1] == 2 && newest == 2 && through == 2);
    seen = page(&f, 1, 8, 0);
    ck_assert_uint_eq(seen.count, 1);
    ck_assert_str_eq(seen.id[0], early);
    fixture_close(&f);
}
END_TEST

START_TEST(a_page_says_how_far_it_is_complete) {
    struct fixture f;
    char id[5][INSP_UUID_BYTES];
    fixture_open(&f);
    open_sinks(&f, "mqtt", NULL);
    for (int i = 0; i < 5; i++)
        put(&f, id[i]);
    page(&f, 0, 3, 0); /* the limit */
    ck_assert(newest == 5 && through == 3);
    page(&f, 0, 8, 2); /* the caller's stop */
    ck_assert_int_eq(through, 2);
    page(&f, 5, 8, 0);
    ck_assert_int_eq(through, 5);
    fixture_close(&f);
}
END_TEST

START_TEST(a_cursor_survives_and_only_what_all_have_is_removed) {
    struct fixture f;
    char id[4][INSP_UUID_BYTES];
    struct insp_outbox_state state;
    fixture_open(&f);
    open_sinks(&f, "mqtt", "webhook");
    for (int i = 0; i < 4; i++)
        put(&f, id[i]);
    ck_insp_ok(insp_outbox_advance(f.store, "mqtt", 3, 2, 1, &f.err), f.err);
    ck_assert_int_eq(count(&f, "SELECT count(*) FROM outbox"), 4);
    ck_insp_ok(insp_outbox_advance(f.store, "webhook", 2, 2, 0, &f.err), f.err);
    ck_assert_int_eq(count(&f, "SELECT count(*) FROM outbox"), 2);
    insp_store_close(f.store);
    ck_insp_ok(insp_store_open(f.dir, INSP_DURABLE_PROCESS, &f.store, &f.err), f.err);
    open_sinks(&f, "mqtt", "webhook");
    ck_insp_ok(insp_outbox_state(f.store, "mqtt", &state, &f.err), f.err);
    ck_assert(state.place == 3 && state.newest == 4 && state.delivered == 2 && state.lost == 1 &&
              state.oldest_us > 0);
    ck_insp_ok(insp_outbox_advance(f.store, "mqtt", 4, 1, 0, &f.err), f.err);
    ck_insp_ok(insp_outbox_advance(f.store, "webhook", 4, 2, 0, &f.err), f.err);
    ck_assert_int_eq(count(&f, "SELECT count(*) FROM outbox"), 0);
    put(&f, id[0]);
    ck_insp_ok(insp_outbox_state(f.store, "mqtt", &state, &f.err), f.err);
    ck_assert(state.place == 4 && state.newest == 5); /* a place is never given out again */
    fixture_close(&f);
}
END_TEST

START_TEST(sinks_come_and_go) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    struct insp_outbox_state state;
    fixture_open(&f);
    put(&f, id); /* before any sink: no place */
    open_sinks(&f, "mqtt", NULL);
    put(&f, id);
    open_sinks(&f, "mqtt", "webhook"); /* a new one begins with what comes */
    ck_insp_ok(insp_outbox_state(f.store, "webhook", &state, &f.err), f.err);
    ck_assert(state.place == 1 && state.newest == 1 && state.oldest_us == 0);
    open_sinks(&f, "webhook", NULL); /* mqtt is forgotten */
    ck_insp_code(insp_outbox_state(f.store, "mqtt", &state, &f.err), INSP_E_NOT_FOUND, f.err);
    put(&f, id);
    open_sinks(&f, NULL, NULL);
    ck_assert_int_eq(count(&f, "SELECT count(*) FROM outbox"), 0);
    put(&f, id);
    ck_assert_int_eq(count(&f, "SELECT count(*) FROM outbox"), 0);
    fixture_close(&f);
}
END_TEST

static int remove_all(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    (void)arg;
    return insp_sql_exec(
        db, "DELETE FROM inspection WHERE key IN (SELECT key FROM outbox WHERE place IN (2, 3, 4))", reterr);
}

START_TEST(retention_takes_inspections_out) {
    struct fixture f;
    char id[5][INSP_UUID_BYTES];
    fixture_open(&f);
    open_sinks(&f, "mqtt", NULL);
    for (int i = 0; i < 4; i++)
        put(&f, id[i]);
    ck_insp_ok(insp_store_write(f.store, remove_all, NULL, &f.err), f.err);
    struct seen seen = page(&f, 0, 8, 0);
    ck_assert_uint_eq(seen.count, 1);
    ck_assert(newest == 4 && through == 4);
    put(&f, id[4]);
    seen = page(&f, 1, 8, 0);
    ck_assert(seen.count == 1 && seen.place[0] == 5);
    fixture_close(&f);
}
END_TEST

INSP_TESTS(places_follow_the_commits_not_the_ids, a_page_says_how_far_it_is_complete,
           a_cursor_survives_and_only_what_all_have_is_removed, sinks_come_and_go,
           retention_takes_inspections_out);
