/* core/store/outbox.h - keep the order in which inspections are committed, and how far each sink has come in it.
 *
 * Every committed inspection has a place: a number that grows by one, in the order of the commits. (Ids have
 * another order: an inspection with a smaller id may be stored later.) A sink is a receiver of inspections, such
 * as a message broker; its cursor is the place up to which it has got everything. Tables:
 *
 *   outbox  place and key of the inspections that a sink has yet to get. Rows are added in the transaction of the
 *           inspection, removed once every sink has them, and removed with their inspection by retention
 *   sink    cursor and totals of each sink
 *
 * Inspections get places once insp_outbox_open has been given a sink. All functions block on SQLite; any thread.
 */
#ifndef INSP_STORE_OUTBOX_H
#define INSP_STORE_OUTBOX_H

#include "core/store/store.h"

enum { INSP_SINK_NAME_BYTES = 32 };

/* Makes `names` [count] the sinks from now on. A new one begins behind the newest place; the cursors of others
 * that the database knows are forgotten, and so is the outbox if count is 0. Call it before the first put. Fails
 * with the codes of insp_store_write. */
int insp_outbox_open(struct insp_store *store, const char *const *names, size_t count, struct insp_error *reterr);

struct insp_outbox_state {
    int64_t place;            /* the sink has got everything up to here */
    int64_t newest;           /* the newest place that was given out */
    uint64_t delivered, lost; /* totals of the sink; lost: removed by retention, or refused by the receiver */
    int64_t oldest_us;        /* wall: when the first inspection behind `place` was received; 0: none */
};
/* Reads the state of a sink. Fails with INSP_E_NOT_FOUND for a name that insp_outbox_open was not given, and the
 * codes of insp_sql_fail. */
int insp_outbox_state(struct insp_store *store, const char *name, struct insp_outbox_state *ret,
                      struct insp_error *reterr);

/* Receives one inspection and its place; returns non-zero to stop. */
typedef int insp_outbox_callback(void *arg, int64_t place, const struct insp_record *record);

/* Reads up to `limit` inspections behind `after`, in the order of their places, without cam. Places that are left
 * out have been removed by retention.
 *   ret_newest   the newest place that was given out
 *   ret_through  the place up to which the page is complete: ret_newest if nothing is left behind the page, else
 *                that of its last inspection
 * Fails with the codes of insp_sql_fail. */
int insp_outbox_page(struct insp_store *store, int64_t after, size_t limit, insp_outbox_callback *callback,
                     void *arg, int64_t *ret_newest, int64_t *ret_through, struct insp_error *reterr);

/* Moves the cursor of a sink to `place`, adds to its totals, and removes rows that every sink has got (a bounded
 * number; the rest go with the next call). Fails with the codes of insp_store_write. */
int insp_outbox_advance(struct insp_store *store, const char *name, int64_t place, uint64_t delivered,
                        uint64_t lost, struct insp_error *reterr);

#endif
