#include "core/image/budget.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"

#include <pthread.h>

enum { LOOK_US = 50000 }; /* interval of the calls of asker->cancelled */

struct waiter {
    struct waiter *next;
};

/* The line's claims or the background's. */
struct share {
    uint64_t pixels, bytes, pixels_max, bytes_max;
    struct waiter *head, **tail;
};

struct insp_image_budget {
    uint64_t pixels_max, bytes_max;
    pthread_mutex_t lock;
    pthread_cond_t returned; /* all below under the lock */
    struct share share[2];   /* [background] */
    uint64_t waiting, refused;
};

int insp_image_budget_new(uint64_t pixels, uint64_t bytes, struct insp_image_budget **ret,
                          struct insp_error *reterr) {
    struct insp_image_budget *budget = calloc(1, sizeof *budget);
    pthread_condattr_t monotonic;
    if (!budget)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the decoders' budget");
    budget->pixels_max = pixels;
    budget->bytes_max = bytes;
    for (size_t i = 0; i < INSP_COUNT(budget->share); i++) {
        budget->share[i].tail = &budget->share[i].head;
        budget->share[i].pixels_max = i ? pixels / 2 : pixels;
        budget->share[i].bytes_max = i ? bytes / 2 : bytes;
    }
    pthread_mutex_init(&budget->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&budget->returned, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *ret = budget;
    return 0;
}

void insp_image_budget_free(struct insp_image_budget *budget) {
    if (!budget)
        return;
    pthread_mutex_destroy(&budget->lock);
    pthread_cond_destroy(&budget->returned);
    free(budget);
}

static bool fits(uint64_t used, uint64_t more, uint64_t max) {
    return !used || (more <= max && used <= max - more);
}

/* Under the lock. The background gets nothing while the line waits; otherwise a stream of small claims could
 * keep the line waiting for ever. */
static bool has_room(const struct insp_image_budget *budget, const struct share *share, uint64_t pixels,
                     uint64_t bytes) {
    const struct share *line = &budget->share[0], *back = &budget->share[1];
    if (share == back && line->head)
        return false;
    return fits(share->pixels, pixels, share->pixels_max) && fits(share->bytes, bytes, share->bytes_max) &&
           fits(line->pixels + back->pixels, pixels, budget->pixels_max) &&
           fits(line->bytes + back->bytes, bytes, budget->bytes_max);
}

static void wait_a_while(struct insp_image_budget *budget) {
    int64_t until_us = insp_mono_us() + LOOK_US;
    struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
    pthread_cond_timedwait(&budget->returned, &budget->lock, &until);
}

static void leave(struct share *share, const struct waiter *waiter) {
    struct waiter **at = &share->head;
    while (*at != waiter)
        at = &(*at)->next;
    *at = waiter->next;
    for (share->tail = &share->head; *share->tail; share->tail = &(*share->tail)->next)
        ;
}

/* Waits in the share's queue until this waiter is first and has room. Under the lock. */
static int wait_turn(struct insp_image_budget *budget, struct share *share, const struct insp_image_asker *asker,
                     uint64_t pixels, uint64_t bytes, struct insp_error *reterr) {
    struct waiter waiter = {0};
    int64_t began_us = insp_mono_us();
    int r = 0;
    *share->tail = &waiter;
    // cppcheck-suppress autoVariables ; leave() unlinks it before this function returns
    share->tail = &waiter.next;
    budget->waiting++;
    while (r == 0 && (share->head != &waiter || !has_room(budget, share, pixels, bytes))) {
        if (asker->cancelled && asker->cancelled(asker->cancelled_arg))
            r = insp_fail(reterr, INSP_E_CANCELLED, "the picture is no longer wanted");
        else if (asker->wait_us && insp_mono_us() - began_us >= asker->wait_us)
            r = insp_fail(reterr, INSP_E_QUEUE_FULL,
                          "other large pictures are being decoded; try again in a moment");
        else
            wait_a_while(budget);
    }
    budget->waiting--;
    budget->refused += r == INSP_E_QUEUE_FULL;
    leave(share, &waiter);
    pthread_cond_broadcast(&budget->returned); /* another waiter is first now */
    return r;
}

int insp_image_budget_claim(struct insp_image_budget *budget, const struct insp_image_asker *asker,
                            uint64_t pixels, uint64_t bytes, struct insp_image_claim *ret,
                            struct insp_error *reterr) {
    int r = 0;
    *ret = (struct insp_image_claim){0};
    if (!budget)
        return 0;
    struct share *share = &budget->share[asker->background];
    pthread_mutex_lock(&budget->lock);
    if (pixels > INSP_BUDGET_SMALL_PIXELS)
        r = wait_turn(budget, share, asker, pixels, bytes, reterr);
    if (r == 0) {
        share->pixels += pixels;
        share->bytes += bytes;
        *ret = (struct insp_image_claim){budget, asker->background, pixels, bytes};
    }
    pthread_mutex_unlock(&budget->lock);
    return r;
}

void insp_image_budget_return(struct insp_image_claim *claim) {
    struct insp_image_budget *budget = claim->budget;
    if (!budget)
        return;
    struct share *share = &budget->share[claim->background];
    pthread_mutex_lock(&budget->lock);
    share->pixels -= claim->pixels;
    share->bytes -= claim->bytes;
    pthread_cond_broadcast(&budget->returned);
    pthread_mutex_unlock(&budget->lock);
    *claim = (struct insp_image_claim){0};
}

void insp_image_budget_status(struct insp_image_budget *budget, struct insp_image_budget_status *ret) {
    pthread_mutex_lock(&budget->lock);
    *ret = (struct insp_image_budget_status){
        .pixels = budget->share[0].pixels + budget->share[1].pixels,
        .bytes = budget->share[0].bytes + budget->share[1].bytes,
        .pixels_max = budget->pixels_max,
        .bytes_max = budget->bytes_max,
        .waiting = budget->waiting,
        .refused = budget->refused,
    };
    pthread_mutex_unlock(&budget->lock);
}
