#include "core/store/retention/retention_policy.h"

#include "tests/unit/harness.h"

#include <string.h>

static const int64_t HOUR_US = 3600 * 1000000LL;
static const int64_t DAY_US = 86400 * 1000000LL;
static const int64_t WALL_US = 1800000000 * 1000000LL;

/* --- order ------------------------------------------------------------------------------------------------------
 */

static void check_space(struct insp_retention_row *rows, size_t count, uint64_t bytes, const char *expected) {
    const struct insp_retention_need need = {.bytes = bytes, .bytes_max = UINT64_MAX, .image_bytes = 1000};
    bool removed[8], held;
    size_t n;
    ck_assert_int_eq(insp_retention_plan_space(&need, rows, count, removed, &n, &held, NULL), 0);
    ck_assert_uint_eq(n, strlen(expected));
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(removed[i] == (strchr(expected, rows[i].id[0]) != NULL), "row %s to free %llu", rows[i].id,
                      (unsigned long long)bytes);
}

/* The removed rows do not depend on the order of the rows: tries every order of six. */
static void permute(struct insp_retention_row *rows, size_t count, size_t at, uint64_t bytes,
                    const char *expected) {
    if (at == count)
        check_space(rows, count, bytes, expected);
    for (size_t i = at; i < count; i++) {
        struct insp_retention_row kept = rows[at];
        rows[at] = rows[i];
        rows[i] = kept;
        permute(rows, count, at + 1, bytes, expected);
        kept = rows[at];
        rows[at] = rows[i];
        rows[i] = kept;
    }
}

START_TEST(test_order_of_going) {
    struct insp_retention_row rows[6] = {
        {"a", 50, 10, INSP_KEEP_GOOD, false},
        {"b", 90, 10, INSP_KEEP_GOOD, false},
        {"c", 10, 10, INSP_KEEP_LABELLED, true},
        {"d", 60, 10, INSP_KEEP_LABELLED, false},
        {"e", 1, 10, INSP_KEEP_UNLABELLED_ANOMALY, true},
        {"f", 2, 10, INSP_KEEP_UNLABELLED_ANOMALY, true},
    };
    static const char *const gone[] = {"", "a", "ab", "abc", "abcd", "abcde", "abcdef"};
    for (uint64_t i = 0; i <= 6; i++)
        permute(rows, 6, 0, 10 * i, gone[i]);
    permute(rows, 6, 0, 1, "a");
    permute(rows, 6, 0, 1000, "abcdef");
}
END_TEST

START_TEST(test_age_has_a_limit_per_kind) {
    const struct insp_retention policy = {.good_age_us = 100, .anomaly_age_us = 500};
    const struct insp_retention_row rows[6] = {
        {"a", 899, 1, INSP_KEEP_GOOD, false},    {"b", 900, 1, INSP_KEEP_GOOD, false},
        {"c", 499, 1, INSP_KEEP_LABELLED, true}, {"d", 500, 1, INSP_KEEP_UNLABELLED_ANOMALY, true},
        {"e", 899, 1, INSP_KEEP_LABELLED, true}, /* good by verdict, an anomaly by label */
        {"f", 899, 1, INSP_KEEP_LABELLED, false}};
    bool removed[6], held;
    ck_assert_uint_eq(insp_retention_plan_age(&policy, rows, 6, 1000, 100, removed, &held), 3);
    ck_assert(removed[0] && !removed[1] && removed[2] && !removed[3] && !removed[4] && removed[5] && !held);
    ck_assert_uint_eq(insp_retention_plan_age(&policy, rows, 6, 1000, 1, removed, &held), 1);
    ck_assert(removed[0] && !removed[2] && held);
    const struct insp_retention for_ever = {0};
    ck_assert_uint_eq(insp_retention_plan_age(&for_ever, rows, 6, INT64_MAX, 100, removed, &held), 0);
}
END_TEST

/* --- properties, over made-up stores ----------------------------------------------------------------------------
 */

static uint64_t seed = 88172645463325252;
static uint64_t below(uint64_t n) { /* xorshift64 */
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % n;
}

enum { ROWS = 40 };

static uint64_t make_rows(struct insp_retention_row *rows) {
    uint64_t total = 0;
    for (int i = 0; i < ROWS; i++) {
        rows[i] = (struct insp_retention_row){.received_us = (int64_t)below(1000),
                                              .bytes = below(5) ? 1 + below(1000) : 0,
                                              .class = (enum insp_retention_class)below(3)};
        snprintf(rows[i].id, sizeof rows[i].id, "%d", i);
        total += rows[i].bytes;
    }
    return total;
}

