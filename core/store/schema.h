/* core/store/schema.h - migrate the database's schema by a table of steps. Blocks on the disk. */
#ifndef INSP_STORE_SCHEMA_H
#define INSP_STORE_SCHEMA_H

#include "core/base/error.h"

#include <stddef.h>

struct sqlite3;

/* Describes one step: `sql` turns the schema before it into `version`. Never edit a released row; append a new
 * one. */
struct insp_migration {
    int version;
    const char *sql;
};

/* Returns the table, versions 1, 2, 3... without a gap. Static. */
const struct insp_migration *insp_schema_migrations(size_t *ret_count);

/* Migrates db from its PRAGMA user_version to the newest schema, one transaction per row. Logs the start, the
 * progress every five seconds, and the end. Fails with INSP_E_IO, whose detail names both versions, for a
 * database of a newer inspectd, and with the codes of insp_sql_fail. */
int insp_schema_migrate(struct sqlite3 *db, struct insp_error *reterr);

#endif
