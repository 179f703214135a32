/* core/store/changes.h - keep the audit table `model_change`: who changed which model when. Rows are only ever
 * added; retention does not touch them. All functions block on SQLite; any thread. */
#ifndef INSP_STORE_CHANGES_H
#define INSP_STORE_CHANGES_H

#include "core/store/store.h"

/* Describes one change. Pointers passed to insp_changes_apply are borrowed; those passed to a callback are
 * valid until it returns. */
struct insp_change {
    const char *id;  /* UUIDv7, made by the store */
    int64_t at_us;   /* wall, set by the store */
    const char *who; /* token, "cli", "job:<id>" */
    const char *product, *version;
    const char *field;     /* "threshold", "heatmap_threshold", "review", "active", "shadow", "deleted" */
    const char *from, *to; /* JSON texts; "null" for none */
};

/* Applies a change and records it: adds the rows, calls apply (NULL: nothing to do) inside the same
 * transaction, and commits. If apply fails no row is kept; if the commit fails (a full disk) undo, unless
 * NULL, reverses the work of apply. A crash between apply and commit leaves a change without its row. Fails as
 * apply does, and with the codes of insp_store_write. */
struct insp_change_work {
    int (*apply)(void *arg, struct insp_error *reterr);
    void (*undo)(void *arg);
    void *arg;
};
int insp_changes_apply(struct insp_store *store, const struct insp_change *changes, size_t count,
                       const struct insp_change_work *work, struct insp_error *reterr);

/* Lists the changes of a version, and the activations that replaced it, newest first; at most `limit` of them,
 * below before_id (NULL: from the newest). The callback returns non-zero to stop. */
typedef int insp_change_callback(void *arg, const struct insp_change *change);
int insp_changes_list(struct insp_store *store, const char *product, const char *version, const char *before_id,
                      size_t limit, insp_change_callback *callback, void *arg, struct insp_error *reterr);

#endif