START_TEST(test_space_keeps_its_bounds) {
    struct insp_retention_row rows[ROWS];
    for (int turn = 0; turn < 20000; turn++) {
        uint64_t total = make_rows(rows), freed = 0, worth = 0, last = 0;
        const struct insp_retention_need need = {.bytes = below(2 * total + 1),
                                                 .bytes_max = below(2) ? UINT64_MAX : below(total + 1),
                                                 .image_bytes = total,
                                                 .reserve_bytes = below(total + 1)};
        bool removed[ROWS], held;
        size_t n, marked = 0;
        ck_assert_int_eq(insp_retention_plan_space(&need, rows, ROWS, removed, &n, &held, NULL), 0);
        for (int i = 0; i < ROWS; i++) {
            marked += removed[i];
            freed += removed[i] ? rows[i].bytes : 0;
            worth += removed[i] && rows[i].class != INSP_KEEP_GOOD;
            last = removed[i] && rows[i].bytes > last ? rows[i].bytes : last;
        }
        ck_assert_uint_eq(marked, n);
        ck_assert(!n || freed - last < need.bytes);     /* no more than was asked, but for the last one */
        ck_assert(!n || freed - last < need.bytes_max); /* nor than is allowed */
        ck_assert(!worth || total - freed >= need.reserve_bytes); /* rows worth keeping stay, up to the reserve */
        ck_assert(held || freed >= need.bytes || freed == total);
        ck_assert(!held || freed < need.bytes);
        size_t wrong = 0; /* Check's assertions write to a pipe: one in this loop would take a minute */
        for (int i = 0; i < ROWS; i++)
            for (int k = 0; k < ROWS; k++) /* nothing goes while something of an earlier class stays */
                wrong += removed[i] && !removed[k] && rows[k].bytes && rows[k].class < rows[i].class;
        ck_assert_uint_eq(wrong, 0);
    }
}
END_TEST

/* In any hour at most a tenth and the number of new rows are removed, however often sweeps run. */
START_TEST(test_credit_bounds_every_hour) {
    const struct insp_retention policy = {.sweep_percent = 2, .hour_percent = 10};
    for (int turn = 0; turn < 300; turn++) {
        struct insp_retention_credit credit = {0};
        uint64_t kept = 1000000 + below(1000000000), rows = kept / 1000, spent_bytes = 0, spent_rows = 0;
        uint64_t came_bytes = 0, came_rows = 0, most = kept, most_rows = rows;
        int64_t mono_us = 1, begin_us = 1;
        uint64_t sweeps = 0;
        while (mono_us - begin_us < HOUR_US) {
            struct insp_retention_stock stock = {
                .image_bytes = kept, .rows = rows, .came_bytes = below(5000), .came_rows = below(5)};
            came_bytes += stock.came_bytes;
            came_rows += stock.came_rows;
            insp_retention_credit_fill(&credit, &policy, mono_us, &stock);
            ck_assert_uint_le(stock.sweep_bytes, kept / 50 + stock.came_bytes + 1);
            insp_retention_credit_spend(&credit, stock.sweep_bytes, stock.sweep_rows);
            spent_bytes += stock.sweep_bytes;
            spent_rows += stock.sweep_rows;
            kept += stock.came_bytes;
            rows += stock.came_rows;
            kept -= stock.sweep_bytes < kept ? stock.sweep_bytes : kept;
            rows -= stock.sweep_rows < rows ? stock.sweep_rows : rows;
            most = kept > most ? kept : most;
            most_rows = rows > most_rows ? rows : most_rows;
            mono_us += (int64_t)below((uint64_t)HOUR_US / 10);
            sweeps++;
        }
        /* the beginning grants one sweep's share more */
        ck_assert_uint_le(spent_bytes, most / 10 + most / 50 + came_bytes + sweeps + 2);
        ck_assert_uint_le(spent_rows, most_rows / 10 + most_rows / 50 + came_rows + 2 * INSP_RETENTION_ROWS + 2);
    }
}
END_TEST

