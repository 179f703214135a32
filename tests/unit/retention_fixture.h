/* tests/unit/retention_fixture.h - open a store whose sweeps run at times that the test chooses. */
#ifndef INSP_TESTS_RETENTION_FIXTURE_H
#define INSP_TESTS_RETENTION_FIXTURE_H

#include "core/store/retention/retention.h"
#include "tests/unit/store_fixture.h"

static const int64_t DAY_US = 86400 * 1000000LL;

/* Bounds that never apply, except those that a test sets. */
static const struct insp_retention unbounded = {
    .sweep_percent = 100, .hour_percent = 100, .quarantine_bytes_max = UINT64_MAX, .thumbnail_bytes_max = 1 << 30};

/* Both clocks `later_us` from now. */
static inline struct insp_retention_now fixture_later(int64_t later_us) {
    return (struct insp_retention_now){insp_wall_us() + later_us, insp_mono_us() + later_us};
}

static inline struct insp_retention_result fixture_sweep(struct fixture *f, const struct insp_retention *policy,
                                                         int64_t later_us) {
    struct insp_retention_result result;
    const struct insp_retention_now now = fixture_later(later_us);
    ck_insp_ok(insp_retention_sweep(f->store, policy, &now, &result, &f->err), f->err);
    return result;
}

#endif
