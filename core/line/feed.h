/* core/line/feed.h - hand committed inspections to one sink, in the order of their commits and at least once.
 *
 * The feed reads them from the store behind the sink's cursor (core/store/outbox.h), a window at a time; no queue
 * in memory holds what the sink has yet to get. A sink that is away costs nothing: its inspections stay in the
 * store until retention removes them, which the feed notices as gaps between places and counts as lost. The cursor
 * follows the acknowledgements once in a second: after a crash the sink gets the last second again.
 *
 * Threads: all functions on the loop, except insp_feed_new, which runs before it. The store is read and written in
 * lane BACK, and `render` is called there; an inspection's verdict never waits for any of it. */
#ifndef INSP_LINE_FEED_H
#define INSP_LINE_FEED_H

#include "core/base/lanes/work.h"
#include "core/store/outbox.h"

struct insp_feed;

/* Holds the operations that the protocol of a sink provides. */
struct insp_feed_ops {
    /* Makes the message of an inspection: malloc'd memory, which the feed frees with free(), and its size. NULL
     * without memory. Lane BACK. */
    void *(*render)(void *arg, int64_t place, const struct insp_record *record, size_t *ret_bytes);
    /* Sends a message, which stays valid until insp_feed_done or insp_feed_shut. Returns 0; a negative value if
     * the sink cannot take it now, after which insp_feed_shut must follow. Loop. */
    int (*send)(void *arg, int64_t place, const void *message);
};

struct insp_feed_config {
    struct insp_lanes *lanes; /* borrowed */
    struct insp_store *store; /* borrowed */
    const char *name;         /* of the sink, known to insp_outbox_open; static */
    unsigned window;          /* messages that may wait for their acknowledgement, 1.. */
    size_t window_bytes;      /* and their bytes; one message may be larger */
    const struct insp_feed_ops *ops;
    void *arg; /* of ops */
};

/* Reads the cursor. *ret is the caller's until insp_feed_close. Blocks on the disk. Fails with INSP_E_NOMEM and as
 * insp_outbox_state does. */
int insp_feed_new(const struct insp_feed_config *config, struct insp_feed **ret, struct insp_error *reterr);

/* Says that an inspection was committed. */
void insp_feed_came(struct insp_feed *feed);

/* Says that the sink takes messages from now on: the first is the one behind the cursor. */
void insp_feed_open(struct insp_feed *feed);

/* Says that the sink takes no more messages. The feed sends messages without insp_feed_done again after
 * insp_feed_open. */
void insp_feed_shut(struct insp_feed *feed);

enum insp_feed_outcome {
    INSP_FEED_DELIVERED,
    INSP_FEED_LOST,    /* the sink will never take it */
    INSP_FEED_SKIPPED, /* the sink does not want it */
};
/* Says what became of a message. Acknowledgements may come in any order;
 * one for a place that is not on its way is ignored. */
void insp_feed_done(struct insp_feed *feed, int64_t place, enum insp_feed_outcome outcome);

/* Writes the cursor if it has moved and reads again after a failure. The caller calls it once in a second. */
void insp_feed_tick(struct insp_feed *feed);

struct insp_feed_status {
    int64_t newest;           /* the newest place that the feed knows of */
    uint64_t waiting;         /* inspections that the sink has yet to get */
    int64_t oldest_us;        /* wall: when the oldest of them was received; 0: none */
    uint64_t delivered, lost; /* totals, also of earlier runs of the daemon */
    const char *failure;      /* why the store could not be read or written last; "": it could. Borrowed */
};
void insp_feed_status(const struct insp_feed *feed, struct insp_feed_status *ret);

/* Shuts the feed, waits for its work in lane BACK, writes the cursor, frees the feed and calls `closed` on the
 * loop (not inside this call). */
void insp_feed_close(struct insp_feed *feed, void (*closed)(void *arg), void *arg);

/* Frees a feed that has no work in a lane, such as after a failed start; accepts NULL. */
void insp_feed_free(struct insp_feed *feed);

#endif