START_TEST(test_credit_is_no_gift_of_a_restart) {
    const struct insp_retention policy = {.sweep_percent = 2, .hour_percent = 10};
    struct insp_retention_stock stock = {.image_bytes = 1000000, .rows = 1000000};
    struct insp_retention_credit credit = {.begun = true}; /* spent, then restarted */
    insp_retention_credit_fill(&credit, &policy, DAY_US, &stock);
    ck_assert_uint_eq(stock.sweep_bytes, 0);
    insp_retention_credit_fill(&credit, &policy, DAY_US + HOUR_US / 10, &stock);
    ck_assert_uint_eq(stock.sweep_bytes, 10000);
    insp_retention_credit_fill(&credit, &policy, 90 * DAY_US, &stock); /* a long pause is an hour */
    ck_assert_uint_eq(stock.sweep_bytes, 20000);
    ck_assert_double_le(credit.bytes, 100000);
}
END_TEST

/* --- space ------------------------------------------------------------------------------------------------------
 */

static const uint64_t MEGA = 1 << 20, GIGA = 1 << 30;

START_TEST(test_free_limit_fits_the_disk) {
    ck_assert_uint_eq(insp_retention_free_min(INSP_FREE_BYTES_AUTO, 1000 * GIGA), 2 * GIGA);
    ck_assert_uint_eq(insp_retention_free_min(INSP_FREE_BYTES_AUTO, 10000), 500);
    ck_assert_uint_eq(insp_retention_free_min(0, 10000), 0);
    ck_assert_uint_eq(insp_retention_free_min(7, 10000), 7);
}
END_TEST

START_TEST(test_space_asks_for_what_helps) {
    struct insp_retention policy = {.free_bytes_min = 2 * GIGA, .reserve_percent = 5};
    struct insp_retention_need need = {.bytes_max = 77};
    bool low, helpless;
    struct insp_retention_disk disk = {3 * GIGA, 100 * GIGA, 50 * GIGA};
    insp_retention_need_free(&policy, &disk, &need, &low, &helpless);
    ck_assert(need.bytes == 0 && need.reserve_bytes == 5 * GIGA && !low && !helpless && need.bytes_max == 77);
    disk.free_bytes = 2 * GIGA + 100 * MEGA; /* said before anything goes */
    insp_retention_need_free(&policy, &disk, &need, &low, &helpless);
    ck_assert(need.bytes == 0 && low && !helpless);
    disk.free_bytes = 1 * GIGA;
    insp_retention_need_free(&policy, &disk, &need, &low, &helpless);
    ck_assert(need.bytes == GIGA && low && !helpless);
    /* the attack: 200 MB free, forty small images */
    disk = (struct insp_retention_disk){200 * MEGA, 100 * GIGA, 4 * MEGA};
    insp_retention_need_free(&policy, &disk, &need, &low, &helpless);
    ck_assert(need.bytes == 0 && low && helpless);
    disk.free_bytes = 60 * MEGA;
    insp_retention_need_free(&policy, &disk, &need, &low, &helpless);
    ck_assert(need.bytes == 4 * MEGA && low && helpless);
    policy.free_bytes_min = 0;
    disk.free_bytes = 0;
    insp_retention_need_free(&policy, &disk, &need, &low, &helpless);
    ck_assert(need.bytes == 0 && !low && !helpless);
    policy.free_bytes_min = UINT64_MAX - 1;
    insp_retention_need_free(&policy, &disk, &need, &low, &helpless);
    ck_assert(low && helpless && need.bytes == 64 * MEGA);
}
END_TEST

START_TEST(test_total_asks_for_what_is_above) {
    const struct insp_retention policy = {.image_bytes_max = 1000, .reserve_percent = 5}, none = {0};
    struct insp_retention_need need = {0};
    insp_retention_need_total(&policy, 1300, &need);
    ck_assert(need.bytes == 300 && need.reserve_bytes == 50 && need.image_bytes == 1300);
    insp_retention_need_total(&policy, 900, &need);
    ck_assert_uint_eq(need.bytes, 0);
    insp_retention_need_total(&none, 1300, &need);
    ck_assert_uint_eq(need.bytes, 0);
}
END_TEST

/* --- clock ------------------------------------------------------------------------------------------------------
 */

