/* core/store/health.h - watch the health of the store: whether folder and database are still the ones that
 * were opened, the last write succeeded, and the database is undamaged. Any thread. */
#ifndef INSP_STORE_HEALTH_H
#define INSP_STORE_HEALTH_H

#include "core/store/store.h"

/* Returns 0 while records can be stored, else a code and a detail without the folder's path. Returns the known
 * state and does not block. Fails with
 *   INSP_E_NOSPACE, INSP_E_IO, INSP_E_PERMISSION  the last write failed
 *   INSP_E_STORE_LOST                             folder or database are gone or were replaced
 *   INSP_E_IO                                     the database is damaged; until a restart */
int insp_store_health(struct insp_store *store, struct insp_error *reterr);

/* Probes the store: compares the files with the opened ones, looks at the free space and takes the database's
 * write lock; while a write has failed it also writes a little, so that an idle daemon notices when the fault
 * is over. insp_store_health reports the outcome from then on. Blocks on the disk: lane CHORE, every few
 * seconds. Fails as insp_store_health does. */
int insp_store_probe(struct insp_store *store, struct insp_error *reterr);

/* Starts a thread of low priority that checks the whole database (PRAGMA quick_check) while it is in use, if
 * the last end was not clean (a journal was left). insp_store_health and the log report damage.
 * insp_store_close ends the thread. Fails with INSP_E_NOMEM. */
int insp_store_check_begin(struct insp_store *store, struct insp_error *reterr);

#endif
