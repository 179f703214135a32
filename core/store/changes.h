/* core/store/changes.h - who changed which model when: the audit table `model_change`. Rows are only ever added;
 * retention does not touch them. All functions block on SQLite; any thread. */
#ifndef INSP_STORE_CHANGES_H
#define INSP_STORE_CHANGES_H

#include "core/store/store.h"

/* Pointers are borrowed on the way in, valid until the callback returns on the way out. */
struct insp_change {
    const char *id;  /* UUIDv7; made by the store */
    int64_t at_us;   /* wall; the store's clock */
    const char *who; /* token, "cli", "job:<id>" */
    const char *product, *version;
    const char *field;     /* "threshold", "heatmap_threshold", "review", "active", "deleted" */
    const char *from, *to; /* JSON texts; "null" for none */
};

/* A change and its rows belong together: adds the rows, runs apply (NULL: nothing to do) inside the same
 * transaction, and commits. Where apply fails no row is kept; where the commit fails (a full disk) undo, unless
 * NULL, takes back what apply did. A crash between the two leaves a change without its row. */
struct insp_change_work {
    int (*apply)(void *arg, struct insp_error *reterr);
    void (*undo)(void *arg);
    void *arg;
};
int insp_changes_apply(struct insp_store *store, const struct insp_change *changes, size_t count,
                       const struct insp_change_work *work, struct insp_error *reterr);

/* Changes of a version, and the activations that took it out of service; newest first. before_id NULL: from the
 * newest. The callback returns non-zero to stop. */
typedef int insp_change_callback(void *arg, const struct insp_change *change);
int insp_changes_list(struct insp_store *store, const char *product, const char *version, const char *before_id,
                      size_t limit, insp_change_callback *callback, void *arg, struct insp_error *reterr);

#endif
