/* core/store/store.h - what was inspected: rows in SQLite (WAL), posted images as files beside it.
 *
 *   <state>/inspectd.sqlite3                       rows, 14x14 maps as blobs, labels; schema versioned by
 *                                                  PRAGMA user_version, migrated forward in one transaction each
 *   <state>/images/<yyyy-mm-dd>/<id>.<jpg|png|raw> posted bytes as they came
 *
 * Threads: every function blocks on the disk: the libuv pool, startup, the command line; never the loop. One
 * writer connection behind a mutex, readers take one of a few read-only connections; all functions are safe from
 * any number of threads. */
#ifndef INSP_STORE_STORE_H
#define INSP_STORE_STORE_H

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/base/uuid.h"
#include "core/image/box.h"
#include "core/model/verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INSP_STATE_DIR_BYTES = 3072 }; /* leaves room for the names below it */

struct insp_store;
struct sqlite3;

enum insp_durability {
    INSP_DURABLE_PROCESS, /* a committed record survives the process (kill -9) */
    INSP_DURABLE_POWER,   /* and a power cut: fsync of image files and of each group commit */
};

/* Opens or creates; migrates. INSP_E_PERMISSION, INSP_E_NOSPACE, INSP_E_IO (a newer schema is refused by name). */
int insp_store_open(const char *state_dir, enum insp_durability durability, struct insp_store **ret,
                    struct insp_error *reterr);
void insp_store_close(struct insp_store *store); /* checkpoints the WAL; NULL is fine */

enum insp_label { INSP_LABEL_NONE, INSP_LABEL_GOOD, INSP_LABEL_ANOMALY };

/* One inspection as stored. Pointers are borrowed on the way in, valid until the callback returns on the way out.
 */
struct insp_record {
    const char *id, *product, *model, *camera, *part; /* "" where not given */
    enum insp_verdict verdict;
    float probability, threshold;
    float heat_max, heat_area, heat_threshold, heat_low, heat_high;
    bool heat_per_image;
    const struct insp_box *box; /* box_count of them, at most INSP_BOXES_MAX */
    size_t box_count;
    const float *cam; /* [14*14]; NULL in lists */
    uint32_t suspect; /* set of reasons not to trust the picture, core/inspect/suspect.h; 0: none */
    uint32_t width, height;
    const char *sha256;     /* of the posted bytes */
    const char *media_type; /* as posted, with parameters for raw */
    const char *extension;  /* "jpg" | "png" | "raw" */
    uint64_t image_bytes;
    bool image_kept;     /* false once retention took the file */
    int64_t received_us; /* wall */
    /* pipeline.h says what each stage is; -1: not known, in rows of schemas before 10 */
    int64_t receive_us, wait_us;
    int64_t decode_us, queue_us, inference_us, store_us, total_us;
    enum insp_label label;
    const char *label_defect, *label_note, *labelled_by; /* "" where none */
    int64_t labelled_us;                                 /* 0 where none */
    /* on the way in only: what becomes the image file */
    const void *image;
};

/* Stores `count` records in one transaction, image files first (so that no row is without its image; a file whose
 * row was lost is swept). All or none. INSP_E_NOSPACE and the other errno codes; nothing is left behind on
 * failure. Ids are of insp_uuid7; one that is there already is INSP_E_CONFLICT or INSP_E_IO. */
int insp_store_put(struct insp_store *store, const struct insp_record *records, size_t count,
                   struct insp_error *reterr);

/* The two halves of insp_store_put, to be timed apart. put_rows removes the files again when it fails. */
int insp_store_put_images(struct insp_store *store, const struct insp_record *records, size_t count,
                          struct insp_error *reterr);
int insp_store_put_rows(struct insp_store *store, const struct insp_record *records, size_t count,
                        struct insp_error *reterr);

/* Adds the time that the last put took to commit to the latencies of its records in the statistics, which learn
 * them with the next put. Called by whoever puts, before the next put. */
void insp_store_add_commit(struct insp_store *store, int64_t commit_us);

/* Return non-zero to stop. */
typedef int insp_record_callback(void *arg, const struct insp_record *record);

