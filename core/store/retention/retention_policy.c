#include "core/store/retention/retention_policy.h"

#include "core/base/cleanup.h"

#include <stdlib.h>
#include <string.h>

enum {
    GROUP_FILES = 64,  /* image files that one killed transaction may leave */
    BEHIND_NEWEST = 8, /* of these, files that the last image of an idle line explains */
    FREE_AUTO_PERCENT = 5,
};
static const uint64_t FREE_AUTO_BYTES = UINT64_C(2) << 30;
static const int64_t HOUR_US = 3600 * 1000000LL;
static const int64_t DAY_US = 24 * 3600 * 1000000LL;
static const int64_t STEP_US = 10 * 60 * 1000000LL; /* largest step of a corrected clock between two sweeps */
static const int64_t WEEK_US = 7 * 24 * 3600 * 1000000LL;

/* --- rows for age and space --- */

struct place {
    const struct insp_retention_row *row;
    size_t index;
};

static int by_order(const void *left, const void *right) {
    const struct insp_retention_row *a = ((const struct place *)left)->row,
                                    *b = ((const struct place *)right)->row;
    if (a->class != b->class)
        return a->class < b->class ? -1 : 1;
    if (a->received_us != b->received_us)
        return a->received_us < b->received_us ? -1 : 1;
    return strcmp(a->id, b->id);
}

static bool too_old(const struct insp_retention *policy, const struct insp_retention_row *row, int64_t now_us) {
    int64_t limit = row->anomalous ? policy->anomaly_age_us : policy->good_age_us;
    return limit && now_us - row->received_us > limit;
}

size_t insp_retention_plan_age(const struct insp_retention *policy, const struct insp_retention_row *rows,
                               size_t count, int64_t now_us, uint64_t rows_max, bool *ret_remove, bool *ret_held) {
    size_t removed = 0;
    bool held = false;
    for (size_t i = 0; i < count; i++) {
        bool old = too_old(policy, &rows[i], now_us);
        ret_remove[i] = old && removed < rows_max;
        removed += ret_remove[i];
        held |= old && !ret_remove[i];
    }
    if (ret_held)
        *ret_held = held;
    return removed;
}

int insp_retention_plan_space(const struct insp_retention_need *need, const struct insp_retention_row *rows,
                              size_t count, bool *ret_remove, size_t *ret_count, bool *ret_held,
                              struct insp_error *reterr) {
    _cleanup_free_ struct place *places = calloc(count ? count : 1, sizeof *places);
    if (!places)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to plan the removal of %zu rows", count);
    for (size_t i = 0; i < count; i++) {
        ret_remove[i] = false;
        places[i] = (struct place){.row = &rows[i], .index = i};
    }
    qsort(places, count, sizeof *places, by_order);
    size_t removed = 0;
    uint64_t freed = 0;
    bool held = false;
    for (size_t i = 0; i < count && freed < need->bytes && !held; i++) {
        uint64_t bytes = places[i].row->bytes;
        if (!bytes)
            continue;
        /* All unlabelled good images precede the other classes, so here all kept images are worth keeping. */
        uint64_t left = need->image_bytes > freed + bytes ? need->image_bytes - freed - bytes : 0;
        held = freed >= need->bytes_max || (places[i].row->class != INSP_KEEP_GOOD && left < need->reserve_bytes);
        if (held)
            break;
        ret_remove[places[i].index] = true;
        removed++;
        freed += bytes;
    }
    *ret_count = removed;
    *ret_held = held;
    return 0;
}

/* --- the need for space --- */

static uint64_t percent_of(uint64_t bytes, unsigned percent) {
    return bytes / 100 * percent + bytes % 100 * percent / 100;
}

static uint64_t above(uint64_t a, uint64_t b) {
    return a > b ? a - b : 0;
}

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

uint64_t insp_retention_free_min(uint64_t free_bytes_min, uint64_t disk_bytes) {
    return free_bytes_min != INSP_FREE_BYTES_AUTO
               ? free_bytes_min
               : smaller(FREE_AUTO_BYTES, percent_of(disk_bytes, FREE_AUTO_PERCENT));
}

