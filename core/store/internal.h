/* core/store/internal.h - what the files of core/store share; nothing outside includes it. */
#ifndef INSP_STORE_INTERNAL_H
#define INSP_STORE_INTERNAL_H

#include "core/store/images/thumbnail_file.h"
#include "core/store/retention/orphans.h"
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
    ino_t inode; /* 0: was not there */
};

/* The latency of a record includes its own commit, so statistics learn it in the transaction after. */
struct insp_late {
    int64_t minute, total_us;
    char product[96];
};

struct insp_store {
    char state_dir[INSP_STATE_DIR_BYTES];
    enum insp_durability durability;
    pthread_mutex_t turn_lock; /* the next two: who may go for the write lock */
    pthread_cond_t line_through;
    unsigned line_waits;        /* puts that wait for the write lock: others stay behind them */
    pthread_mutex_t write_lock; /* the writer connection and its statements */
    struct sqlite3 *writer;
    struct sqlite3_stmt *put_row, *put_map, *minute_get, *minute_put, *minute_late;
    struct insp_late *late; /* [late_room], late_count in use; of the last put */
    size_t late_room, late_count;
    pthread_mutex_t read_lock; /* which readers are free */
    pthread_cond_t reader_free;
    struct sqlite3 *reader[INSP_READERS];
    bool reader_taken[INSP_READERS];
    struct insp_thumbnail_walk thumbnail_walk;
    pthread_mutex_t thumbnail_lock; /* the next four */
    uint64_t thumbnail_bytes;
    bool thumbnails_known; /* were counted since the start */
    bool thumbnails_counting;
    bool thumbnails_full;                          /* one found no room since the last sweep */
    struct insp_store_file file[INSP_STORE_FILES]; /* as they were opened */
    pthread_mutex_t health_lock;                   /* the next two */
    struct insp_error failed, damaged;             /* code 0: not */
    bool unclean;                                  /* a journal was left by the last end */
    bool checking;                                 /* checker is to be joined */
    pthread_t checker;
    atomic_bool check_stop;
    /* read from the database when it was opened */
    int64_t born_us;             /* wall; when the database was made; 0: before that was written down */
    int64_t evidence_us;         /* wall; the last time that was believed, else the newest row's; 0: none */
    int64_t opened_us;           /* wall */
    int64_t opened_newest_us;    /* of the newest id; 0: no row */
    _Atomic int64_t id_ahead_us; /* by how much ids have run before the wall clock at most */
    atomic_uint_least64_t came_bytes, came_rows; /* put since insp_store_came asked last */
    pthread_mutex_t sweep_lock;                  /* the rest: what retention keeps between sweeps */
    struct insp_retention_clock clock;
    struct insp_retention_credit credit;
    struct insp_orphan_walk walk;
    int64_t good_from_key, good_scanned_us; /* older rows are not good; monotonic */
};

/* enum insp_retention_class in SQL: the text of the index inspection_kept. */
#define INSP_CLASS_SQL "(label <> 0) + (label = 0) * anomaly * 2"

/* A connection of its own to the database; the caller's. */
int insp_store_connect(struct insp_store *store, int flags, struct sqlite3 **ret, struct insp_error *reterr);

/* health.c: notes which files are open; answers INSP_E_STORE_LOST when the names no longer lead to them. */
void insp_store_remember_files(struct insp_store *store);
int insp_store_present(const struct insp_store *store, struct insp_error *reterr);
/* The outcome of a write, 0 or a code; codes that do not tell of the storage are passed over. */
void insp_store_note(struct insp_store *store, int code, const struct insp_error *error);
void insp_store_note_damage(struct insp_store *store, const char *what);
bool insp_store_is_damaged(struct insp_store *store);
void insp_store_check_end(struct insp_store *store);

/* What was put since the last call: it justifies as much removal. */
void insp_store_came(struct insp_store *store, uint64_t *ret_bytes, uint64_t *ret_rows);

/* UUIDv7 <-> its 16 bytes and its sortable key: 42 bits of milliseconds, the 12 bits that count within one, and 9
 * random bits; below 2^63 until the year 2109. false: not a version 7 UUID of that range. */
