#include "core/store/store.h"

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/store/images/thumbnail_file.h"
#include "core/store/internal.h"
#include "core/store/retention/orphans.h"
#include "core/store/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char put_row_sql[] =
    "INSERT INTO inspection (key, id, product, model, camera, part, anomaly, probability, threshold, heat_max,"
    " heat_area, heat_threshold, heat_low, heat_high, heat_per_image, boxes, width, height, sha256, media_type,"
    " extension, image_bytes, received_us, decode_us, queue_us, inference_us, store_us, total_us, review,"
    " receive_us, wait_us, suspect, takt_us, good_decided, good_score, good_threshold, good_percentile,"
    " heat_kind)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,"
    " ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38)";
static const char put_map_sql[] = "INSERT INTO map (key, cam) VALUES (?1, ?2)";
static const char put_tiled_map_sql[] = "INSERT INTO tiled_map (key, cam, columns) VALUES (?1, ?2, ?3)";
static const char put_place_sql[] = "INSERT INTO outbox (key) VALUES (?1)";
static const char minute_get_sql[] = "SELECT latency FROM minute WHERE minute = ?1 AND product = ?2";
static const char minute_put_sql[] =
    "INSERT INTO minute VALUES (?1, ?2, ?3, ?4, 0, 0, 0, zeroblob(512), ?5, ?6)"
    " ON CONFLICT (minute, product) DO UPDATE SET good = good + excluded.good, anomaly = anomaly + "
    "excluded.anomaly, review = review + excluded.review, late = late + excluded.late";
static const char drift_get_sql[] =
    "SELECT parts, bins, reference FROM drift WHERE day = ?1 AND product = ?2 AND camera = ?3 AND model = ?4";
static const char drift_put_sql[] =
    "INSERT INTO drift (day, product, camera, model, parts, reference, bins) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
    " ON CONFLICT (day, product, camera, model) DO UPDATE SET parts = excluded.parts,"
    " reference = excluded.reference, bins = excluded.bins";
static const char minute_late_sql[] =
    "UPDATE minute SET total_max_us = max(total_max_us, ?3), latency = ?4 WHERE minute = ?1 AND product = ?2";

/* Reports a folder that cannot be written before SQLite hides the reason behind "unable to open database
 * file". */
static int check_folder(const char *state_dir, struct insp_error *reterr) {
    struct stat st;
    int r = insp_mkdir_all(state_dir, 0750, reterr);
    if (r < 0)
        return r;
    if (stat(state_dir, &st) < 0)
        return insp_fail_errno(reterr, errno, "cannot examine state folder %s", state_dir);
    if (faccessat(AT_FDCWD, state_dir, R_OK | W_OK | X_OK, AT_EACCESS) < 0)
        return insp_fail_errno(
            reterr, errno,
            "state folder %s is not writable: it belongs to uid %u with mode %04o, inspectd runs "
            "as uid %u",
            state_dir, (unsigned)st.st_uid, (unsigned)(st.st_mode & 07777), (unsigned)geteuid());
    return 0;
}

int insp_store_connect(struct insp_store *store, int flags, struct sqlite3 **ret, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r = insp_path(path, reterr, "%s/inspectd.sqlite3", store->state_dir);
    if (r < 0)
        return r;
    struct sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        r = db ? insp_sql_fail(db, reterr) : insp_fail(reterr, INSP_E_NOMEM, "no memory for the database");
        sqlite3_close(db);
        return r;
    }
    sqlite3_busy_timeout(db, INSP_BUSY_MS);
    sqlite3_extended_result_codes(db, 1);
    *ret = db;
    return 0;
}

