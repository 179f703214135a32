/* core/store/internal.h - share declarations among the files of core/store; no file outside includes it. */
#ifndef INSP_STORE_INTERNAL_H
#define INSP_STORE_INTERNAL_H

#include "core/store/checkpoint.h"
#include "core/store/images/thumbnail_walk.h"
#include "core/store/retention/orphan_walk.h"
#include "core/store/sql.h"
#include "core/store/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

enum {
    INSP_READERS = 4,
    INSP_BUSY_MS = 5000,
    INSP_STORE_FILES = 4, /* the folder, the database, its journal and the journal's index */
    INSP_ID_BLOB_BYTES = 16,
    INSP_KEY_MS_SHIFT = 21,
    INSP_LATENCY_BUCKETS = 128,
    INSP_LATENCY_BLOB_BYTES = INSP_LATENCY_BUCKETS * 4,
};

struct insp_store_file {
    dev_t device;
    ino_t inode; /* 0: did not exist */
};

/* Keeps the latency of a record. It includes the commit of the record, so the statistics learn it in the next
 * transaction. */
struct insp_late {
    int64_t minute, total_us;
    char product[96];
};

struct insp_store {
    char state_dir[INSP_STATE_DIR_BYTES];
    enum insp_durability durability;
    pthread_mutex_t turn_lock; /* of the next two: order of access to the write lock */
    pthread_cond_t line_through;
    unsigned line_waits;        /* puts that wait for the write lock; other writers let them pass */
    pthread_mutex_t write_lock; /* of the writer connection and its statements */
    struct sqlite3 *writer;
    struct insp_checkpointer checkpointer; /* of the writer's journal */
    struct sqlite3_stmt *put_row, *put_map, *put_tiled_map, *put_place, *minute_get, *minute_put, *minute_late,
        *drift_get, *drift_put;
    bool outbox;            /* there are sinks: inspections get a place (outbox.h). Under the write lock */
    struct insp_late *late; /* [late_room], late_count in use; of the last put */
    size_t late_room, late_count;
    pthread_mutex_t read_lock; /* of reader_taken */
    pthread_cond_t reader_free;
    struct sqlite3 *reader[INSP_READERS];
    bool reader_taken[INSP_READERS];
    struct insp_thumbnail_walk thumbnail_walk;
    pthread_mutex_t thumbnail_lock; /* of the next four and the counts of thumbnail_walk */
    uint64_t thumbnail_bytes;
    bool thumbnails_known; /* counted since the start */
    bool thumbnails_counting;
    bool thumbnails_full;                          /* a thumbnail found no room since the last sweep */
    struct insp_store_file file[INSP_STORE_FILES]; /* as opened */
    pthread_mutex_t health_lock;                   /* of the next two */
    struct insp_error failed, damaged;             /* code 0: no */
    bool unclean;                                  /* the last run left a journal */
    bool checking;                                 /* checker must be joined */
    pthread_t checker;
    atomic_bool check_stop;
    /* Read from the database at the start. */
    int64_t born_us;             /* wall; creation of the database; 0: older than this column */
    int64_t evidence_us;         /* wall; last believed time, else that of the newest row; 0: none */
    int64_t opened_us;           /* wall */
    int64_t opened_newest_us;    /* time of the newest id; 0: no row */
    _Atomic int64_t id_ahead_us; /* largest lead of ids over the wall clock */
    atomic_uint_least64_t came_bytes, came_rows; /* stored since the last insp_store_came */
    pthread_mutex_t sweep_lock;                  /* of the rest, retention's state between sweeps */
    struct insp_retention_clock clock;
    struct insp_retention_credit credit;
    struct insp_orphan_walk walk;
    int64_t good_from_key, good_scanned_us; /* rows before this key are not good; monotonic */
};

/* Computes enum insp_retention_class in SQL, with the text of the index inspection_kept. */
#define INSP_CLASS_SQL "(label <> 0) + (label = 0) * anomaly * 2"

/* Opens another connection to the database; the caller's to close. Fails with the codes of insp_sql_fail,
 * INSP_E_NOMEM. */
int insp_store_connect(struct insp_store *store, int flags, struct sqlite3 **ret, struct insp_error *reterr);

/* Note which files are open; check that their names still lead to them. Fails with INSP_E_STORE_LOST. In
 * health.c. */
void insp_store_remember_files(struct insp_store *store);
int insp_store_present(const struct insp_store *store, struct insp_error *reterr);
/* Notes the outcome of a write, 0 or a code; ignores codes that do not concern the storage. */
void insp_store_note(struct insp_store *store, int code, const struct insp_error *error);
void insp_store_note_damage(struct insp_store *store, const char *what);
bool insp_store_is_damaged(struct insp_store *store);
void insp_store_check_end(struct insp_store *store);

/* Returns the bytes and rows stored since the last call; they allow as much removal. */
void insp_store_came(struct insp_store *store, uint64_t *ret_bytes, uint64_t *ret_rows);

