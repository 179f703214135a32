#include "core/store/health.h"

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/lanes/thread.h"
#include "core/base/log.h"
#include "core/store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PROBE_BYTES = 64 << 10,
    FREE_BYTES_MIN = 512 << 10,
    PROBE_BUSY_MS = 250,
    CHECK_NICE = 19,
    CHECK_OPERATIONS = 10000
};
static const int64_t CHECK_MAX_US = 3600 * 1000000LL;
static const char *const files[INSP_STORE_FILES] = {"", "/inspectd.sqlite3", "/inspectd.sqlite3-wal",
                                                    "/inspectd.sqlite3-shm"};

/* --- the opened files --- */

static bool look(const struct insp_store *store, size_t i, struct insp_store_file *ret) {
    char path[INSP_PATH_BYTES];
    struct stat st;
    if (insp_path(path, NULL, "%s%s", store->state_dir, files[i]) < 0 || stat(path, &st) < 0)
        return false;
    *ret = (struct insp_store_file){st.st_dev, st.st_ino};
    return true;
}

void insp_store_remember_files(struct insp_store *store) {
    for (size_t i = 0; i < INSP_STORE_FILES; i++)
        if (!look(store, i, &store->file[i]))
            store->file[i] = (struct insp_store_file){0};
}

int insp_store_present(const struct insp_store *store, struct insp_error *reterr) {
    for (size_t i = 0; i < INSP_STORE_FILES; i++) {
        struct insp_store_file now;
        const struct insp_store_file *then = &store->file[i];
        if (!then->inode)
            continue;
        const char *name = i ? files[i] + 1 : "the state folder";
        if (!look(store, i, &now))
            return insp_fail(reterr, INSP_E_STORE_LOST,
                             "%s is gone: nothing can be stored; put it back, or restart to begin with a new one",
                             name);
        if (now.device != then->device || now.inode != then->inode)
            return insp_fail(reterr, INSP_E_STORE_LOST, "%s was replaced: nothing can be stored until a restart",
                             name);
    }
    return 0;
}

/* --- the known state --- */

static bool is_storage(int code) {
    return code == INSP_E_NOSPACE || code == INSP_E_IO || code == INSP_E_PERMISSION || code == INSP_E_STORE_LOST;
}

/* Removes the folder's path from a detail: readers of /readyz may not learn it. */
static void without_folder(const struct insp_store *store, const char *detail, char *ret, size_t bytes) {
    size_t length = strlen(store->state_dir);
    const char *at = strstr(detail, store->state_dir);
    if (at && at[length] == '/')
        snprintf(ret, bytes, "%.*s%s", (int)(at - detail), detail, at + length + 1);
    else
        snprintf(ret, bytes, "%s", detail);
}

void insp_store_note(struct insp_store *store, int code, const struct insp_error *error) {
    struct insp_error kept = {.code = code};
    if (code < 0 && !is_storage(code))
        return;
    if (code < 0)
        without_folder(store, error->detail, kept.detail, sizeof kept.detail);
    pthread_mutex_lock(&store->health_lock);
    store->failed = kept;
    pthread_mutex_unlock(&store->health_lock);
}

void insp_store_note_damage(struct insp_store *store, const char *what) {
    struct insp_error damage = {0};
    insp_fail(&damage, INSP_E_IO, "the database is damaged: %.300s", what);
    pthread_mutex_lock(&store->health_lock);
    bool known = store->damaged.code;
    if (!known)
        store->damaged = damage;
    pthread_mutex_unlock(&store->health_lock);
    if (!known)
        insp_log_error("the database is damaged: back up the state folder, see docs/storage.md detail=%s",
                       INSP_LOG_QUOTED(what));
}

int insp_store_health(struct insp_store *store, struct insp_error *reterr) {
    pthread_mutex_lock(&store->health_lock);
    struct insp_error why = store->damaged.code ? store->damaged : store->failed;
    pthread_mutex_unlock(&store->health_lock);
    if (why.code && reterr)
        *reterr = why;
    return why.code;
}

bool insp_store_is_damaged(struct insp_store *store) {
    pthread_mutex_lock(&store->health_lock);
    bool damaged = store->damaged.code;
    pthread_mutex_unlock(&store->health_lock);
    return damaged;
}

/* --- probing --- */

