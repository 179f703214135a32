#include "core/store/lists/shadow_rows.h"

#include "tests/unit/store_fixture.h"

static const struct insp_shadow_run run = {.product = "p", .version = "v2", .since_us = 1000},
                                    later = {.product = "p", .version = "v2", .since_us = 2000};

struct seen {
    size_t count;
    char id[INSP_SHADOW_KEPT + 10][INSP_UUID_BYTES];
    struct insp_shadow_part part[INSP_SHADOW_KEPT + 10];
};

static int keep(void *arg, const struct insp_shadow_part *part) {
    struct seen *seen = arg;
    strcpy(seen->id[seen->count], part->id);
    seen->part[seen->count++] = *part;
    return 0;
}

static void stored(struct fixture *f, char *id) {
    struct insp_record record = fixture_record(id, "p", false);
    ck_insp_ok(insp_store_put_rows(f->store, &record, 1, &f->err), f->err);
}

static struct insp_shadow_part part(const char *id, enum insp_verdict active, enum insp_verdict shadow) {
    return (struct insp_shadow_part){.id = id, .active = active, .shadow = shadow, .probability = 0.25F};
}

START_TEST(verdicts_are_counted_by_what_the_shadow_would_change) {
    struct fixture f;
    char id[6][INSP_UUID_BYTES];
    struct insp_shadow_counts counts;
    static struct seen seen;
    fixture_open(&f);
    for (size_t i = 0; i < 6; i++)
        stored(&f, id[i]);
    const struct insp_shadow_part parts[] = {part(id[0], INSP_VERDICT_GOOD, INSP_VERDICT_GOOD),
                                             part(id[1], INSP_VERDICT_ANOMALY, INSP_VERDICT_GOOD),
                                             part(id[2], INSP_VERDICT_REVIEW, INSP_VERDICT_GOOD),
                                             part(id[3], INSP_VERDICT_GOOD, INSP_VERDICT_REVIEW),
                                             part(id[4], INSP_VERDICT_ANOMALY, INSP_VERDICT_REVIEW),
                                             {.id = id[5], .skipped = true}};
    ck_insp_ok(insp_store_shadow_add(f.store, &run, parts, 6, 0, &counts, &f.err), f.err);
    ck_assert(counts.parts == 5 && counts.agree == 1 && counts.missed == 2 && counts.rejected == 1);
    ck_assert(counts.skipped == 1 && counts.outcome == INSP_SHADOW_OPEN);
    ck_insp_ok(insp_store_shadow_add(f.store, &run, parts, 1, 0, &counts, &f.err), f.err);
    ck_assert_uint_eq(counts.parts, 6);
    ck_insp_ok(insp_store_shadow_list(f.store, &run, 3, keep, &seen, &f.err), f.err);
    ck_assert_uint_eq(seen.count, 3);
    ck_assert_str_eq(seen.id[0], id[4]);
    ck_assert(seen.part[0].active == INSP_VERDICT_ANOMALY && seen.part[0].shadow == INSP_VERDICT_REVIEW &&
              seen.part[0].probability == 0.25F);
    fixture_close(&f);
}
END_TEST

START_TEST(each_run_counts_for_itself_and_survives) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    struct insp_shadow_counts counts;
    fixture_open(&f);
    stored(&f, id);
    const struct insp_shadow_part one = part(id, INSP_VERDICT_GOOD, INSP_VERDICT_ANOMALY);
    ck_insp_ok(insp_store_shadow_counts(f.store, &run, &counts, &f.err), f.err);
    ck_assert_uint_eq(counts.parts, 0);
    ck_insp_ok(insp_store_shadow_add(f.store, &run, &one, 1, 0, &counts, &f.err), f.err);
    ck_insp_ok(insp_store_shadow_decided(f.store, &run, INSP_SHADOW_STAYS, &f.err), f.err);
    insp_store_close(f.store);
    ck_insp_ok(insp_store_open(f.dir, INSP_DURABLE_PROCESS, &f.store, &f.err), f.err);
    ck_insp_ok(insp_store_shadow_counts(f.store, &run, &counts, &f.err), f.err);
    ck_assert(counts.parts == 1 && counts.rejected == 1 && counts.outcome == INSP_SHADOW_STAYS);
    ck_insp_ok(insp_store_shadow_add(f.store, &run, &one, 1, 0, &counts, &f.err), f.err);
    ck_assert_int_eq(counts.outcome, INSP_SHADOW_STAYS); /* counting goes on, the outcome stays */
    ck_insp_ok(insp_store_shadow_counts(f.store, &later, &counts, &f.err), f.err);
    ck_assert(counts.parts == 0 && counts.outcome == INSP_SHADOW_OPEN);
    fixture_close(&f);
}
END_TEST

