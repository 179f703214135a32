/* core/store/store.h - store inspections: rows in SQLite (WAL), posted images as files beside it.
 *
 *   <state>/inspectd.sqlite3                        rows, 14x14 maps as blobs, labels; the schema has its
 *                                                   version in PRAGMA user_version and is migrated forward,
 *                                                   one transaction per step
 *   <state>/images/<yyyy-mm-dd>/<id>.<jpg|png|raw>  posted bytes, unchanged
 *
 * Threads: all functions are safe from any number of threads. All of them block on the disk or on the write lock:
 * call them on lanes, at startup and on the command line, never on the loop. One writer connection behind a mutex;
 * readers take one of a few read-only connections. */
#ifndef INSP_STORE_STORE_H
#define INSP_STORE_STORE_H

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/base/uuid.h"
#include "core/good_only/good_drift.h"
#include "core/image/box.h"
#include "core/model/verdict.h"
#include "core/region/tiles.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INSP_STATE_DIR_BYTES = 3072 }; /* leaves room for the names below it */

struct insp_store;
struct insp_watched;
struct sqlite3;

enum insp_durability {
    INSP_DURABLE_PROCESS, /* a committed record survives the process (kill -9) */
    INSP_DURABLE_POWER,   /* and a power cut: fsync of image files and of each group commit */
};

/* Opens or creates the store and migrates its schema. *ret is the caller's. Fails with INSP_E_PERMISSION,
 * INSP_E_NOSPACE, INSP_E_NOMEM, INSP_E_IO (a newer schema too, by name). */
int insp_store_open(const char *state_dir, enum insp_durability durability, struct insp_store **ret,
                    struct insp_error *reterr);
void insp_store_close(struct insp_store *store); /* checkpoints the WAL; accepts NULL */

enum insp_label { INSP_LABEL_NONE, INSP_LABEL_GOOD, INSP_LABEL_ANOMALY };

/* Holds one inspection as stored. Pointers passed to the store are borrowed; those passed to a callback are
 * valid until it returns. */
struct insp_record {
    const char *id, *product, *model, *camera, *part; /* "" if not given */
    enum insp_verdict verdict;
    float probability, threshold;
    float heat_max, heat_area, heat_threshold, heat_low, heat_high;
    bool heat_per_image;
    int heat_kind;              /* core/model/heat/heat_choice.h: the map that cam and the heat are of */
    const struct insp_box *box; /* [box_count], at most INSP_BOXES_MAX */
    size_t box_count;
    const float *cam;         /* [map.rows,map.columns]; NULL in lists */
    struct insp_map_size map; /* of cam; zeros mean 14x14 in a record to be stored */
    bool good_decided;        /* the good-only model gave verdict and probability, not the trained tail */
    bool good_known;          /* false: the model has no good-only part, and the next three are 0 */
    float good_score, good_threshold, good_percentile; /* percentile 0..100, core/model/good_only.h */
    uint32_t suspect;                                  /* set of reasons, core/inspect/suspect.h; 0: not suspect */
    uint32_t width, height;
    const char *sha256;     /* of the posted bytes */
    const char *media_type; /* as posted, with parameters for raw */
    const char *extension;  /* "jpg" | "png" | "raw" */
    uint64_t image_bytes;
    bool image_kept;     /* false after retention removed the file */
    int64_t received_us; /* wall */
    /* pipeline.h describes the stages; -1: not known, in rows of schemas before 10 */
    int64_t receive_us, wait_us;
    int64_t decode_us, queue_us, inference_us, store_us, total_us;
    int64_t takt_us; /* of the product when the record was stored; 0: none */
    enum insp_label label;
    const char *label_defect, *label_note, *labelled_by; /* "" if none */
    int64_t labelled_us;                                 /* 0 if none */
    /* for insp_store_put only: the content of the image file, [image_bytes] */
    const void *image;
    struct insp_drift_place drift;      /* of a part judged good (drift_rows.h) */
    const struct insp_watched *watched; /* and the file of a watched folder that it came from; NULL: none */
};

/* Says whether the verdict was late: later after the headers than the takt. */
static inline bool insp_record_late(const struct insp_record *record) {
    return record->takt_us && record->total_us > record->takt_us;
}

/* Stores `count` records in one transaction, all or none. Writes image files first, so that every row has its
 * image; retention sets aside a file whose row was lost. Leaves nothing behind on failure. Ids come from
 * insp_uuid7. Fails with INSP_E_CONFLICT or INSP_E_IO for an id that exists, INSP_E_STORE_LOST,
 * INSP_E_NOSPACE, INSP_E_PERMISSION, INSP_E_IO, INSP_E_NOMEM. */
int insp_store_put(struct insp_store *store, const struct insp_record *records, size_t count,
                   struct insp_error *reterr);

/* Run the two halves of insp_store_put, to be timed apart. insp_store_put_rows removes the files again if it
 * fails. */
int insp_store_put_images(struct insp_store *store, const struct insp_record *records, size_t count,
                          struct insp_error *reterr);
int insp_store_put_rows(struct insp_store *store, const struct insp_record *records, size_t count,
                        struct insp_error *reterr);

/* Adds the commit time of the last put to the latencies of its records, which the statistics learn with the
 * next put. The thread that put calls it before the next put. */
void insp_store_add_commit(struct insp_store *store, int64_t commit_us);