static int open_writer(struct insp_store *store, struct insp_error *reterr) {
    int r = insp_store_connect(store, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &store->writer, reterr);
    if (r == 0)
        r = insp_sql_exec(store->writer, "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;", reterr);
    /* WAL with NORMAL loses nothing if the process dies; FULL adds the fsync of each commit. */
    if (r == 0)
        r = insp_sql_exec(store->writer,
                          store->durability == INSP_DURABLE_POWER ? "PRAGMA synchronous = FULL"
                                                                  : "PRAGMA synchronous = NORMAL",
                          reterr);
    if (r == 0)
        r = insp_schema_migrate(store->writer, reterr);
    if (r == 0)
        r = insp_sql_prepare(store->writer, put_row_sql, &store->put_row, reterr);
    if (r == 0)
        r = insp_sql_prepare(store->writer, put_map_sql, &store->put_map, reterr);
    if (r == 0)
        r = insp_sql_prepare(store->writer, put_tiled_map_sql, &store->put_tiled_map, reterr);
    if (r == 0)
        r = insp_sql_prepare(store->writer, put_place_sql, &store->put_place, reterr);
    if (r == 0)
        r = insp_sql_prepare(store->writer, minute_get_sql, &store->minute_get, reterr);
    if (r == 0)
        r = insp_sql_prepare(store->writer, minute_put_sql, &store->minute_put, reterr);
    if (r == 0)
        r = insp_sql_prepare(store->writer, minute_late_sql, &store->minute_late, reterr);
    if (r == 0)
        r = insp_sql_prepare(store->writer, drift_get_sql, &store->drift_get, reterr);
    if (r == 0)
        r = insp_sql_prepare(store->writer, drift_put_sql, &store->drift_put, reterr);
    return r;
}

/* Reads the state from which retention and ids continue. */
static int read_past(struct insp_store *store, struct insp_error *reterr) {
    _cleanup_stmt_ struct sqlite3_stmt *row = NULL;
    int r =
        insp_sql_prepare(store->writer,
                         "SELECT born_us, believed_us, byte_credit, row_credit, id_ahead_us, newest.key,"
                         " newest.received_us FROM retention LEFT JOIN (SELECT key, received_us FROM inspection"
                         " NOT INDEXED ORDER BY key DESC LIMIT 1) AS newest",
                         &row, reterr);
    if (r < 0)
        return r;
    if (sqlite3_step(row) != SQLITE_ROW)
        return insp_sql_fail(store->writer, reterr);
    int64_t believed_us = sqlite3_column_int64(row, 1), received_us = sqlite3_column_int64(row, 6);
    store->opened_us = insp_wall_us();
    store->born_us = sqlite3_column_int64(row, 0);
    store->evidence_us = believed_us ? believed_us : received_us;
    store->id_ahead_us = sqlite3_column_int64(row, 4);
    store->opened_newest_us = (sqlite3_column_int64(row, 5) >> INSP_KEY_MS_SHIFT) * 1000;
    if (sqlite3_column_type(row, 5) != SQLITE_NULL)
        insp_uuid7_after(sqlite3_column_int64(row, 5) >> INSP_KEY_MS_SHIFT);
    if (sqlite3_column_type(row, 2) != SQLITE_NULL)
        store->credit = (struct insp_retention_credit){
            .begun = true, .bytes = sqlite3_column_double(row, 2), .rows = sqlite3_column_double(row, 3)};
    return 0;
}

/* Makes new ids follow those of jobs and changes of models, which are of the same kind; clients hold them as
 * their last event. */
static int go_on_with_ids(struct insp_store *store, struct insp_error *reterr) {
    _cleanup_stmt_ struct sqlite3_stmt *row = NULL;
    int r = insp_sql_prepare(
        store->writer, "SELECT (SELECT max(id) FROM jobs) UNION ALL SELECT (SELECT max(id) FROM model_change)",
        &row, reterr);
    int step = SQLITE_DONE;
    while (r == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        unsigned char blob[INSP_ID_BLOB_BYTES];
        int64_t key;
        const char *id = (const char *)sqlite3_column_text(row, 0);
        if (id && insp_id_parse(id, blob, &key))
            insp_uuid7_after(key >> INSP_KEY_MS_SHIFT);
    }
    return r < 0 || step == SQLITE_DONE ? r : insp_sql_fail(store->writer, reterr);
}

