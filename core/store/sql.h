/* core/store/sql.h - call SQLite under the error contract. A connection and its statements belong to one
 * thread at a time. */
#ifndef INSP_STORE_SQL_H
#define INSP_STORE_SQL_H

#include "core/base/cleanup.h"
#include "core/base/error.h"

#include <sqlite3.h>
#include <stdint.h>

/* Fills reterr from the connection's last error and returns the code:
 *   INSP_E_NOSPACE     a full disk
 *   INSP_E_PERMISSION  no right to write; the detail names path, owner and the process's uid
 *   INSP_E_IO          a damaged file (with the remedy), a file held by another process, other I/O errors
 *   INSP_E_CONFLICT    a key that exists already
 *   INSP_E_NOMEM, INSP_E_INTERNAL */
int insp_sql_fail(struct sqlite3 *db, struct insp_error *reterr);

/* Runs SQL without parameters. The functions below fail as insp_sql_fail. */
int insp_sql_exec(struct sqlite3 *db, const char *sql, struct insp_error *reterr);
/* Prepares a statement; *ret is the caller's to finalize (_cleanup_stmt_). */
int insp_sql_prepare(struct sqlite3 *db, const char *sql, struct sqlite3_stmt **ret, struct insp_error *reterr);

/* Reads the first column of the first row. Fails with INSP_E_NOT_FOUND without a row. */
int insp_sql_int(struct sqlite3 *db, const char *sql, int64_t *ret, struct insp_error *reterr);

/* Runs a bound statement that returns no rows and resets it for the next use. */
int insp_sql_run(struct sqlite3_stmt *statement, struct insp_error *reterr);

/* Binds a text without a copy: it must live until the statement is reset. NULL binds "". */
void insp_sql_bind_text(struct sqlite3_stmt *statement, int at, const char *text);

/* Returns a column's text, "" for NULL; valid until the next step. */
static inline const char *insp_sql_text(struct sqlite3_stmt *row, int at) {
    const unsigned char *text = sqlite3_column_text(row, at);
    return text ? (const char *)text : "";
}

static inline void insp_sql_finalizep(struct sqlite3_stmt **statement) {
    sqlite3_finalize(*statement);
}
#define _cleanup_stmt_ _cleanup_(insp_sql_finalizep)

#endif
