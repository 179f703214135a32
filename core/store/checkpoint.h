/* core/store/checkpoint.h - move the journal's pages into the database in a separate thread. SQLite would do it in
 * the commit that finds the journal long, and an inspection would wait for three fsyncs. */
#ifndef INSP_STORE_CHECKPOINT_H
#define INSP_STORE_CHECKPOINT_H

#include "core/base/error.h"

#include <pthread.h>
#include <stdbool.h>

struct sqlite3;

enum {
    /* Length of the journal from which the thread works. The first commit into a journal that starts anew syncs
     * its header, so SQLite's own 1000 pages would have that wait four times as often. */
    INSP_CHECKPOINT_PAGES = 4000,
    INSP_CHECKPOINT_PAGES_MAX = 12000, /* and from which a commit helps: commits were faster than the thread */
};

struct insp_checkpointer {
    pthread_t thread;
    bool running;
    struct sqlite3 *db;   /* the thread's */
    pthread_mutex_t lock; /* of the rest */
    pthread_cond_t due;
    bool wanted, stop;
    int next_pages; /* length of the journal from which the thread is wanted again */
    int last_pages; /* at the last commit */
};

/* Starts the thread, and takes over the journal of `writer`; `db` is another connection to the same database,
 * which the checkpointer closes at its end, also if this fails. The caller commits on one thread at a time. Fails
 * with INSP_E_NOMEM. */
int insp_checkpoint_begin(struct insp_checkpointer *checkpointer, struct sqlite3 *writer, struct sqlite3 *db,
                          struct insp_error *reterr);
/* Waits for a running checkpoint; accepts one that never began. Call it before the writer is closed. */
void insp_checkpoint_end(struct insp_checkpointer *checkpointer, struct sqlite3 *writer);

#endif