/* Convert a UUIDv7 to its 16 bytes and its sortable key: 42 bits of milliseconds, the 12 bits that count
 * within one, and 9 random bits; below 2^63 until the year 2109. Returns false for other texts. */
bool insp_id_parse(const char *id, unsigned char ret_blob[INSP_ID_BLOB_BYTES], int64_t *ret_key);
void insp_id_format(const unsigned char blob[INSP_ID_BLOB_BYTES], char ret_id[INSP_UUID_BYTES]);

/* Returns the smallest key of a millisecond, clamped to the range of keys. */
int64_t insp_key_of_us(int64_t wall_us);

/* Format <state>/images/<yyyy-mm-dd>[/<id>.<extension>]; the id gives the day. ret_path has INSP_PATH_BYTES
 * bytes. Fail with INSP_E_IO. */
int insp_image_folder(const struct insp_store *store, int64_t key, char *ret_path, struct insp_error *reterr);
int insp_image_path(const struct insp_store *store, const char *id, int64_t key, const char *extension,
                    char *ret_path, struct insp_error *reterr);
/* Writes all image files or none; with INSP_DURABLE_POWER also syncs them. Fails with INSP_E_INTERNAL for a
 * bad id and the codes of insp_fail_errno. */
int insp_image_write(const struct insp_store *store, const struct insp_record *records, size_t count,
                     struct insp_error *reterr);
/* Removes the files of a group that will not be committed. */
void insp_image_discard(const struct insp_store *store, const struct insp_record *records, size_t count);

/* Says whether an inspection has a row whose image is kept; a text that is not an id has none. */
int insp_image_is_kept(struct insp_store *store, const char *id, bool *ret, struct insp_error *reterr);

/* Gives an inspection its place in the outbox if there are sinks, inside the writer's transaction. */
int insp_outbox_add(struct insp_store *store, int64_t key, struct insp_error *reterr);

/* Adds the pending row of a watched file, inside the writer's transaction. */
int insp_watched_add(struct insp_store *store, const struct insp_watched *file, const char *id,
                     struct insp_error *reterr);

/* Counts a record in the statistics of its minute, inside the writer's transaction. */
int insp_minute_count(struct insp_store *store, const struct insp_record *record, struct insp_error *reterr);
/* Adds the kept latencies to their minutes, inside the writer's transaction; the caller drops them after the
 * commit. */
int insp_minute_add_late(struct insp_store *store, struct insp_error *reterr);
/* Makes room for the latencies of `count` records. Under the write lock. Fails with INSP_E_NOMEM. */
int insp_minute_make_room(struct insp_store *store, size_t count, struct insp_error *reterr);
/* Keeps the latencies of committed records, in place of the earlier ones. Under the write lock. */
void insp_minute_keep_late(struct insp_store *store, const struct insp_record *records, size_t count);
/* Writes the kept latencies, if any. Blocks on the disk. */
int insp_minute_flush(struct insp_store *store, struct insp_error *reterr);
/* Writes as insp_store_write does; `line` lets it pass all waiting writers. Calls `after` (NULL: none) under
 * the same lock once the transaction is committed. */
int insp_store_write_then(struct insp_store *store, bool line, insp_store_work *work, void (*after)(void *arg),
                          void *arg, struct insp_error *reterr);
/* Counts the records that were judged good in the table of drift_rows.h, inside the writer's transaction. */
int insp_drift_count(struct insp_store *store, const struct insp_record *records, size_t count,
                     struct insp_error *reterr);
/* Moves one label in the counts of a minute. */
int insp_minute_relabel(struct sqlite3 *db, const char *product, int64_t received_us, enum insp_label before,
                        enum insp_label after, struct insp_error *reterr);
/* Convert a latency to its histogram bucket, 0..127, and a place inside a bucket (0..1) to a latency. */
unsigned insp_latency_bucket(int64_t us);
int64_t insp_latency_at(unsigned bucket, double place);

/* Makes the SQL of a list and its bindings, in one place so that tests can ask for its plan. ret_sql has
 * INSP_LIST_SQL_BYTES bytes. Fails with INSP_E_QUERY for a cursor that is not an id. */
enum { INSP_LIST_SQL_BYTES = 2048 };
struct insp_bindings {
    int count;
    struct {
        const char *text; /* NULL: bind the number */
        int64_t number;
    } value[16];
};
int insp_list_sql(const struct insp_filter *filter, char *ret_sql, struct insp_bindings *ret_bindings,
                  struct insp_error *reterr);

/* Writes the index-th statement that a list may run, for tests and benches that check plans; returns false
 * after the last. */
bool insp_list_statement(const struct insp_filter *filter, int index, char *ret_sql);

/* The columns for insp_record_read, in its order. */
extern const char insp_record_columns[];
/* Holds the texts and boxes of a record that was read, besides the row. */
struct insp_record_room {
    char id[INSP_UUID_BYTES];
    struct insp_box box[INSP_BOXES_MAX];
};
void insp_record_read(struct sqlite3_stmt *row, struct insp_record_room *room, struct insp_record *ret);

#endif
