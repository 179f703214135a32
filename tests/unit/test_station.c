#include "core/line/station.h"

#include "core/base/cleanup.h"
#include "harness.h"

#include <string.h>

static const struct insp_station_writer plc = {{1}}, other = {{2}};
static const int64_t MS = 1000, SECOND = 1000000;
static struct insp_station s;
static int64_t now;

static void set(enum insp_station_coil coil, bool value) {
    insp_station_turn(&s, now);
    insp_station_write(&s, &plc, coil, 1, &value, now);
}

static void beat(void) {
    set(INSP_COIL_HEARTBEAT, !s.coil[INSP_COIL_HEARTBEAT]);
}

/* A PLC that beats and has set `enable`, 10 ms later. */
static void begin(void) {
    memset(&s, 0, sizeof s);
    now = 5000 * SECOND;
    beat();
    set(INSP_COIL_ENABLE, true);
    now += 10 * MS;
}

static const struct insp_station_result good = {.verdict = INSP_STATION_GOOD, .probability = 0.25f, .part = "p1"};

/* A result of an image that began to arrive `age_us` ago. */
static void offer_aged(enum insp_station_verdict verdict, enum insp_station_error error, int64_t age_us) {
    struct insp_station_result result = good;
    result.verdict = verdict;
    result.error = error;
    insp_station_offer(&s, &result, now - age_us, now);
}

static void offer(enum insp_station_verdict verdict) {
    offer_aged(verdict, INSP_STATION_NO_ERROR, 1 * MS);
}

static void pulse(enum insp_station_coil coil) {
    set(coil, true);
    set(coil, false);
}

START_TEST(test_a_station_begins_with_reject) {
    memset(&s, 0, sizeof s);
    ck_assert(!insp_station_good(&s) && !s.valid && !insp_station_ready(&s, true, 1));
    offer(INSP_STATION_GOOD); /* no PLC is there */
    ck_assert(!insp_station_good(&s) && !s.valid && s.inspections == 1 && s.sequence == 0);
}
END_TEST

START_TEST(test_a_result_stands_until_it_is_acknowledged) {
    begin();
    ck_assert(insp_station_ready(&s, true, now) && !insp_station_ready(&s, false, now));
    offer(INSP_STATION_GOOD);
    ck_assert(insp_station_good(&s) && s.valid && s.sequence == 1 && !s.error);
    now += 2 * SECOND;
    insp_station_turn(&s, now);
    ck_assert(insp_station_good(&s));
    set(INSP_COIL_ACKNOWLEDGE, true);
    ck_assert(!s.valid && !insp_station_good(&s));
    set(INSP_COIL_ACKNOWLEDGE, false);
    offer(INSP_STATION_ANOMALY);
    ck_assert(s.valid && !insp_station_good(&s) && s.sequence == 2 && s.anomalies == 1 && s.inspections == 2);
    pulse(INSP_COIL_ACKNOWLEDGE);
    offer(INSP_STATION_REVIEW);
    ck_assert(s.valid && !insp_station_good(&s) && s.goods == 1 && s.rejects == 2);
    pulse(INSP_COIL_RESET);
    ck_assert(s.inspections == 0 && s.anomalies == 0 && s.sequence == 3);
}
END_TEST

/* The PLC lowers its acknowledgement only when it has seen VALID fall: a result that arrives meanwhile must wait.
 */
START_TEST(test_a_result_waits_until_the_acknowledgement_has_fallen) {
    begin();
    offer(INSP_STATION_ANOMALY);
    set(INSP_COIL_ACKNOWLEDGE, true);
    offer(INSP_STATION_GOOD);
    ck_assert(!s.valid && s.holds && s.sequence == 1);
    set(INSP_COIL_ACKNOWLEDGE, false);
    ck_assert(insp_station_good(&s) && !s.holds && s.sequence == 2);
    pulse(INSP_COIL_ACKNOWLEDGE);
    set(INSP_COIL_ACKNOWLEDGE, true);
    offer(INSP_STATION_GOOD);
    offer(INSP_STATION_GOOD); /* and a third has no place */
    ck_assert(s.overrun && !insp_station_good(&s));
}
END_TEST

START_TEST(test_an_overrun_rejects_until_the_error_is_acknowledged) {
    begin();
    offer(INSP_STATION_GOOD);
    offer(INSP_STATION_GOOD);
    ck_assert(s.overrun && s.valid && s.error == INSP_STATION_OVERRUN && s.overruns == 1);
    ck_assert(!insp_station_good(&s) && s.result.verdict == INSP_STATION_UNDECIDED);
    ck_assert(!insp_station_ready(&s, true, now));
    pulse(INSP_COIL_ACKNOWLEDGE);
    offer(INSP_STATION_GOOD); /* whose part is it? */
    ck_assert(!s.valid && s.overrun && s.error == INSP_STATION_OVERRUN);
    pulse(INSP_COIL_ERROR_ACKNOWLEDGE);
    ck_assert(!s.overrun && !s.error && insp_station_ready(&s, true, now));
    now += 10 * MS;
    offer_aged(INSP_STATION_GOOD, INSP_STATION_NO_ERROR, 11 * MS); /* its image came before */
    ck_assert(!s.valid);
    offer(INSP_STATION_GOOD);
    ck_assert(insp_station_good(&s));
}
END_TEST

