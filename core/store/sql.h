/* core/store/sql.h - the little that stands between SQLite's interface and the error contract. A connection and
 * its statements belong to one thread at a time. */
#ifndef INSP_STORE_SQL_H
#define INSP_STORE_SQL_H

#include "core/base/cleanup.h"
#include "core/base/error.h"

#include <sqlite3.h>
#include <stdint.h>

/* Fills reterr from the connection's last error and returns the code: a full disk INSP_E_NOSPACE, no right to
 * write INSP_E_PERMISSION (path, owner and our uid), a damaged file INSP_E_IO with the way out, a key that is
 * there already INSP_E_CONFLICT. */
int insp_sql_fail(struct sqlite3 *db, struct insp_error *reterr);

int insp_sql_exec(struct sqlite3 *db, const char *sql, struct insp_error *reterr);
int insp_sql_prepare(struct sqlite3 *db, const char *sql, struct sqlite3_stmt **ret, struct insp_error *reterr);

/* The first column of the first row. INSP_E_NOT_FOUND without a row. */
int insp_sql_int(struct sqlite3 *db, const char *sql, int64_t *ret, struct insp_error *reterr);

/* Runs a bound statement that answers no rows and resets it for the next use. */
int insp_sql_run(struct sqlite3_stmt *statement, struct insp_error *reterr);

/* Text is bound without a copy: it must live until the statement is reset. NULL binds "". */
void insp_sql_bind_text(struct sqlite3_stmt *statement, int at, const char *text);

static inline void insp_sql_finalizep(struct sqlite3_stmt **statement) {
    sqlite3_finalize(*statement);
}
#define _cleanup_stmt_ _cleanup_(insp_sql_finalizep)

#endif