START_TEST(test_a_jump_of_the_clock_is_not_believed) {
    struct insp_retention_clock clock = {0};
    int64_t mono_us = 5000;
    ck_assert(insp_retention_clock_believed(&clock, WALL_US, mono_us, WALL_US - HOUR_US));
    /* 400 days ahead for 14 s, as in the attack, and back */
    mono_us += 14000000;
    ck_assert(!insp_retention_clock_believed(&clock, WALL_US + 400 * DAY_US, mono_us, WALL_US - HOUR_US));
    mono_us += 14000000;
    ck_assert(insp_retention_clock_believed(&clock, WALL_US + 28000000, mono_us, WALL_US - HOUR_US));
    /* ahead for good: believed after a day of agreement, not before, and the doubt starts anew with each jump */
    for (int hour = 0; hour < 24; hour++)
        ck_assert(!insp_retention_clock_believed(&clock, WALL_US + 2 * DAY_US + hour * HOUR_US,
                                                 mono_us + hour * HOUR_US, 0));
    ck_assert(!insp_retention_clock_believed(&clock, WALL_US + 9 * DAY_US, mono_us + 24 * HOUR_US, 0));
    ck_assert(!insp_retention_clock_believed(&clock, WALL_US + 9 * DAY_US + HOUR_US, mono_us + 25 * HOUR_US, 0));
    ck_assert(insp_retention_clock_believed(&clock, WALL_US + 10 * DAY_US, mono_us + 48 * HOUR_US, 0));
    ck_assert(insp_retention_clock_believed(&clock, WALL_US + 10 * DAY_US + 5, mono_us + 48 * HOUR_US + 5, 0));
    /* back is a jump too: rows made meanwhile lie in the future */
    ck_assert(!insp_retention_clock_believed(&clock, WALL_US + 8 * DAY_US, mono_us + 48 * HOUR_US + 6, 0));
}
END_TEST

START_TEST(test_a_start_is_held_against_what_is_known) {
    struct insp_retention_clock clock = {0};
    ck_assert(!insp_retention_clock_believed(&clock, WALL_US, 1, WALL_US - 400 * DAY_US));
    ck_assert(!insp_retention_clock_believed(&clock, WALL_US + HOUR_US, HOUR_US, WALL_US - 400 * DAY_US));
    struct insp_retention_clock corrected = clock; /* by NTP, which had to be reached first */
    ck_assert(
        insp_retention_clock_believed(&corrected, WALL_US - 399 * DAY_US, HOUR_US + 1, WALL_US - 400 * DAY_US));
    ck_assert(insp_retention_clock_believed(&clock, WALL_US + DAY_US, DAY_US + 1, WALL_US - 400 * DAY_US));
    struct insp_retention_clock fresh = {0}, weekend = {0}, behind = {0};
    ck_assert(insp_retention_clock_believed(&fresh, WALL_US, 1, 0));
    ck_assert(insp_retention_clock_believed(&weekend, WALL_US, 1, WALL_US - 3 * DAY_US));
    ck_assert(insp_retention_clock_believed(&behind, WALL_US, 1, WALL_US + 400 * DAY_US));
    ck_assert(insp_retention_clock_believed(&fresh, WALL_US + 300 * 1000000LL, 300 * 1000000LL, 0));
    ck_assert(insp_retention_clock_believed(&fresh, WALL_US + 400 * 1000000LL, 330 * 1000000LL, 0)); /* a step */
}
END_TEST

/* --- the database against the folder ----------------------------------------------------------------------------
 */

START_TEST(test_orphans_that_kills_explain) {
    ck_assert(insp_orphans_plausible(&(struct insp_orphan_count){0}));
    ck_assert(insp_orphans_plausible(&(struct insp_orphan_count){.files = 1, .orphans = 1}));
    ck_assert(insp_orphans_plausible(&(struct insp_orphan_count){.files = 64, .orphans = 64}));
    ck_assert(insp_orphans_plausible(&(struct insp_orphan_count){.files = 100000, .orphans = 1000}));
    ck_assert(!insp_orphans_plausible(&(struct insp_orphan_count){.files = 1000, .orphans = 75}));
    ck_assert(!insp_orphans_plausible(&(struct insp_orphan_count){.files = 40, .orphans = 40, .before_birth = 1}));
    ck_assert(insp_orphans_plausible(&(struct insp_orphan_count){.files = 40, .orphans = 8, .behind_newest = 8}));
    ck_assert(!insp_orphans_plausible(&(struct insp_orphan_count){.files = 40, .orphans = 9, .behind_newest = 9}));
}
END_TEST

INSP_TESTS(test_order_of_going, test_age_has_a_limit_per_kind, test_space_keeps_its_bounds,
           test_credit_bounds_every_hour, test_credit_is_no_gift_of_a_restart, test_free_limit_fits_the_disk,
           test_space_asks_for_what_helps, test_total_asks_for_what_is_above,
           test_a_jump_of_the_clock_is_not_believed, test_a_start_is_held_against_what_is_known,
           test_orphans_that_kills_explain);
