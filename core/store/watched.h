/* core/store/watched.h - remember which files of a watched folder have been inspected. All functions block on
 * SQLite; any thread.
 *
 * The row of a file is added in the transaction of its inspection (insp_record), so that a file with a row was
 * inspected and one without was not, wherever the daemon was killed. The row is pending while result and removal
 * of the file are due, and then goes, or stays for as long as the file does. Retention does not touch the rows:
 * without them a file that stays would be inspected again. */
#ifndef INSP_STORE_WATCHED_H
#define INSP_STORE_WATCHED_H

#include "core/base/uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct insp_error;
struct insp_store;

/* Tells one content of a file from another. */
struct insp_file_identity {
    uint64_t device, inode;
    int64_t size, mtime_ns; /* of the last change */
};

/* Says whether both are the same content. The device does not count: it has another number after the folder was
 * mounted again. */
static inline bool insp_file_same(const struct insp_file_identity *a, const struct insp_file_identity *b) {
    return a->inode == b->inode && a->size == b->size && a->mtime_ns == b->mtime_ns;
}

struct insp_watched {
    const char *path; /* absolute; any bytes */
    struct insp_file_identity identity;
};

struct insp_watched_row {
    int64_t row; /* its number */
    struct insp_watched file;
    char id[INSP_UUID_BYTES]; /* of the inspection */
    bool pending;
};

/* Finds the rows of `files` [count] and calls `found` for each file with one: that of its path if it has the same
 * identity, else one with the same identity (and device) at another path, from which it may have been renamed. The
 * row is valid until the callback returns. Fails with the codes of insp_sql_fail. */
typedef void insp_watched_found(void *arg, size_t index, const struct insp_watched_row *row);
int insp_watched_find(struct insp_store *store, const struct insp_watched *files, size_t count,
                      insp_watched_found *found, void *arg, struct insp_error *reterr);

/* Lists the pending rows of the files below a folder (index 0, 1, ...). Fails with the codes of insp_sql_fail. */
int insp_watched_pending(struct insp_store *store, const char *folder, insp_watched_found *found, void *arg,
                         struct insp_error *reterr);

/* Describes a file whose result and removal are done. */
struct insp_watched_end {
    const char *row_path; /* of the row */
    const char *path;     /* of the file now */
    bool stays;           /* the row is kept, because the file stays or is not where it was */
};
/* Ends pending rows, in one transaction. Fails with the codes of insp_store_write. */
int insp_watched_finish(struct insp_store *store, const struct insp_watched_end *ends, size_t count,
                        struct insp_error *reterr);

/* Removes rows below a folder that are not pending and whose file two scans in a row have missed: one may miss a
 * file that is being renamed. seen [count]: the numbers of the rows that the scan has met, sorted. A bounded
 * number at once. Fails with the codes of insp_store_write. */
int insp_watched_prune(struct insp_store *store, const char *folder, const int64_t *seen, size_t count,
                       struct insp_error *reterr);

#endif
