#include "core/line/grabber.h"
#include "harness.h"

#include <string.h>

static const int64_t second_us = 1000000;

static struct insp_grabber_report report(const char *session) {
    struct insp_grabber_report made = {.mode = INSP_GRABBER_SOFTWARE, .state = INSP_GRABBER_CONNECTED};
    strcpy(made.session, session);
    return made;
}

static struct insp_grabber attached(int64_t now_us) {
    struct insp_grabber g = {.sequence = 100};
    struct insp_error error = {0};
    const struct insp_grabber_report first = report("a");
    ck_assert_int_eq(insp_grabber_take(&g, &first, now_us, 7, &error), 0);
    return g;
}

static int fire(struct insp_grabber *g, int64_t now_us, uint64_t *ret) {
    struct insp_error error = {0};
    return insp_grabber_fire(g, "P", NULL, false, now_us, ret, &error);
}

START_TEST(a_trigger_is_handed_over_once) {
    struct insp_grabber g = attached(0);
    struct insp_trigger got[INSP_TRIGGERS_MAX], ended;
    uint64_t first, second;
    ck_assert_int_eq(fire(&g, 10, &first), 0);
    ck_assert_int_eq(fire(&g, 20, &second), 0);
    ck_assert_uint_eq(first, 101);
    ck_assert_uint_eq(second, 102);
    ck_assert_uint_eq(insp_grabber_hand(&g, 30, got), 2);
    ck_assert_uint_eq(got[0].sequence, first);
    ck_assert_str_eq(got[1].part, "P");
    ck_assert_uint_eq(insp_grabber_hand(&g, 31, got), 0);
    ck_assert(insp_grabber_end(&g, first, true, &ended));
    ck_assert(!insp_grabber_end(&g, first, true, &ended)); /* the second report of one result */
    ck_assert(!insp_grabber_end(&g, 0, true, &ended));
    ck_assert(insp_grabber_end(&g, second, false, &ended));
    ck_assert(g.fired == 1 && g.failed == 1);
}
END_TEST

START_TEST(a_lost_answer_is_handed_over_again_while_it_is_fresh) {
    struct insp_grabber g = attached(0);
    struct insp_grabber_report again = report("a");
    struct insp_trigger got[INSP_TRIGGERS_MAX];
    struct insp_error error = {0};
    uint64_t sequence;
    fire(&g, 0, &sequence);
    ck_assert_uint_eq(insp_grabber_hand(&g, 1, got), 1);
    ck_assert_int_eq(insp_grabber_take(&g, &again, 2, 7, &error), 0); /* it has got none */
    ck_assert_uint_eq(insp_grabber_hand(&g, 3, got), 1);
    again.after = sequence;
    ck_assert_int_eq(insp_grabber_take(&g, &again, 4, 7, &error), 0);
    ck_assert_uint_eq(insp_grabber_hand(&g, 5, got), 0);
    again.after = 0;
    ck_assert_int_eq(insp_grabber_take(&g, &again, 6, 7, &error), 0);
    ck_assert_uint_eq(insp_grabber_hand(&g, INSP_TRIGGER_FRESH_US + 1, got), 0); /* its part has gone */
}
END_TEST

START_TEST(an_overdue_trigger_is_given_up) {
    struct insp_grabber g = attached(0);
    struct insp_trigger got[INSP_TRIGGERS_MAX], ended;
    uint64_t handed, waiting;
    fire(&g, 0, &handed);
    insp_grabber_hand(&g, 0, got);
    fire(&g, 0, &waiting);
    ck_assert(!insp_grabber_expire(&g, false, INSP_TRIGGER_FRESH_US, &ended));
    ck_assert(insp_grabber_expire(&g, false, INSP_TRIGGER_FRESH_US + 1, &ended));
    ck_assert(ended.sequence == waiting && !ended.handed);
    ck_assert(!insp_grabber_expire(&g, false, INSP_TRIGGER_END_US, &ended));
    ck_assert(insp_grabber_expire(&g, true, INSP_TRIGGER_END_US, &ended) && ended.sequence == handed);
    ck_assert(!insp_grabber_expire(&g, true, INSP_TRIGGER_END_US, &ended));
    ck_assert_uint_eq(g.failed, 2);
}
END_TEST

START_TEST(only_a_connected_camera_in_software_mode_fires) {
    struct insp_grabber g = attached(0), never = {0};
    struct insp_grabber_report r = report("a");
    struct insp_error error = {0};
    uint64_t sequence;
    ck_assert_int_eq(fire(&never, second_us * 10, &sequence), INSP_E_CAMERA_AWAY);
    ck_assert_int_eq(fire(&g, INSP_GRABBER_GONE_US, &sequence), INSP_E_CAMERA_AWAY);
    for (int i = 0; i < INSP_TRIGGERS_MAX; i++)
        ck_assert_int_eq(fire(&g, 0, &sequence), 0);
    ck_assert_int_eq(fire(&g, 0, &sequence), INSP_E_QUEUE_FULL);
    r.state = INSP_GRABBER_CONNECTING;
    insp_grabber_take(&g, &r, 1, 7, &error);
    ck_assert_int_eq(fire(&g, 1, &sequence), INSP_E_CAMERA_AWAY);
    r.state = INSP_GRABBER_CONNECTED;
    r.mode = INSP_GRABBER_LINE;
    insp_grabber_take(&g, &r, 2, 7, &error);
    ck_assert_int_eq(fire(&g, 2, &sequence), INSP_E_CONFLICT);
}
END_TEST

START_TEST(another_session_waits_until_the_first_has_gone) {
    struct insp_grabber g = attached(0);
    const struct insp_grabber_report other = report("b");
    struct insp_error error = {0};
    ck_assert_int_eq(insp_grabber_take(&g, &other, 1, 7, &error), INSP_E_CONFLICT);
    ck_assert(!insp_grabber_silent(&g, INSP_GRABBER_GONE_US - 1));
    ck_assert(insp_grabber_silent(&g, INSP_GRABBER_GONE_US));
    g.waiting = true; /* its report waits for a trigger */
    ck_assert(!insp_grabber_silent(&g, INSP_GRABBER_GONE_US));
    g.waiting = false;
    ck_assert_int_eq(insp_grabber_take(&g, &other, INSP_GRABBER_GONE_US, 7, &error), 0);
}
END_TEST

START_TEST(a_state_keeps_the_time_at_which_it_began) {
    struct insp_grabber g = attached(0);
    struct insp_grabber_report r = report("a");
    struct insp_error error = {0};
    insp_grabber_take(&g, &r, 1, 8, &error);
    ck_assert_int_eq(g.since_us, 7);
    r.state = INSP_GRABBER_SILENT;
    insp_grabber_take(&g, &r, 2, 9, &error);
    ck_assert_int_eq(g.since_us, 9);
    ck_assert(insp_grabber_silent(&g, 2));
    ck_assert_str_eq(insp_grabber_state_name(r.state), "silent");
    ck_assert_str_eq(insp_grabber_mode_name(r.mode), "software");
}
END_TEST

INSP_TESTS(a_trigger_is_handed_over_once, a_lost_answer_is_handed_over_again_while_it_is_fresh,
           an_overdue_trigger_is_given_up, only_a_connected_camera_in_software_mode_fires,
           another_session_waits_until_the_first_has_gone, a_state_keeps_the_time_at_which_it_began);
