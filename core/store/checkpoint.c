#include "core/store/checkpoint.h"

#include "core/base/lanes/thread.h"
#include "core/base/log.h"

#include <limits.h>
#include <sqlite3.h>

enum { TRIES = 4 };

/* Moves what the journal has. Passive: it waits for nobody, and neither writer nor readers wait for it. Returns
 * the length of the journal at its beginning; -1 if it failed or another process is doing it. */
static int checkpoint(struct sqlite3 *db, bool *failing) {
    int pages = -1;
    int code = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, NULL);
    bool failed = code == SQLITE_OK ? pages < 0 : code != SQLITE_BUSY;
    if (failed && !*failing)
        insp_log_warning("the journal of the database cannot be moved into it, and grows error=%s",
                         INSP_LOG_QUOTED(sqlite3_errmsg(db)));
    *failing = failed;
    return code == SQLITE_OK ? pages : -1;
}

/* The journal starts anew only if a commit finds all of it moved, so the commits meanwhile are moved too. Returns
 * the length of the journal. */
static int checkpoint_all(struct sqlite3 *db, bool *failing) {
    int before = -1, pages = checkpoint(db, failing);
    for (int i = 1; i < TRIES && pages >= INSP_CHECKPOINT_PAGES && pages != before; i++) {
        before = pages;
        pages = checkpoint(db, failing);
    }
    return pages;
}

static void *run(void *arg) {
    struct insp_checkpointer *c = arg;
    bool failing = false;
    pthread_mutex_lock(&c->lock);
    for (;;) {
        while (!c->wanted && !c->stop)
            pthread_cond_wait(&c->due, &c->lock);
        if (c->stop)
            break;
        c->wanted = false;
        c->next_pages = INT_MAX; /* not while it works */
        pthread_mutex_unlock(&c->lock);
        int pages = checkpoint_all(c->db, &failing);
        pthread_mutex_lock(&c->lock);
        if (c->next_pages == INT_MAX) /* else the journal has begun anew meanwhile */
            c->next_pages = (pages < 0 ? c->last_pages : pages) + INSP_CHECKPOINT_PAGES;
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* Called by SQLite after each commit of the writer, with the length of its journal. */
static int committed(void *arg, struct sqlite3 *writer, const char *name, int pages) {
    struct insp_checkpointer *c = arg;
    pthread_mutex_lock(&c->lock);
    if (pages < c->last_pages) /* it started anew */
        c->next_pages = INSP_CHECKPOINT_PAGES;
    c->last_pages = pages;
    if (pages >= c->next_pages && !c->wanted) {
        c->wanted = true;
        pthread_cond_signal(&c->due);
    }
    pthread_mutex_unlock(&c->lock);
    if (pages >= INSP_CHECKPOINT_PAGES_MAX)
        sqlite3_wal_checkpoint_v2(writer, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return SQLITE_OK;
}

int insp_checkpoint_begin(struct insp_checkpointer *c, struct sqlite3 *writer, struct sqlite3 *db,
                          struct insp_error *reterr) {
    *c = (struct insp_checkpointer){.db = db, .next_pages = INSP_CHECKPOINT_PAGES};
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->due, NULL);
    int r = insp_thread_start(&c->thread, "insp-checkpoint", run, c, reterr);
    c->running = r == 0;
    if (r == 0)
        sqlite3_wal_hook(writer, committed, c); /* in place of SQLite's own, which checkpoints in the commit */
    else
        insp_checkpoint_end(c, writer);
    return r;
}

void insp_checkpoint_end(struct insp_checkpointer *c, struct sqlite3 *writer) {
    if (!c->db)
        return;
    if (c->running) {
        sqlite3_wal_hook(writer, NULL, NULL);
        pthread_mutex_lock(&c->lock);
        c->stop = true;
        pthread_cond_signal(&c->due);
        pthread_mutex_unlock(&c->lock);
        pthread_join(c->thread, NULL);
    }
    sqlite3_close(c->db);
    pthread_cond_destroy(&c->due);
    pthread_mutex_destroy(&c->lock);
    *c = (struct insp_checkpointer){0};
}