bool insp_id_parse(const char *id, unsigned char ret_blob[INSP_ID_BLOB_BYTES], int64_t *ret_key);
void insp_id_format(const unsigned char blob[INSP_ID_BLOB_BYTES], char ret_id[INSP_UUID_BYTES]);

/* The smallest key of a millisecond, clamped to what keys can say. */
int64_t insp_key_of_us(int64_t wall_us);

/* <state>/images/<yyyy-mm-dd>[/<id>.<extension>]; the day is the id's. Folder: INSP_PATH_BYTES bytes each. */
int insp_image_folder(const struct insp_store *store, int64_t key, char *ret_path, struct insp_error *reterr);
int insp_image_path(const struct insp_store *store, const char *id, int64_t key, const char *extension,
                    char *ret_path, struct insp_error *reterr);
/* Writes all files or none; with INSP_DURABLE_POWER they are on the disk when it returns. */
int insp_image_write(const struct insp_store *store, const struct insp_record *records, size_t count,
                     struct insp_error *reterr);
/* Removes the files of a group that will not be committed. */
void insp_image_discard(const struct insp_store *store, const struct insp_record *records, size_t count);

/* Whether an inspection has a row whose image is kept; an id that is none has not. */
int insp_image_is_kept(struct insp_store *store, const char *id, bool *ret, struct insp_error *reterr);

/* Counts a record in its minute's statistics, inside the writer's transaction. */
int insp_minute_count(struct insp_store *store, const struct insp_record *record, struct insp_error *reterr);
/* Adds the latencies that were kept to their minutes, inside the writer's transaction; the caller forgets them
 * once that is committed. */
int insp_minute_add_late(struct insp_store *store, struct insp_error *reterr);
/* Makes room for the latencies of `count` records. Under the write lock. INSP_E_NOMEM. */
int insp_minute_make_room(struct insp_store *store, size_t count, struct insp_error *reterr);
/* Keeps the latencies of records that were committed, in place of those that were kept. Under the write lock. */
void insp_minute_keep_late(struct insp_store *store, const struct insp_record *records, size_t count);
/* Writes what is kept, if anything. Blocks on the disk. */
int insp_minute_flush(struct insp_store *store, struct insp_error *reterr);
/* As insp_store_write, before all others where it is the line's, with `after` run under the same lock once the
 * transaction is committed; NULL for none. */
int insp_store_write_then(struct insp_store *store, bool line, insp_store_work *work, void (*after)(void *arg),
                          void *arg, struct insp_error *reterr);
/* Moves one label in the minute's counts. */
int insp_minute_relabel(struct sqlite3 *db, const char *product, int64_t received_us, enum insp_label before,
                        enum insp_label after, struct insp_error *reterr);
/* The histogram bucket of a latency, 0..127, and the latency at a place inside it (0..1). */
unsigned insp_latency_bucket(int64_t us);
int64_t insp_latency_at(unsigned bucket, double place);

/* The SQL of a list and what to bind, in one place so that the tests can ask for its plan. sql has
 * INSP_LIST_SQL_BYTES bytes. INSP_E_QUERY for a cursor that is no id. */
enum { INSP_LIST_SQL_BYTES = 2048 };
struct insp_bindings {
    int count;
    struct {
        const char *text; /* NULL: the number */
        int64_t number;
    } value[16];
};
int insp_list_sql(const struct insp_filter *filter, char *ret_sql, struct insp_bindings *ret_bindings,
                  struct insp_error *reterr);

/* The text of the index-th statement that a list may run, for those who want its plan; false behind the last. */
bool insp_list_statement(const struct insp_filter *filter, int index, char *ret_sql);

/* The columns that insp_record_read expects, in its order. */
extern const char insp_record_columns[];
/* What a record that was read points to, beside the row itself. */
struct insp_record_room {
    char id[INSP_UUID_BYTES];
    struct insp_box box[INSP_BOXES_MAX];
};
void insp_record_read(struct sqlite3_stmt *row, struct insp_record_room *room, struct insp_record *ret);

#endif
