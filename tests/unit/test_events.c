#include "api/watch/events.h"
#include "core/base/uuid.h"
#include "tests/unit/harness.h"

/* The event ring without a client: no connection is woken. tests/http/test_events.py drives streams. */

enum { RING = 1024 }; /* events.c */

static struct insp_error err;

static struct api_events *begin(void) {
    struct api_events *events;
    ck_insp_ok(api_events_new(NULL, NULL, &events, &err), err);
    return events;
}

START_TEST(test_has_what_was_published) {
    struct api_events *events = begin();
    char id[INSP_UUID_BYTES], other[INSP_UUID_BYTES];
    insp_uuid7(id);
    insp_uuid7(other);
    ck_assert(!api_events_has(events, id));
    api_events_publish(events, "inspection", id, json_pack("{s:i}", "a", 1));
    ck_assert(api_events_has(events, id));
    ck_assert(!api_events_has(events, other));
    ck_assert_uint_eq(api_events_clients(events), 0);
    ck_assert_uint_eq(api_events_dropped(events), 0);
    api_events_free(events);
    api_events_free(NULL);
}
END_TEST

START_TEST(test_a_line_as_it_is) {
    struct api_events *events = begin();
    char id[INSP_UUID_BYTES], none[INSP_UUID_BYTES];
    insp_uuid7(id);
    insp_uuid7(none);
    api_events_publish_line(events, "inspection", id, "{}\n");
    api_events_publish_line(events, "inspection", none, NULL);
    ck_assert(api_events_has(events, id));
    ck_assert(!api_events_has(events, none));
    api_events_free(events);
}
END_TEST

/* An event without data (no memory for it) leaves no trace. */
START_TEST(test_no_data_is_no_event) {
    struct api_events *events = begin();
    char id[INSP_UUID_BYTES];
    insp_uuid7(id);
    api_events_publish(events, "inspection", id, NULL);
    ck_assert(!api_events_has(events, id));
    api_events_free(events);
}
END_TEST

START_TEST(test_the_ring_forgets_the_oldest) {
    struct api_events *events = begin();
    char first[INSP_UUID_BYTES], second[INSP_UUID_BYTES], third[INSP_UUID_BYTES];
    insp_uuid7(first);
    insp_uuid7(second);
    api_events_publish(events, "inspection", first, json_object());
    api_events_publish(events, "inspection", second, json_object());
    insp_uuid7(third);
    api_events_publish(events, "inspection", third, json_object());
    for (int i = 3; i < RING; i++)
        api_events_publish(events, "job", NULL, json_object());
    ck_assert(api_events_has(events, first));
    api_events_publish(events, "job", NULL, json_object());
    ck_assert(!api_events_has(events, first));
    ck_assert(!api_events_has(events, second)); /* an event since it began, that of `first`, is lost */
    ck_assert(api_events_has(events, third));
    api_events_ping(events); /* there is no client */
    api_events_end(events);
    api_events_free(events);
}
END_TEST

START_TEST(test_ids_of_inspections_in_the_order_of_their_events) {
    struct api_events *events = begin();
    struct api_event_ids ids;
    char id[3][INSP_UUID_BYTES];
    for (size_t i = 0; i < 3; i++)
        insp_uuid7(id[i]);
    ck_insp_ok(api_events_ids(events, id[0], &ids, &err), err);
    ck_assert(!ids.count && !ids.has_after);
    api_event_ids_clear(&ids);
    static const size_t order[] = {1, 0, 2}; /* the second inspection overtook the first */
    for (size_t i = 0; i < 3; i++) {
        api_events_publish_line(events, "inspection", id[order[i]], "{}\n");
        api_events_publish(events, "job", NULL, json_object());
    }
    ck_insp_ok(api_events_ids(events, id[1], &ids, &err), err);
    ck_assert(ids.has_after);
    ck_assert_uint_eq(ids.count, 2);
    ck_assert_str_eq(ids.id[0], id[0]);
    ck_assert_str_eq(ids.id[1], id[2]);
    api_event_ids_clear(&ids);
    ck_insp_ok(api_events_ids(events, id[2], &ids, &err), err);
    ck_assert(ids.has_after && !ids.count);
    api_event_ids_clear(&ids);
    for (size_t i = 0; i < RING - 2; i++)
        api_events_publish(events, "job", NULL, json_object());
    ck_insp_ok(api_events_ids(events, id[1], &ids, &err), err);
    ck_assert(!ids.has_after);
    ck_assert_uint_eq(ids.count, 1);
    ck_assert_str_eq(ids.id[0], id[2]);
    api_event_ids_clear(&ids);
    api_events_free(events);
}
END_TEST

INSP_TESTS(test_ids_of_inspections_in_the_order_of_their_events, test_has_what_was_published, test_a_line_as_it_is,
           test_no_data_is_no_event, test_the_ring_forgets_the_oldest);
