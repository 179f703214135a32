#include "core/store/internal.h"
#include "tests/unit/store_fixture.h"

#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>

enum { GROUP = 20, GROUPS_MAX = 2000, PAGE_BYTES = 4096 };

/* A file system that counts the syncs by thread: SQLite's own, with another xSync. */
static sqlite3_vfs counting;
static sqlite3_io_methods methods[2]; /* of databases and of their journals */
static const sqlite3_io_methods *inner[2];
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t committer;
static pthread_mutex_t sync_lock = PTHREAD_MUTEX_INITIALIZER; /* of the rest */
static pthread_cond_t synced = PTHREAD_COND_INITIALIZER;
static int own_syncs, other_syncs;

static int count_sync(sqlite3_file *file, int flags) {
    pthread_mutex_lock(&sync_lock);
    pthread_equal(pthread_self(), committer) ? own_syncs++ : other_syncs++;
    pthread_cond_broadcast(&synced);
    pthread_mutex_unlock(&sync_lock);
    return inner[file->pMethods - methods]->xSync(file, flags);
}

static int open_counted(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags) {
    int r = sqlite3_vfs_find("unix")->xOpen(vfs, name, file, flags, ret_flags);
    if (r != SQLITE_OK || !(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)))
        return r;
    int journal = !(flags & SQLITE_OPEN_MAIN_DB);
    pthread_mutex_lock(&open_lock);
    if (!inner[journal]) {
        inner[journal] = file->pMethods;
        methods[journal] = *file->pMethods;
        methods[journal].xSync = count_sync;
    }
    pthread_mutex_unlock(&open_lock);
    ck_assert_ptr_eq(file->pMethods, inner[journal]);
    file->pMethods = &methods[journal];
    return r;
}

static void count_syncs(void) {
    committer = pthread_self();
    counting = *sqlite3_vfs_find("unix");
    counting.zName = "counting";
    counting.xOpen = open_counted;
    ck_assert_int_eq(sqlite3_vfs_register(&counting, 1), SQLITE_OK);
}

static void put_group(struct fixture *f) {
    char id[GROUP][INSP_UUID_BYTES];
    struct insp_record records[GROUP];
    for (int i = 0; i < GROUP; i++)
        records[i] = fixture_record(id[i], "p", false);
    ck_insp_ok(insp_store_put_rows(f->store, records, GROUP, &f->err), f->err);
}

static int64_t size_of(const struct fixture *f, const char *name) {
    char path[INSP_PATH_BYTES];
    struct stat st;
    ck_insp_ok(insp_path(path, NULL, "%s/inspectd.sqlite3%s", f->dir, name), f->err);
    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_size;
}

static int syncs(const int *which) {
    pthread_mutex_lock(&sync_lock);
    int count = *which;
    pthread_mutex_unlock(&sync_lock);
    return count;
}

/* A long journal is moved in another thread, which syncs journal and database. A commit syncs at most the header
 * of a journal that starts anew. */
START_TEST(test_commits_do_not_checkpoint) {
    struct fixture f;
    count_syncs();
    fixture_open(&f);
    int before = syncs(&own_syncs), groups = 0;
    while (syncs(&other_syncs) == 0 && ++groups < GROUPS_MAX)
        put_group(&f);
    pthread_mutex_lock(&sync_lock);
    while (groups < GROUPS_MAX && other_syncs < 2)
        pthread_cond_wait(&synced, &sync_lock);
    pthread_mutex_unlock(&sync_lock);
    ck_assert_int_lt(groups, GROUPS_MAX);
    ck_assert_int_le(syncs(&own_syncs) - before, 1);
    ck_assert_int_lt(size_of(&f, "-wal"), 1LL * INSP_CHECKPOINT_PAGES_MAX * PAGE_BYTES);
    fixture_close(&f);
}
END_TEST

struct pinned {
    struct fixture *f;
    int64_t journal;
};

static int grow_journal(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    struct pinned *pinned = arg;
    int64_t rows;
    int r = insp_sql_exec(db, "BEGIN", reterr);
    if (r == 0)
        r = insp_sql_int(db, "SELECT count(*) FROM inspection", &rows,
                         reterr); /* from here on it holds a snapshot */
    while (r == 0 && size_of(pinned->f, "-wal") < 1LL * INSP_CHECKPOINT_PAGES_MAX * (PAGE_BYTES + 24))
        put_group(pinned->f);
    return r == 0 ? insp_sql_exec(db, "COMMIT", reterr) : r;
}

/* A reader that holds an old state keeps the journal from starting anew; afterwards commits use it again from its
 * beginning, so that it stays as long as it is. */
START_TEST(test_journal_grows_no_further_after_a_long_reader) {
    struct fixture f;
    fixture_open(&f);
    struct pinned pinned = {.f = &f};
    ck_insp_ok(insp_store_read(f.store, grow_journal, &pinned, &f.err), f.err);
    put_group(&f); /* is long enough to move all of it */
    put_group(&f); /* starts anew */
    int64_t journal = size_of(&f, "-wal"), database = size_of(&f, "");
    ck_assert_int_gt(database, 1LL * INSP_CHECKPOINT_PAGES / 2 * PAGE_BYTES);
    for (int i = 0; i < 20; i++)
        put_group(&f);
    ck_assert_int_eq(size_of(&f, "-wal"), journal);
    fixture_close(&f);
}
END_TEST

/* The checkpointer closes the connection that it was given, whether it began or not. */
START_TEST(test_end_without_begin) {
    struct insp_checkpointer never = {0};
    insp_checkpoint_end(&never, NULL);
    ck_assert_ptr_null(never.db);
}
END_TEST

INSP_TESTS(test_commits_do_not_checkpoint, test_journal_grows_no_further_after_a_long_reader,
           test_end_without_begin);
