/* core/line/settle.h - decide when a file is complete. Pure; any thread.
 *
 * A file is complete when its writer has closed it or has renamed it to its place; else when it has not changed
 * for a settable time. Only the monotonic clock counts: the times of a file may come from another machine. */
#ifndef INSP_LINE_SETTLE_H
#define INSP_LINE_SETTLE_H

#include "core/store/watched.h"

#include <stdbool.h>

struct insp_settle {
    struct insp_file_identity identity; /* as last seen */
    int64_t since_us;                   /* monotonic: when it was first seen like that; 0: never seen */
    bool closed;                        /* its writer has closed it or has renamed it to its place since */
};

/* Notes that the file was seen at now_us. closed: its writer has just closed or renamed it. */
void insp_settle_see(struct insp_settle *settle, const struct insp_file_identity *identity, bool closed,
                     int64_t now_us);

/* Returns when the file may be read: at once if it is closed. */
int64_t insp_settle_due_us(const struct insp_settle *settle, int64_t settle_us);

/* Returns when a file that cannot be decoded may be given up: after the whole time although it is closed, because
 * a writer that lost its connection may open it again; after ten times as long if nobody was seen to close it,
 * because it may still be written, slowly. */
int64_t insp_settle_final_us(const struct insp_settle *settle, int64_t settle_us);

#endif