void insp_retention_need_free(const struct insp_retention *policy, const struct insp_retention_disk *disk,
                              struct insp_retention_need *ret, bool *ret_low, bool *ret_helpless) {
    uint64_t limit = insp_retention_free_min(policy->free_bytes_min, disk->total_bytes);
    ret->image_bytes = disk->image_bytes;
    ret->reserve_bytes = percent_of(disk->total_bytes, policy->reserve_percent);
    ret->bytes = above(limit, disk->free_bytes);
    *ret_low = limit && disk->free_bytes < limit + smaller(limit / 4, UINT64_MAX - limit);
    *ret_helpless = ret->bytes > disk->image_bytes;
    if (*ret_helpless)
        ret->bytes = above(smaller(limit, INSP_FREE_EMERGENCY_BYTES), disk->free_bytes);
}

void insp_retention_need_total(const struct insp_retention *policy, uint64_t image_bytes,
                               struct insp_retention_need *ret) {
    ret->image_bytes = image_bytes;
    ret->reserve_bytes = percent_of(policy->image_bytes_max, policy->reserve_percent);
    ret->bytes = policy->image_bytes_max ? above(image_bytes, policy->image_bytes_max) : 0;
}

/* --- credit --- */

static double fill(double credit, double hours, double share, double came) {
    double most = share + came;
    credit += share * hours + came;
    return credit < most ? credit : most;
}

static uint64_t whole(double value) {
    return value < 0 ? 0 : value >= 9e18 ? UINT64_C(9000000000000000000) : (uint64_t)value;
}

void insp_retention_credit_fill(struct insp_retention_credit *credit, const struct insp_retention *policy,
                                int64_t mono_us, struct insp_retention_stock *stock) {
    double bytes = (double)stock->image_bytes / 100, rows = (double)stock->rows / 100;
    double sweep_bytes = bytes * policy->sweep_percent + (double)stock->came_bytes;
    double sweep_rows = rows * policy->sweep_percent + (double)stock->came_rows + INSP_RETENTION_ROWS;
    if (!credit->begun) {
        *credit = (struct insp_retention_credit){
            .begun = true, .bytes = sweep_bytes, .rows = sweep_rows, .mono_us = mono_us};
    } else {
        int64_t since_us = credit->mono_us && mono_us > credit->mono_us ? mono_us - credit->mono_us : 0;
        double hours = (double)(since_us < HOUR_US ? since_us : HOUR_US) / (double)HOUR_US;
        credit->bytes = fill(credit->bytes, hours, bytes * policy->hour_percent, (double)stock->came_bytes);
        credit->rows =
            fill(credit->rows, hours, rows * policy->hour_percent + INSP_RETENTION_ROWS, (double)stock->came_rows);
        credit->mono_us = mono_us;
    }
    stock->sweep_bytes = whole(credit->bytes < sweep_bytes ? credit->bytes : sweep_bytes);
    stock->sweep_rows = whole(credit->rows < sweep_rows ? credit->rows : sweep_rows);
}

void insp_retention_credit_spend(struct insp_retention_credit *credit, uint64_t bytes, uint64_t rows) {
    credit->bytes -= (double)bytes;
    credit->rows -= (double)rows;
}

/* --- the clock --- */

static bool near(int64_t a_us, int64_t b_us) {
    return a_us - b_us < STEP_US && b_us - a_us < STEP_US;
}

static bool believe(struct insp_retention_clock *clock, int64_t wall_us, int64_t mono_us) {
    *clock = (struct insp_retention_clock){.known = true, .wall_us = wall_us, .mono_us = mono_us};
    return true;
}

bool insp_retention_clock_believed(struct insp_retention_clock *clock, int64_t wall_us, int64_t mono_us,
                                   int64_t evidence_us) {
    if (clock->known && near(wall_us - clock->wall_us, mono_us - clock->mono_us))
        return believe(clock, wall_us, mono_us);
    /* At a start only the past can be compared; a clock behind it removes too little, never too much. */
    if (!clock->known && (!evidence_us || wall_us - evidence_us < WEEK_US))
        return believe(clock, wall_us, mono_us);
    if (!clock->doubted || !near(wall_us - clock->doubt_wall_us, mono_us - clock->doubt_mono_us)) {
        clock->doubted = true;
        clock->doubt_wall_us = wall_us;
        clock->doubt_mono_us = mono_us;
    }
    return mono_us - clock->doubt_mono_us >= DAY_US && believe(clock, wall_us, mono_us);
}

/* --- the database of the folder --- */

bool insp_orphans_plausible(const struct insp_orphan_count *count) {
    return !count->before_birth && count->behind_newest <= BEHIND_NEWEST &&
           count->orphans <= GROUP_FILES + count->files / 100;
}
