/* api/shadow/shadow_state.h - declare the state of the shadows for the files of api/shadow/. Loop thread, but for
 * what a task owns while it runs. */
#ifndef INSP_API_SHADOW_SHADOW_STATE_H
#define INSP_API_SHADOW_SHADOW_STATE_H

#include "core/base/lanes/work.h"
#include "core/base/uuid.h"
#include "core/serving/shadow.h"

enum {
    API_SHADOW_PARTS = 256,   /* that wait to be counted; more count as skipped */
    API_SHADOW_PRODUCTS = 64, /* in metrics */
};

/* A part with its run. */
struct api_shadow_part {
    char product[INSP_NAME_BYTES], version[INSP_NAME_BYTES], id[INSP_UUID_BYTES];
    int64_t since_us;
    struct insp_shadow_part part; /* id: NULL, the one above counts */
};

/* Counts of one product's shadow, as of the last part. */
struct api_shadow_known {
    char product[INSP_NAME_BYTES], version[INSP_NAME_BYTES];
    int64_t since_us, took_us; /* took_us: on the inference thread, since the start of the daemon or the shadow */
    struct insp_shadow_counts counts;
};

struct api_shadow {
    struct api_server *server;
    size_t waiting_count, known_count;
    struct api_shadow_part waiting[API_SHADOW_PARTS];
    struct api_shadow_known known[API_SHADOW_PRODUCTS];
    bool working, failed; /* working: the task below runs. failed: the last counting, logged once */

    /* the task's: counts the parts of one run, and acts by its rule */
    struct insp_task task;
    char product[INSP_NAME_BYTES];
    struct insp_shadow_choice choice;
    size_t count;
    struct api_shadow_part part[API_SHADOW_PARTS];
    struct insp_shadow_counts counts;
    bool promoted;
    int code;
    struct insp_error error;
};

#endif
