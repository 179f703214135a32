/* core/store/health.h - whether the store can be trusted with records: are folder and database still those that
 * were opened, did the last write succeed, is the database whole. All functions: any thread. */
#ifndef INSP_STORE_HEALTH_H
#define INSP_STORE_HEALTH_H

#include "core/store/store.h"

/* 0 while records can be stored; else a code and, for people and without the folder's path, why: the last write
 * failed (INSP_E_NOSPACE, INSP_E_IO, INSP_E_PERMISSION), the files are gone (INSP_E_STORE_LOST), or the database
 * is damaged (INSP_E_IO; for good). Does not block: answers what is known. */
int insp_store_health(struct insp_store *store, struct insp_error *reterr);

/* Asks: compares the files with those that were opened and takes the write lock of the database; while a write has
 * failed it writes a little as well, so that an idle daemon notices when the trouble is over. The outcome is
 * insp_store_health's from here on. Blocks on the disk: the pool, every few seconds. */
int insp_store_probe(struct insp_store *store, struct insp_error *reterr);

/* Where the last end was not clean (a journal was left): lets a thread of low priority look through the whole
 * database (PRAGMA quick_check) while it is used. What it finds is in insp_store_health and in the log.
 * insp_store_close ends it. INSP_E_NOMEM. */
int insp_store_check_begin(struct insp_store *store, struct insp_error *reterr);

#endif