START_TEST(the_newest_disagreements_are_kept) {
    enum { MORE = 7 };
    struct fixture f;
    static char id[INSP_SHADOW_KEPT + MORE][INSP_UUID_BYTES];
    static struct insp_shadow_part parts[INSP_SHADOW_KEPT + MORE];
    static struct seen seen;
    struct insp_shadow_counts counts;
    fixture_open(&f);
    for (size_t i = 0; i < INSP_SHADOW_KEPT + MORE; i++) {
        stored(&f, id[i]);
        parts[i] = part(id[i], INSP_VERDICT_GOOD, INSP_VERDICT_ANOMALY);
    }
    ck_insp_ok(insp_store_shadow_add(f.store, &run, parts, INSP_SHADOW_KEPT + MORE, 0, &counts, &f.err), f.err);
    ck_assert_uint_eq(counts.rejected, INSP_SHADOW_KEPT + MORE);
    ck_insp_ok(insp_store_shadow_list(f.store, &run, INSP_SHADOW_KEPT + MORE, keep, &seen, &f.err), f.err);
    ck_assert_uint_eq(seen.count, INSP_SHADOW_KEPT);
    ck_assert_str_eq(seen.id[INSP_SHADOW_KEPT - 1], id[MORE]);
    fixture_close(&f);
}
END_TEST

START_TEST(answers_that_are_not_known_are_counted_apart) {
    struct fixture f;
    char id[2][INSP_UUID_BYTES];
    struct insp_shadow_counts counts;
    fixture_open(&f);
    stored(&f, id[0]);
    stored(&f, id[1]);
    const struct insp_shadow_part parts[] = {{.id = id[0], .failed = true}, {.id = id[1], .skipped = true}};
    ck_insp_ok(insp_store_shadow_add(f.store, &run, parts, 2, 3, &counts, &f.err), f.err);
    ck_insp_ok(insp_store_shadow_add(f.store, &run, NULL, 0, 4, &counts, &f.err), f.err);
    ck_assert(counts.parts == 0 && counts.failed == 1 && counts.skipped == 1 && counts.lost == 7);
    ck_insp_ok(insp_store_shadow_counts(f.store, &run, &counts, &f.err), f.err);
    ck_assert(counts.failed == 1 && counts.lost == 7);
    fixture_close(&f);
}
END_TEST

START_TEST(a_run_that_begins_ends_the_earlier_ones) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    static struct seen seen, other;
    struct insp_shadow_counts counts;
    const struct insp_shadow_run neighbour = {.product = "q", .version = "v2", .since_us = 500};
    fixture_open(&f);
    stored(&f, id);
    const struct insp_shadow_part one = part(id, INSP_VERDICT_GOOD, INSP_VERDICT_ANOMALY);
    ck_insp_ok(insp_store_shadow_add(f.store, &run, &one, 1, 0, &counts, &f.err), f.err);
    ck_insp_ok(insp_store_shadow_add(f.store, &neighbour, &one, 1, 0, &counts, &f.err), f.err);
    ck_insp_ok(insp_store_shadow_add(f.store, &later, &one, 1, 0, &counts, &f.err), f.err);
    ck_insp_ok(insp_store_shadow_counts(f.store, &run, &counts, &f.err), f.err);
    ck_assert_uint_eq(counts.parts, 0);
    ck_insp_ok(insp_store_shadow_list(f.store, &run, 10, keep, &seen, &f.err), f.err);
    ck_assert_uint_eq(seen.count, 0);
    ck_insp_ok(insp_store_shadow_list(f.store, &neighbour, 10, keep, &other, &f.err), f.err);
    ck_assert_uint_eq(other.count, 1);
    ck_insp_ok(insp_store_shadow_add(f.store, &later, &one, 1, 0, &counts, &f.err), f.err);
    ck_assert_uint_eq(counts.parts, 2);
    fixture_close(&f);
}
END_TEST

START_TEST(a_run_ends_the_others_after_a_clock_was_set_back_but_not_when_it_is_over) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    struct insp_shadow_counts counts;
    const struct insp_shadow_run late = {.product = "p", .version = "v3", .since_us = 1000, .over = true};
    fixture_open(&f);
    stored(&f, id);
    const struct insp_shadow_part one = part(id, INSP_VERDICT_GOOD, INSP_VERDICT_ANOMALY);
    ck_insp_ok(insp_store_shadow_add(f.store, &later, &one, 1, 0, &counts, &f.err), f.err);
    ck_insp_ok(insp_store_shadow_add(f.store, &run, &one, 1, 0, &counts, &f.err), f.err);
    ck_insp_ok(insp_store_shadow_counts(f.store, &later, &counts, &f.err), f.err);
    ck_assert_uint_eq(counts.parts, 0);
    ck_insp_ok(insp_store_shadow_add(f.store, &late, &one, 1, 0, &counts, &f.err), f.err);
    ck_assert_uint_eq(counts.parts, 1);
    ck_insp_ok(insp_store_shadow_counts(f.store, &run, &counts, &f.err), f.err);
    ck_assert_uint_eq(counts.parts, 1);
    fixture_close(&f);
}
END_TEST

INSP_TESTS(a_run_ends_the_others_after_a_clock_was_set_back_but_not_when_it_is_over,
           answers_that_are_not_known_are_counted_apart, a_run_that_begins_ends_the_earlier_ones,
           verdicts_are_counted_by_what_the_shadow_would_change, each_run_counts_for_itself_and_survives,
           the_newest_disagreements_are_kept);
