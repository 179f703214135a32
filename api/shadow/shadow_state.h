/* api/shadow/shadow_state.h - declare the state of the shadows for the files of api/shadow/. Loop thread, but for
 * what a task owns while it runs. */
#ifndef INSP_API_SHADOW_SHADOW_STATE_H
#define INSP_API_SHADOW_SHADOW_STATE_H

#include "core/base/lanes/work.h"
#include "core/base/uuid.h"
#include "core/serving/shadow.h"

#include <uv.h>

enum {
    API_SHADOW_PARTS = 256,     /* that wait to be counted; more are lost, which is counted */
    API_SHADOW_SOON = 64,       /* so many that wait are counted at once, fewer in the next group */
    API_SHADOW_GROUP_MS = 200,  /* between the transactions of two groups */
    API_SHADOW_RETRY_MS = 1000, /* after a transaction that failed */
    API_SHADOW_PRODUCTS = 64,   /* in metrics; those whose shadow has ended make room */
};

/* A part with its run. */
struct api_shadow_part {
    char product[INSP_NAME_BYTES], version[INSP_NAME_BYTES], id[INSP_UUID_BYTES];
    int64_t since_us;
    struct insp_shadow_part part; /* id: NULL, the one above counts */
};

/* Counts of one product's shadow, as of the last group. */
struct api_shadow_known {
    char product[INSP_NAME_BYTES], version[INSP_NAME_BYTES];
    int64_t since_us, took_us; /* took_us: on the inference thread, since the start of the daemon or the shadow */
    struct insp_shadow_counts counts;
    uint64_t lost;                         /* parts that are to be counted as lost */
    bool given_up;                         /* a stop could not count them */
    char failure[INSP_ERROR_DETAIL_BYTES]; /* why the shadow failed about the last part; "" */
};

struct api_shadow {
    struct api_server *server;
    uv_timer_t *timer; /* the server's: the next group */
    bool held;         /* parts wait for it: one of the server's `opinions` */
    int64_t next_us;   /* monotonic; earliest time of the next group */
    size_t waiting_count, known_count;
    struct api_shadow_part waiting[API_SHADOW_PARTS];
    struct api_shadow_known known[API_SHADOW_PRODUCTS];
    bool lost_unknown;    /* parts of a run without an entry in `known` were lost */
    bool working, failed; /* working: the task below runs. failed: the last counting, logged once */

    /* the task's: counts the parts of one run, and acts by its rule */
    struct insp_task task;
    char product[INSP_NAME_BYTES];
    struct insp_shadow_choice choice;
    size_t count;
    uint64_t lost; /* of the run, to be counted */
    bool over;     /* it is not the present run of its product */
    bool unsure;   /* parts of runs like this one were lost that nobody has counted */
    struct api_shadow_part part[API_SHADOW_PARTS];
    struct insp_shadow_counts counts;
    bool promoted;
    int code;
    struct insp_error error;
};

/* Returns the choice of a product's shadow if it is that run; NULL: the run is over. */
const struct insp_shadow_choice *api_shadow_choice_of(const struct api_shadow *shadow, const char *product,
                                                      const char *version, int64_t since_us);

/* Finds or makes the entry of a run; the present run of a product replaces the one before. NULL: no room, or the
 * run is over and has none. */
struct api_shadow_known *api_shadow_known_of(struct api_shadow *shadow, const char *product, const char *version,
                                             int64_t since_us);

/* Finds a run with lost parts that are to be counted. NULL: none. */
struct api_shadow_known *api_shadow_lost_run(struct api_shadow *shadow);

#endif