START_TEST(test_a_missed_heartbeat_withdraws_everything) {
    begin();
    offer(INSP_STATION_GOOD);
    now = s.beat_us + INSP_STATION_BEAT_US;
    insp_station_turn(&s, now);
    ck_assert(insp_station_good(&s) && insp_station_ready(&s, true, now));
    now++;
    insp_station_turn(&s, now);
    ck_assert(!s.valid && !insp_station_good(&s) && !insp_station_ready(&s, true, now));
    offer(INSP_STATION_GOOD);
    ck_assert(!s.valid);
    beat();
    ck_assert(insp_station_ready(&s, true, now) && !s.valid);
    now += 10 * MS;
    offer_aged(INSP_STATION_GOOD, INSP_STATION_NO_ERROR, 20 * MS); /* from the time without a PLC */
    ck_assert(!s.valid);
    offer(INSP_STATION_GOOD);
    ck_assert(insp_station_good(&s));
}
END_TEST

START_TEST(test_a_coil_that_is_written_again_is_no_heartbeat) {
    begin();
    for (int i = 0; i < 4; i++) {
        set(INSP_COIL_HEARTBEAT, s.coil[INSP_COIL_HEARTBEAT]);
        now += SECOND;
    }
    ck_assert(!insp_station_alive(&s, now));
}
END_TEST

START_TEST(test_the_trigger_withdraws_and_ends_a_result) {
    begin();
    offer(INSP_STATION_GOOD);
    s.part = (struct insp_station_part){.number = 7, .id = "seven"};
    set(INSP_COIL_TRIGGER, true);
    ck_assert(!s.valid && s.waits); /* it was for the part before */
    s.part.number = 8;              /* the next one: too early for this result */
    now += 10 * MS;
    offer_aged(INSP_STATION_GOOD, INSP_STATION_NO_ERROR, 11 * MS);
    ck_assert(!s.valid && s.waits); /* its image came before the trigger */
    struct insp_station_result result = good;
    result.part[0] = 0;
    insp_station_offer(&s, &result, now, now);
    ck_assert(insp_station_good(&s) && s.result.part_number == 7);
    ck_assert_str_eq(s.result.part, "seven");
    set(INSP_COIL_TRIGGER, false);
    ck_assert(!s.valid && !s.overrun);
}
END_TEST

START_TEST(test_two_images_of_one_trigger_are_an_overrun) {
    begin();
    set(INSP_COIL_TRIGGER, true);
    now += 10 * MS;
    offer(INSP_STATION_GOOD);
    pulse(INSP_COIL_ACKNOWLEDGE);
    offer(INSP_STATION_ANOMALY); /* the part has passed */
    ck_assert(s.overrun && !insp_station_good(&s));
}
END_TEST

START_TEST(test_the_deadline_rejects_and_the_late_result_is_dropped) {
    begin();
    s.part.deadline_ms = 50;
    set(INSP_COIL_TRIGGER, true);
    now += 50 * MS;
    insp_station_turn(&s, now);
    ck_assert(!s.valid && s.waits);
    now++;
    insp_station_turn(&s, now);
    ck_assert(s.valid && s.error == INSP_STATION_DEADLINE && !insp_station_good(&s) && s.result.latency_ms == 50);
    offer(INSP_STATION_GOOD);
    ck_assert(!insp_station_good(&s) && !s.overrun);
    pulse(INSP_COIL_ACKNOWLEDGE);
    offer(INSP_STATION_GOOD);
    ck_assert(!s.valid && !s.overrun);
    set(INSP_COIL_TRIGGER, false);
    now += 10 * MS;
    set(INSP_COIL_TRIGGER, true);
    now += 10 * MS;
    offer(INSP_STATION_GOOD);
    ck_assert(insp_station_good(&s) && !s.error);
}
END_TEST

START_TEST(test_a_result_with_an_error_is_a_reject) {
    static const enum insp_station_error errors[] = {INSP_STATION_NO_VERDICT, INSP_STATION_DEADLINE,
                                                     INSP_STATION_LATE, INSP_STATION_PRODUCT};
    begin();
    for (size_t i = 0; i < INSP_COUNT(errors); i++) {
        offer_aged(INSP_STATION_GOOD, errors[i], 1 * MS);
        ck_assert(s.valid && !insp_station_good(&s) && s.error == errors[i]);
        ck_assert_int_eq(s.result.verdict, INSP_STATION_UNDECIDED);
        pulse(INSP_COIL_ACKNOWLEDGE);
        ck_assert_int_eq(s.error, errors[i]); /* until its own acknowledgement */
        pulse(INSP_COIL_ERROR_ACKNOWLEDGE);
        ck_assert_int_eq(s.error, INSP_STATION_NO_ERROR);
    }
    offer_aged(INSP_STATION_GOOD, INSP_STATION_LATE, 1 * MS);
    pulse(INSP_COIL_ACKNOWLEDGE);
    offer(INSP_STATION_GOOD); /* or a result without one */
    ck_assert(insp_station_good(&s) && !s.error);
}
END_TEST