static int write_row(struct insp_store *store, bool for_real, struct insp_error *reterr) {
    pthread_mutex_lock(&store->write_lock);
    sqlite3_busy_timeout(store->writer, PROBE_BUSY_MS); /* inspections wait for this lock */
    int r = insp_sql_exec(store->writer, "BEGIN IMMEDIATE", reterr);
    if (r == 0 && for_real)
        r = insp_sql_exec(store->writer, "UPDATE retention SET one = 1", reterr);
    if (r == 0)
        r = insp_sql_exec(store->writer, for_real ? "COMMIT" : "ROLLBACK", reterr);
    if (!sqlite3_get_autocommit(store->writer))
        sqlite3_exec(store->writer, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_busy_timeout(store->writer, INSP_BUSY_MS);
    pthread_mutex_unlock(&store->write_lock);
    return r;
}

static int write_file(struct insp_store *store, struct insp_error *reterr) {
    static const char nothing[PROBE_BYTES];
    char path[INSP_PATH_BYTES];
    int r = insp_path(path, reterr, "%s/probe", store->state_dir);
    if (r == 0)
        r = insp_write_file(path, nothing, sizeof nothing, 0600, false, reterr);
    if (r == 0)
        unlink(path);
    return r;
}

/* Notices a full disk before an inspection fails on it. */
static int look_for_room(struct insp_store *store, struct insp_error *reterr) {
    uint64_t free_bytes, total_bytes;
    int r = insp_disk_free(store->state_dir, &free_bytes, &total_bytes, reterr);
    if (r == 0 && free_bytes < FREE_BYTES_MIN)
        return insp_fail(reterr, INSP_E_NOSPACE, "the disk is full: %llu bytes are free",
                         (unsigned long long)free_bytes);
    return r;
}

int insp_store_probe(struct insp_store *store, struct insp_error *reterr) {
    struct insp_error error = {0};
    pthread_mutex_lock(&store->health_lock);
    bool failing = store->failed.code;
    pthread_mutex_unlock(&store->health_lock);
    int r = insp_store_present(store, &error);
    if (r == 0)
        r = look_for_room(store, &error);
    if (r == 0 && failing)
        r = write_file(store, &error);
    if (r == 0)
        r = write_row(store, failing, &error);
    insp_store_note(store, r, &error);
    return insp_store_health(store, reterr);
}

/* --- the check of the whole database --- */

struct check {
    struct insp_store *store;
    int64_t end_us;
};

static int stop_check(void *arg) {
    const struct check *check = arg;
    return atomic_load(&check->store->check_stop) || insp_mono_us() > check->end_us;
}

static void run_check(struct check *check, struct sqlite3 *db) {
    _cleanup_stmt_ struct sqlite3_stmt *rows = NULL;
    int64_t begin_us = insp_mono_us();
    sqlite3_progress_handler(db, CHECK_OPERATIONS, stop_check, check);
    int step = insp_sql_prepare(db, "PRAGMA quick_check(1)", &rows, NULL) < 0 ? sqlite3_errcode(db) & 0xFF
                                                                              : sqlite3_step(rows);
    const char *said = step == SQLITE_ROW ? (const char *)sqlite3_column_text(rows, 0) : NULL;
    if (step == SQLITE_ROW && said && strcmp(said, "ok") != 0)
        insp_store_note_damage(check->store, said);
    else if (step == SQLITE_CORRUPT || step == SQLITE_NOTADB)
        insp_store_note_damage(check->store, sqlite3_errmsg(db));
    else if (step != SQLITE_ROW)
        insp_log_warning("the check of the database was interrupted seconds=%.1f",
                         (double)(insp_mono_us() - begin_us) / 1e6);
    else
        insp_log_debug("the database is undamaged seconds=%.1f", (double)(insp_mono_us() - begin_us) / 1e6);
}

static void *check_thread(void *arg) {
    struct insp_store *store = arg;
    struct check check = {store, insp_mono_us() + CHECK_MAX_US};
    struct sqlite3 *db = NULL;
    insp_thread_lower_priority(CHECK_NICE);
    if (insp_store_connect(store, SQLITE_OPEN_READONLY, &db, NULL) == 0)
        run_check(&check, db);
    sqlite3_close(db);
    return NULL;
}

int insp_store_check_begin(struct insp_store *store, struct insp_error *reterr) {
    if (!store->unclean || store->checking)
        return 0;
    int r = insp_thread_start(&store->checker, "insp-db-check", check_thread, store, reterr);
    if (r < 0)
        return r;
    store->checking = true;
    insp_log_warning("the last run did not end cleanly: the database is being checked");
    return 0;
}

void insp_store_check_end(struct insp_store *store) {
    if (!store->checking)
        return;
    atomic_store(&store->check_stop, true);
    pthread_join(store->checker, NULL);
    store->checking = false;
}