/* INSP_E_NOT_FOUND. */
int insp_store_get(struct insp_store *store, const char *id, insp_record_callback *callback, void *arg,
                   struct insp_error *reterr);

struct insp_filter {
    const char *product, *camera, *part, *model; /* NULL: any */
    int verdict;                                 /* -1 any, else enum insp_verdict */
    int label;                                   /* -1 any, else enum insp_label (INSP_LABEL_NONE: not labelled) */
    int64_t since_us, until_us;                  /* wall, since <= received < until; 0: open */
    const char *before_id;                       /* only ids below this one: the cursor; NULL: from the newest */
    const char *after_id;                        /* only ids above this one, oldest first (event resume); NULL */
    size_t limit;                                /* >= 1 */
    int64_t id_ahead_us;                         /* the store's own */
};
/* Newest first (oldest first with after_id). Lists carry no cam. */
int insp_store_list(struct insp_store *store, const struct insp_filter *filter, insp_record_callback *callback,
                    void *arg, struct insp_error *reterr);

/* since and until are held against received_us, also where a clock that was set back let ids run ahead of it.
 * INSP_E_QUERY for a cursor that is no id. */

/* The file of the posted bytes, opened for reading at its begin: no link was followed, and size and SHA-256 are
 * those of the row (so it is read once here). INSP_E_NOT_FOUND; INSP_E_GONE (retention took it, or somebody: from
 * then on image_kept is false); INSP_E_IMAGE_DAMAGED. */
struct insp_stored_image {
    int fd; /* the caller's to close */
    uint64_t bytes;
    char media_type[128]; /* as posted */
};
int insp_store_image_open(struct insp_store *store, const char *id, struct insp_stored_image *ret,
                          struct insp_error *reterr);

/* The posted bytes; checked and failing as above. *ret_data is the caller's (free). ret_media_type has 128 bytes.
 */
int insp_store_image(struct insp_store *store, const char *id, void **ret_data, size_t *ret_bytes,
                     char *ret_media_type, struct insp_error *reterr);

int insp_store_label(struct insp_store *store, const char *id, enum insp_label label, const char *defect,
                     const char *note, const char *by, struct insp_error *reterr);

/* Counts for /v1/statistics: over since..until (0: open) and a product (NULL: all), in `bucket_us` steps (at least
 * a minute). Kept per minute while records are put, so the window is widened to whole minutes, and it answers for
 * rows that retention has removed too. Quantiles come from a histogram of eight buckets an octave: within 9 %; the
 * maximum is exact. Steps without an inspection are left out. */
struct insp_statistics_bucket {
    int64_t start_us;
    uint64_t good, anomaly, review;
    int64_t total_p50_us, total_p99_us, total_max_us; /* of this step, as below */
};
struct insp_statistics {
    uint64_t good, anomaly, review, labelled_good, labelled_anomaly;
    int64_t total_p50_us, total_p90_us, total_p99_us, total_max_us;
    size_t bucket_count;
    struct insp_statistics_bucket *bucket; /* owned: insp_statistics_clear */
};
int insp_store_statistics(struct insp_store *store, const char *product, int64_t since_us, int64_t until_us,
                          int64_t bucket_us, struct insp_statistics *ret, struct insp_error *reterr);
void insp_statistics_clear(struct insp_statistics *statistics);

/* Rows and bytes held, free bytes of the file system. */
struct insp_store_usage {
    uint64_t inspections, images, image_bytes, database_bytes, free_bytes, total_bytes;
};
int insp_store_usage(struct insp_store *store, struct insp_store_usage *ret, struct insp_error *reterr);

/* Other modules' tables (jobs, tokens' use) live in the same file through these: runs `work` with the writer
 * connection inside one transaction; rolled back where it answers < 0. */
typedef int insp_store_work(struct sqlite3 *db, void *arg, struct insp_error *reterr);
int insp_store_write(struct insp_store *store, insp_store_work *work, void *arg, struct insp_error *reterr);
int insp_store_read(struct insp_store *store, insp_store_work *work, void *arg, struct insp_error *reterr);

DEFINE_CLEANUP(struct insp_store, insp_store_close);
#endif