START_TEST(test_without_enable_nothing_is_presented) {
    begin();
    offer(INSP_STATION_GOOD);
    set(INSP_COIL_ENABLE, false);
    ck_assert(!s.valid && !insp_station_good(&s) && !insp_station_ready(&s, true, now));
    offer(INSP_STATION_GOOD);
    ck_assert(!s.valid);
    now += 10 * MS;
    set(INSP_COIL_ENABLE, true);
    offer_aged(INSP_STATION_GOOD, INSP_STATION_NO_ERROR, 5 * MS); /* its image came before */
    ck_assert(!s.valid);
}
END_TEST

START_TEST(test_one_plc_writes_while_its_heart_beats) {
    memset(&s, 0, sizeof s);
    now = SECOND;
    ck_assert(insp_station_may_write(&s, &other, now)); /* nobody beats */
    begin();
    ck_assert(insp_station_may_write(&s, &plc, now) && !insp_station_may_write(&s, &other, now));
    now += INSP_STATION_BEAT_US + 1;
    ck_assert(insp_station_may_write(&s, &other, now));
    bool value = !s.coil[INSP_COIL_HEARTBEAT];
    insp_station_write(&s, &other, INSP_COIL_HEARTBEAT, 1, &value, now);
    ck_assert(insp_station_may_write(&s, &other, now) && !insp_station_may_write(&s, &plc, now));
}
END_TEST

/* All coils in one write: the heartbeat counts first, so that the rest is not lost. */
START_TEST(test_coils_written_together) {
    memset(&s, 0, sizeof s);
    now = 5000 * SECOND;
    const bool values[INSP_COILS] = {true, true, true, false, false, true};
    insp_station_turn(&s, now);
    insp_station_write(&s, &plc, 0, INSP_COILS, values, now);
    insp_station_turn(&s, now);
    ck_assert(s.waits && insp_station_ready(&s, true, now));
    now += MS;
    offer_aged(INSP_STATION_GOOD, INSP_STATION_NO_ERROR, 0);
    ck_assert(insp_station_good(&s));
}
END_TEST

/* In any order of events GOOD stands only for a good result that the PLC, alive and enabled, has not
 * acknowledged, and only for an image of this trigger. */
START_TEST(test_any_sequence_is_fail_safe) {
    uint32_t state = 12345;
    begin();
    bool was_good = false;
    for (int i = 0; i < 40000; i++) {
        state = state * 1664525 + 1013904223;
        uint32_t draw = state >> 8;
        uint16_t before = s.sequence;
        bool offered_good = false;
        now += draw % 400 * MS;
        if (draw % 3 == 0) {
            enum insp_station_verdict verdict = draw / 3 % 4;
            enum insp_station_error error = draw / 12 % 3 ? 0 : INSP_STATION_LATE;
            offered_good = verdict == INSP_STATION_GOOD && !error;
            offer_aged(verdict, error, draw / 36 % 300 * MS);
        } else if (draw % 3 == 1) {
            set((enum insp_station_coil)(draw / 3 % INSP_COILS), draw / 18 % 2);
        } else {
            beat();
        }
        insp_station_turn(&s, now);
        bool is_good = insp_station_good(&s);
        ck_assert(!is_good || (s.valid && !s.overrun && s.coil[INSP_COIL_ENABLE] && insp_station_alive(&s, now)));
        ck_assert(!is_good || !s.error);
        /* it begins with a good result, offered now or held until the acknowledgement fell */
        ck_assert(!is_good || was_good || offered_good || s.sequence == (uint16_t)(before + 1));
        ck_assert(!(is_good && was_good && s.sequence != before)); /* never two without a gap */
        was_good = is_good;
    }
    ck_assert_uint_gt(s.goods, 10);
    ck_assert_uint_gt(s.overruns, 10);
}
END_TEST

INSP_TESTS(test_a_station_begins_with_reject, test_a_result_stands_until_it_is_acknowledged,
           test_a_result_waits_until_the_acknowledgement_has_fallen,
           test_an_overrun_rejects_until_the_error_is_acknowledged, test_a_missed_heartbeat_withdraws_everything,
           test_a_coil_that_is_written_again_is_no_heartbeat, test_the_trigger_withdraws_and_ends_a_result,
           test_two_images_of_one_trigger_are_an_overrun, test_the_deadline_rejects_and_the_late_result_is_dropped,
           test_a_result_with_an_error_is_a_reject, test_without_enable_nothing_is_presented,
           test_one_plc_writes_while_its_heart_beats, test_coils_written_together, test_any_sequence_is_fail_safe);
