/* core/image/budget.h - what all decodes in flight may take together: pixels, which stand for processor time, and
 * bytes of memory. Each decoder claims its share once it has read the header and before it allocates; the claim is
 * returned when the picture is freed.
 *
 * Pictures of at most INSP_BUDGET_SMALL_PIXELS are counted and never wait: the number of threads bounds them.
 * Others wait for their turn, first come first served, the line's and the background's apart; the background holds
 * at most half of the budget, so that readers never use up what the line needs. A picture that is larger than the
 * whole share is decoded when nothing else is.
 *
 * Threads: any; insp_image_budget_claim blocks. */
#ifndef INSP_IMAGE_BUDGET_H
#define INSP_IMAGE_BUDGET_H

#include "core/base/error.h"

#include <stdint.h>

struct insp_image_budget;

enum { INSP_BUDGET_SMALL_PIXELS = 4000000 };

struct insp_image_claim {
    struct insp_image_budget *budget; /* NULL: nothing is claimed */
    bool background;
    uint64_t pixels, bytes;
};

/* pixels and bytes: 1.. in all. INSP_E_NOMEM. */
int insp_image_budget_new(uint64_t pixels, uint64_t bytes, struct insp_image_budget **ret,
                          struct insp_error *reterr);
void insp_image_budget_free(struct insp_image_budget *budget); /* when nothing is claimed; NULL is fine */

/* Who asks. */
struct insp_image_asker {
    bool background;              /* not the line: half of the budget at most */
    int64_t wait_us;              /* how long to wait for a turn; 0: as long as it takes */
    bool (*cancelled)(void *arg); /* asked several times a second while it waits; may be NULL */
    void *cancelled_arg;
};

/* Claims a share, waiting for it where need be. A NULL budget claims nothing. INSP_E_QUEUE_FULL after wait_us,
 * INSP_E_CANCELLED. */
int insp_image_budget_claim(struct insp_image_budget *budget, const struct insp_image_asker *asker,
                            uint64_t pixels, uint64_t bytes, struct insp_image_claim *ret,
                            struct insp_error *reterr);
void insp_image_budget_return(struct insp_image_claim *claim); /* claims nothing afterwards */

struct insp_image_budget_status {
    uint64_t pixels, bytes;         /* claimed now */
    uint64_t pixels_max, bytes_max; /* the limits */
    uint64_t waiting, refused;      /* pictures that wait now; that waited in vain since the start */
};
void insp_image_budget_status(struct insp_image_budget *budget, struct insp_image_budget_status *ret);

#endif
