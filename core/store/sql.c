#include "core/store/sql.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail_permission(const char *path, const char *why, struct insp_error *reterr) {
    struct stat st;
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    if (stat(path, &st) < 0 && stat(folder, &st) < 0)
        return insp_fail(reterr, INSP_E_PERMISSION, "cannot open %s: %s", path, why);
    return insp_fail(reterr, INSP_E_PERMISSION,
                     "cannot write %s: %s; it belongs to uid %u with mode %04o, this process runs as uid %u", path,
                     why, (unsigned)st.st_uid, (unsigned)(st.st_mode & 07777), (unsigned)geteuid());
}

int insp_sql_fail(struct sqlite3 *db, struct insp_error *reterr) {
    const char *path = sqlite3_db_filename(db, "main"), *why = sqlite3_errmsg(db);
    if (!path || !*path)
        path = "the database";
    int system = sqlite3_system_errno(db);
    switch (sqlite3_errcode(db) & 0xFF) {
    case SQLITE_FULL:
        return insp_fail(reterr, INSP_E_NOSPACE, "no space left for %s", path);
    case SQLITE_IOERR:
        if (system == ENOSPC || system == EDQUOT)
            return insp_fail(reterr, INSP_E_NOSPACE, "no space left for %s", path);
        return insp_fail(reterr, INSP_E_IO, "%s: %s (%s)", path, why, strerror(system));
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return fail_permission(path, why, reterr);
    case SQLITE_NOMEM:
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the database");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return insp_fail(reterr, INSP_E_IO,
                         "%s is damaged (%s): stop inspectd, then restore a backup, or rescue the rows with "
                         "`sqlite3 FILE .recover`, or move the file away to start with an empty one",
                         path, why);
    case SQLITE_BUSY:
        return insp_fail(reterr, INSP_E_IO, "%s is held by another process", path);
    case SQLITE_CONSTRAINT:
        return insp_fail(reterr, INSP_E_CONFLICT, "%s: %s", path, why);
    default:
        return insp_fail(reterr, INSP_E_INTERNAL, "%s: %s", path, why);
    }
}

int insp_sql_exec(struct sqlite3 *db, const char *sql, struct insp_error *reterr) {
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : insp_sql_fail(db, reterr);
}

int insp_sql_prepare(struct sqlite3 *db, const char *sql, struct sqlite3_stmt **ret, struct insp_error *reterr) {
    return sqlite3_prepare_v2(db, sql, -1, ret, NULL) == SQLITE_OK ? 0 : insp_sql_fail(db, reterr);
}

int insp_sql_int(struct sqlite3 *db, const char *sql, int64_t *ret, struct insp_error *reterr) {
    _cleanup_stmt_ struct sqlite3_stmt *statement = NULL;
    int r = insp_sql_prepare(db, sql, &statement, reterr);
    if (r < 0)
        return r;
    int step = sqlite3_step(statement);
    if (step == SQLITE_DONE)
        return insp_fail(reterr, INSP_E_NOT_FOUND, "no row for: %s", sql);
    if (step != SQLITE_ROW)
        return insp_sql_fail(db, reterr);
    *ret = sqlite3_column_int64(statement, 0);
    return 0;
}

int insp_sql_run(struct sqlite3_stmt *statement, struct insp_error *reterr) {
    int r = sqlite3_step(statement) == SQLITE_DONE ? 0 : insp_sql_fail(sqlite3_db_handle(statement), reterr);
    sqlite3_reset(statement);
    return r;
}

void insp_sql_bind_text(struct sqlite3_stmt *statement, int at, const char *text) {
    sqlite3_bind_text(statement, at, text ? text : "", -1, SQLITE_STATIC);
}
