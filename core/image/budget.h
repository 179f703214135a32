/* core/image/budget.h - limit the resources of all decodes in flight together: pixels, which stand for
 * processor time, and bytes of memory. A decoder claims its share after it has read the header and before it
 * allocates; freeing the picture returns the claim.
 *
 * Pictures of at most INSP_BUDGET_SMALL_PIXELS are counted but never wait: the number of threads bounds them.
 * Larger ones wait in order of arrival, in one queue for the line and one for the background. The background
 * holds at most half of the budget, so readers leave the line its part, and gets nothing while the line waits.
 * A picture larger than a share is decoded alone in that share.
 *
 * Threads: any; insp_image_budget_claim blocks. */
#ifndef INSP_IMAGE_BUDGET_H
#define INSP_IMAGE_BUDGET_H

#include "core/base/error.h"

#include <stdint.h>

struct insp_image_budget;

enum { INSP_BUDGET_SMALL_PIXELS = 4000000 };

struct insp_image_claim {
    struct insp_image_budget *budget; /* NULL: no claim */
    bool background;
    uint64_t pixels, bytes;
};

/* Makes a budget of so many pixels and bytes in all, each 1 or more. *ret is the caller's. Fails with
 * INSP_E_NOMEM. */
int insp_image_budget_new(uint64_t pixels, uint64_t bytes, struct insp_image_budget **ret,
                          struct insp_error *reterr);
void insp_image_budget_free(struct insp_image_budget *budget); /* after all claims are returned; accepts NULL */

/* Describes the caller of a claim. */
struct insp_image_asker {
    bool background;              /* true: at most half of the budget, behind the line */
    int64_t wait_us;              /* longest wait, microseconds; 0: no limit */
    bool (*cancelled)(void *arg); /* called about 20 times a second during the wait; may be NULL */
    void *cancelled_arg;
};

/* Claims a share and waits for it if necessary. A NULL budget grants an empty claim. *ret is to be returned
 * with insp_image_budget_return. Fails with
 *   INSP_E_QUEUE_FULL  wait_us has passed
 *   INSP_E_CANCELLED   `cancelled` returned true */
int insp_image_budget_claim(struct insp_image_budget *budget, const struct insp_image_asker *asker,
                            uint64_t pixels, uint64_t bytes, struct insp_image_claim *ret,
                            struct insp_error *reterr);
void insp_image_budget_return(struct insp_image_claim *claim); /* empties the claim; an empty one is fine */

struct insp_image_budget_status {
    uint64_t pixels, bytes;         /* claimed now */
    uint64_t pixels_max, bytes_max; /* the limits */
    uint64_t waiting, refused;      /* pictures that wait now; that gave up after wait_us, since the start */
};
/* Reads the use of the budget. */
void insp_image_budget_status(struct insp_image_budget *budget, struct insp_image_budget_status *ret);

#endif