static int open_readers(struct insp_store *store, struct insp_error *reterr) {
    for (size_t i = 0; i < INSP_READERS; i++) {
        int r = insp_store_connect(store, SQLITE_OPEN_READONLY, &store->reader[i], reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

static int begin_checkpoints(struct insp_store *store, struct insp_error *reterr) {
    struct sqlite3 *db = NULL;
    int r = insp_store_connect(store, SQLITE_OPEN_READWRITE, &db, reterr);
    if (r == 0)
        r = insp_sql_exec(db, "PRAGMA journal_mode = WAL", reterr); /* before it, a connection knows no journal */
    if (r < 0) {
        sqlite3_close(db);
        return r;
    }
    return insp_checkpoint_begin(&store->checkpointer, store->writer, db, reterr);
}

/* Says whether the last run left a journal; an orderly end removes it. */
static bool journal_left(const struct insp_store *store) {
    char path[INSP_PATH_BYTES];
    struct stat st;
    return insp_path(path, NULL, "%s/inspectd.sqlite3-wal", store->state_dir) == 0 && stat(path, &st) == 0 &&
           st.st_size > 0;
}

int insp_store_open(const char *state_dir, enum insp_durability durability, struct insp_store **ret,
                    struct insp_error *reterr) {
    if (strlen(state_dir) >= INSP_STATE_DIR_BYTES)
        return insp_fail(reterr, INSP_E_IO, "the state folder's path is longer than %d bytes",
                         INSP_STATE_DIR_BYTES - 1);
    int r = check_folder(state_dir, reterr);
    if (r < 0)
        return r;
    struct insp_store *store = calloc(1, sizeof *store);
    if (!store)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the store");
    snprintf(store->state_dir, sizeof store->state_dir, "%s", state_dir);
    store->durability = durability;
    store->unclean = journal_left(store);
    pthread_mutex_init(&store->write_lock, NULL);
    pthread_mutex_init(&store->turn_lock, NULL);
    pthread_cond_init(&store->line_through, NULL);
    pthread_mutex_init(&store->read_lock, NULL);
    pthread_mutex_init(&store->thumbnail_lock, NULL);
    pthread_mutex_init(&store->sweep_lock, NULL);
    pthread_mutex_init(&store->health_lock, NULL);
    pthread_cond_init(&store->reader_free, NULL);
    r = open_writer(store, reterr);
    if (r == 0)
        r = read_past(store, reterr);
    if (r == 0)
        r = go_on_with_ids(store, reterr);
    if (r == 0)
        r = open_readers(store, reterr);
    if (r == 0)
        r = begin_checkpoints(store, reterr);
    if (r < 0) {
        insp_store_close(store);
        return r;
    }
    insp_store_remember_files(store);
    *ret = store;
    return 0;
}

void insp_store_close(struct insp_store *store) {
    struct insp_error error;
    if (!store)
        return;
    if (insp_minute_flush(store, &error) < 0)
        insp_log_warning("the latencies of the last inspections are missing in the statistics error=%s",
                         INSP_LOG_QUOTED(error.detail));
    free(store->late);
    insp_store_check_end(store);
    insp_checkpoint_end(&store->checkpointer, store->writer);
    for (size_t i = 0; i < INSP_READERS; i++)
        sqlite3_close(store->reader[i]);
    sqlite3_finalize(store->put_row);
    sqlite3_finalize(store->put_map);
    sqlite3_finalize(store->put_tiled_map);
    sqlite3_finalize(store->put_place);
    sqlite3_finalize(store->minute_get);
    sqlite3_finalize(store->minute_put);
    sqlite3_finalize(store->minute_late);
    sqlite3_finalize(store->drift_get);
    sqlite3_finalize(store->drift_put);
    sqlite3_close(store->writer); /* the last connection: checkpoints and removes the WAL */
    pthread_cond_destroy(&store->reader_free);
    pthread_mutex_destroy(&store->read_lock);
    pthread_mutex_destroy(&store->thumbnail_lock);
    pthread_mutex_destroy(&store->sweep_lock);
    pthread_mutex_destroy(&store->health_lock);
    insp_orphans_close(&store->walk);
    insp_thumbnail_walk_close(&store->thumbnail_walk);
    pthread_mutex_destroy(&store->turn_lock);
    pthread_cond_destroy(&store->line_through);
    pthread_mutex_destroy(&store->write_lock);
    free(store);
}

static int transaction(struct insp_store *store, insp_store_work *work, void *arg, struct insp_error *reterr) {
    int r = insp_sql_exec(store->writer, "BEGIN IMMEDIATE", reterr);
    if (r < 0)
        return r;
    r = work(store->writer, arg, reterr);
    if (r >= 0) {
        int committed = insp_sql_exec(store->writer, "COMMIT", reterr);
        r = committed < 0 ? committed : r;
    }
    if (r < 0 && !sqlite3_get_autocommit(store->writer)) /* a full disk may have caused a rollback already */
        sqlite3_exec(store->writer, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

static void note_damage(struct insp_store *store, struct sqlite3 *db, int code) {
    int why = code < 0 ? sqlite3_errcode(db) & 0xFF : SQLITE_OK;
    if (why == SQLITE_CORRUPT || why == SQLITE_NOTADB)
        insp_store_note_damage(store, sqlite3_errmsg(db));
}

/* Takes the write lock. The lock is not fair, and a sweep that takes it again and again would keep a put
 * waiting for many transactions; here a put waits for at most the running one. */
static void lock_writer(struct insp_store *store, bool line) {
    pthread_mutex_lock(&store->turn_lock);
    store->line_waits += line;
    while (!line && store->line_waits)
        pthread_cond_wait(&store->line_through, &store->turn_lock);
    pthread_mutex_unlock(&store->turn_lock);
    pthread_mutex_lock(&store->write_lock);
    if (!line)
        return;
    pthread_mutex_lock(&store->turn_lock);
    store->line_waits--;
    pthread_cond_broadcast(&store->line_through);
    pthread_mutex_unlock(&store->turn_lock);
}

/* A commit into files without a name would be lost with this process. Checks the files before, so that nothing
 * is begun, and after, before the record is reported as kept. */
int insp_store_write_then(struct insp_store *store, bool line, insp_store_work *work, void (*after)(void *arg),
                          void *arg, struct insp_error *reterr) {
    struct insp_error error = {0};
    lock_writer(store, line);
    int r = insp_store_present(store, &error);
    if (r == 0)
        r = transaction(store, work, arg, &error);
    if (r >= 0 && insp_store_present(store, &error) < 0)
        r = INSP_E_STORE_LOST;
    note_damage(store, store->writer, r);
    if (r >= 0 && after)
        after(arg);
    pthread_mutex_unlock(&store->write_lock);
    insp_store_note(store, r < 0 ? r : 0, &error);
    if (r < 0 && reterr)
        *reterr = error;
    return r;
}

int insp_store_write(struct insp_store *store, insp_store_work *work, void *arg, struct insp_error *reterr) {
    return insp_store_write_then(store, false, work, NULL, arg, reterr);
}

static size_t take_reader(struct insp_store *store) {
    pthread_mutex_lock(&store->read_lock);
    for (;;) {
        for (size_t i = 0; i < INSP_READERS; i++) {
            if (store->reader_taken[i])
                continue;
            store->reader_taken[i] = true;
            pthread_mutex_unlock(&store->read_lock);
            return i;
        }
        pthread_cond_wait(&store->reader_free, &store->read_lock);
    }
}

int insp_store_read(struct insp_store *store, insp_store_work *work, void *arg, struct insp_error *reterr) {
    size_t i = take_reader(store);
    int r = work(store->reader[i], arg, reterr);
    note_damage(store, store->reader[i], r);
    pthread_mutex_lock(&store->read_lock);
    store->reader_taken[i] = false;
    pthread_cond_signal(&store->reader_free);
    pthread_mutex_unlock(&store->read_lock);
    return r;
}

static int usage_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    struct insp_store_usage *usage = arg;
    _cleanup_stmt_ struct sqlite3_stmt *statement = NULL;
    int r =
        insp_sql_prepare(db,
                         "SELECT inspections, images, image_bytes, (SELECT page_count FROM pragma_page_count) *"
                         " (SELECT page_size FROM pragma_page_size) FROM usage",
                         &statement, reterr);
    if (r < 0)
        return r;
    if (sqlite3_step(statement) != SQLITE_ROW)
        return insp_sql_fail(db, reterr);
    usage->inspections = (uint64_t)sqlite3_column_int64(statement, 0);
    usage->images = (uint64_t)sqlite3_column_int64(statement, 1);
    usage->image_bytes = (uint64_t)sqlite3_column_int64(statement, 2);
    usage->database_bytes = (uint64_t)sqlite3_column_int64(statement, 3);
    return 0;
}

int insp_store_usage(struct insp_store *store, struct insp_store_usage *ret, struct insp_error *reterr) {
    struct insp_store_usage usage = {0};
    int r = insp_store_read(store, usage_work, &usage, reterr);
    if (r == 0)
        r = insp_disk_free(store->state_dir, &usage.free_bytes, &usage.total_bytes, reterr);
    if (r == 0)
        *ret = usage;
    return r;
}