/* Receives one record; returns non-zero to stop. */
typedef int insp_record_callback(void *arg, const struct insp_record *record);

/* Reads one inspection, with its cam. Fails with INSP_E_NOT_FOUND; INSP_E_IO if its image file exists but its
 * row does not, or the database is damaged. */
int insp_store_get(struct insp_store *store, const char *id, insp_record_callback *callback, void *arg,
                   struct insp_error *reterr);

struct insp_filter {
    const char *product, *camera, *part, *model; /* NULL: any */
    int verdict;                                 /* -1: any, else enum insp_verdict */
    int label;                  /* -1: any, else enum insp_label (INSP_LABEL_NONE: not labelled) */
    int64_t since_us, until_us; /* wall, since <= received < until; 0: open */
    const char *before_id;      /* only ids below this one (the cursor); NULL: from the newest */
    const char *after_id;       /* only ids above this one, oldest first (to resume events); NULL */
    size_t limit;               /* >= 1 */
    int64_t id_ahead_us;        /* set by the store */
};
/* Lists inspections, newest first (oldest first with after_id), without cam. since_us and until_us are
 * compared with received_us, even if ids ran ahead of a clock that was set back. Fails with INSP_E_QUERY for a
 * cursor that is not an id, and the codes of insp_sql_fail. */
int insp_store_list(struct insp_store *store, const struct insp_filter *filter, insp_record_callback *callback,
                    void *arg, struct insp_error *reterr);

/* Opens the file of the posted bytes for reading, at its beginning. Follows no link below the state folder,
 * and reads the file once to check size and SHA-256 against the row. Fails with
 *   INSP_E_NOT_FOUND      no such inspection
 *   INSP_E_GONE           retention, or somebody, removed the file; image_kept is false from then on
 *   INSP_E_IMAGE_DAMAGED  the file differs from the posted bytes */
struct insp_stored_image {
    int fd; /* the caller's to close */
    uint64_t bytes;
    char media_type[128]; /* as posted */
};
int insp_store_image_open(struct insp_store *store, const char *id, struct insp_stored_image *ret,
                          struct insp_error *reterr);

/* Reads the posted bytes; checks and fails as above, and with INSP_E_NOMEM. *ret_data is the caller's (free).
 * ret_media_type has 128 bytes. */
int insp_store_image(struct insp_store *store, const char *id, void **ret_data, size_t *ret_bytes,
                     char *ret_media_type, struct insp_error *reterr);

/* Sets the label of an inspection, with defect, note and user ("" or NULL: none); INSP_LABEL_NONE
 * withdraws it. Fails as insp_store_get does, and with INSP_E_NOSPACE, INSP_E_STORE_LOST. */
int insp_store_label(struct insp_store *store, const char *id, enum insp_label label, const char *defect,
                     const char *note, const char *by, struct insp_error *reterr);

/* Holds counts and latencies for /v1/statistics. They are kept per minute while records are put, so the window
 * is widened to whole minutes, and they cover rows that retention has removed. Quantiles come from a histogram
 * with eight buckets per octave and are right within 9 %; the maximum is exact. Steps without an inspection
 * are left out. */
struct insp_statistics_bucket {
    int64_t start_us;
    uint64_t good, anomaly, review;
    uint64_t late;                                    /* of them */
    int64_t total_p50_us, total_p99_us, total_max_us; /* of this step */
};
struct insp_statistics {
    uint64_t good, anomaly, review, labelled_good, labelled_anomaly;
    uint64_t late; /* of them; insp_record_late */
    int64_t total_p50_us, total_p90_us, total_p99_us, total_max_us;
    size_t bucket_count;
    struct insp_statistics_bucket *bucket; /* owned: insp_statistics_clear */
};
/* Reads statistics of since_us..until_us (wall; 0: open) and a product (NULL: all), in steps of bucket_us (at
 * least a minute). *ret is the caller's. Fails with INSP_E_NOMEM and the codes of insp_sql_fail. */
int insp_store_statistics(struct insp_store *store, const char *product, int64_t since_us, int64_t until_us,
                          int64_t bucket_us, struct insp_statistics *ret, struct insp_error *reterr);
void insp_statistics_clear(struct insp_statistics *statistics); /* frees the buckets */

/* Holds the rows and bytes of the store, and the free and all bytes of its file system. */
struct insp_store_usage {
    uint64_t inspections, images, image_bytes, database_bytes, free_bytes, total_bytes;
};
/* Reads the usage. Fails with INSP_E_IO and the codes of insp_sql_fail. */
int insp_store_usage(struct insp_store *store, struct insp_store_usage *ret, struct insp_error *reterr);

/* Give other modules access to their tables in the same file (jobs, use of tokens): call `work` with a
 * connection. insp_store_write runs it with the writer connection inside one transaction, which is rolled back
 * if work returns < 0. Fail as `work` does; insp_store_write also with INSP_E_STORE_LOST and the codes of
 * insp_sql_fail. */
typedef int insp_store_work(struct sqlite3 *db, void *arg, struct insp_error *reterr);
int insp_store_write(struct insp_store *store, insp_store_work *work, void *arg, struct insp_error *reterr);
int insp_store_read(struct insp_store *store, insp_store_work *work, void *arg, struct insp_error *reterr);

DEFINE_CLEANUP(struct insp_store, insp_store_close);
#endif
