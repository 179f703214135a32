/* The defects: visible, small, inside the picture, and nothing outside of their surroundings. */
#include "core/dataset/demo/demo_defects.h"
#include "harness.h"

#include <math.h>

enum { SIDE = 128 };

struct tally {
    unsigned masked, changed_far; /* pixels; far: beyond 0.35 of the middle */
    double darker;                /* mean change of brightness within the mask */
    bool edge;                    /* the mask touches the picture's edge */
};

static struct tally survey(enum insp_demo_defect kind, uint64_t key) {
    struct insp_demo_carpet carpet = insp_demo_carpet_new(key);
    struct insp_demo_flaw flaw = insp_demo_flaw_new(kind, key);
    struct tally tally = {0};
    for (unsigned i = 0; i < SIDE * SIDE; i++) {
        unsigned column = i % SIDE, row = i / SIDE;
        double x = (column + 0.5) / SIDE, y = (row + 0.5) / SIDE, before[3], after[3];
        insp_demo_carpet_colour(&carpet, x, y, before);
        insp_demo_carpet_colour(&carpet, x, y, after);
        bool masked = insp_demo_flaw_apply(&flaw, &carpet, x, y, after);
        double change = fabs(after[0] - before[0]) + fabs(after[1] - before[1]) + fabs(after[2] - before[2]);
        tally.changed_far += change > 0 && hypot(x - flaw.x, y - flaw.y) > 0.35;
        if (!masked)
            continue;
        tally.masked++;
        tally.darker += before[1] - after[1];
        tally.edge |= !column || !row || column == SIDE - 1 || row == SIDE - 1;
    }
    if (tally.masked)
        tally.darker /= tally.masked;
    return tally;
}

START_TEST(test_good_has_none) {
    struct tally tally = survey(INSP_DEMO_GOOD, 3);
    ck_assert_uint_eq(tally.masked, 0);
    ck_assert_uint_eq(tally.changed_far, 0);
}
END_TEST

START_TEST(test_defects_are_small_and_visible) {
    static const enum insp_demo_defect kinds[] = {INSP_DEMO_HOLE, INSP_DEMO_THREAD, INSP_DEMO_STAIN};
    for (size_t k = 0; k < INSP_COUNT(kinds); k++) {
        for (uint64_t key = 0; key < 40; key++) {
            struct tally tally = survey(kinds[k], key);
            double share = tally.masked / (double)(SIDE * SIDE);
            ck_assert_msg(share > 0.0015 && share < 0.05, "kind %d, key %u: share %g", (int)kinds[k],
                          (unsigned)key, share);
            ck_assert_uint_eq(tally.changed_far, 0);
            if (kinds[k] != INSP_DEMO_THREAD) { /* a thread may be as bright as the carpet, and reach the edge */
                ck_assert_double_gt(tally.darker, 20);
                ck_assert(!tally.edge);
            }
        }
    }
}
END_TEST

INSP_TESTS(test_good_has_none, test_defects_are_small_and_visible);
