/* core/store/schema.h - the database's schema as a table of migrations. Blocks on the disk. */
#ifndef INSP_STORE_SCHEMA_H
#define INSP_STORE_SCHEMA_H

#include "core/base/error.h"

#include <stddef.h>

struct sqlite3;

/* One step: the schema `version` is the one before it with `sql` applied. Rows are never edited once released; a
 * change is a new row at the end. */
struct insp_migration {
    int version;
    const char *sql;
};

/* The table, versions 1, 2, 3... without a gap. Static. */
const struct insp_migration *insp_schema_migrations(size_t *ret_count);

/* Brings db from its PRAGMA user_version to the newest, one transaction per row; says in the log that it does
 * so, every five seconds while it does, and when it is done. A database of a newer inspectd is refused by name:
 * INSP_E_IO. */
int insp_schema_migrate(struct sqlite3 *db, struct insp_error *reterr);

#endif
