#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/store/boxes.h"
#include "core/store/internal.h"

#include <errno.h>
#include <string.h>

enum { MAP_SIDE = 14, MAP_BYTES = MAP_SIDE * MAP_SIDE * sizeof(float) };
static const int64_t AHEAD_US = 30 * 1000000LL; /* below the slack that lists allow anyway */

static void bind_head(struct sqlite3_stmt *s, const struct insp_record *record, const unsigned char *blob,
                      int64_t key) {
    sqlite3_bind_int64(s, 1, key);
    sqlite3_bind_blob(s, 2, blob, INSP_ID_BLOB_BYTES, SQLITE_STATIC);
    insp_sql_bind_text(s, 3, record->product);
    insp_sql_bind_text(s, 4, record->model);
    insp_sql_bind_text(s, 5, record->camera);
    insp_sql_bind_text(s, 6, record->part);
    sqlite3_bind_int(s, 7, record->verdict != INSP_VERDICT_GOOD);
    sqlite3_bind_double(s, 8, record->probability);
    sqlite3_bind_double(s, 9, record->threshold);
    sqlite3_bind_double(s, 10, record->heat_max);
    sqlite3_bind_double(s, 11, record->heat_area);
    sqlite3_bind_double(s, 12, record->heat_threshold);
    sqlite3_bind_double(s, 13, record->heat_low);
    sqlite3_bind_double(s, 14, record->heat_high);
    sqlite3_bind_int(s, 15, record->heat_per_image);
}

static void bind_tail(struct sqlite3_stmt *s, const struct insp_record *record, const char *boxes) {
    insp_sql_bind_text(s, 16, boxes);
    sqlite3_bind_int64(s, 17, record->width);
    sqlite3_bind_int64(s, 18, record->height);
    insp_sql_bind_text(s, 19, record->sha256);
    insp_sql_bind_text(s, 20, record->media_type);
    insp_sql_bind_text(s, 21, record->extension);
    sqlite3_bind_int64(s, 22, (int64_t)record->image_bytes);
    sqlite3_bind_int64(s, 23, record->received_us);
    sqlite3_bind_int64(s, 24, record->decode_us);
    sqlite3_bind_int64(s, 25, record->queue_us);
    sqlite3_bind_int64(s, 26, record->inference_us);
    sqlite3_bind_int64(s, 27, record->store_us);
    sqlite3_bind_int64(s, 28, record->total_us);
    sqlite3_bind_int(s, 29, record->verdict == INSP_VERDICT_REVIEW);
    sqlite3_bind_int64(s, 30, record->receive_us);
    sqlite3_bind_int64(s, 31, record->wait_us);
    sqlite3_bind_int64(s, 32, record->suspect);
    sqlite3_bind_int64(s, 33, record->takt_us);
    sqlite3_bind_int(s, 34, record->good_decided);
    sqlite3_bind_int(s, 38, record->heat_kind);
    for (int i = 35; i <= 37; i++)
        sqlite3_bind_null(s, i);
    if (!record->good_known)
        return;
    sqlite3_bind_double(s, 35, (double)record->good_score);
    sqlite3_bind_double(s, 36, (double)record->good_threshold);
    sqlite3_bind_double(s, 37, (double)record->good_percentile);
}

/* Stores the map, 14x14 in one table and a larger one in another. */
static int put_map(struct insp_store *store, const struct insp_record *record, int64_t key,
                   struct insp_error *reterr) {
    const size_t cells = (size_t)record->map.columns * record->map.rows;
    const bool tiled = cells && (record->map.columns != MAP_SIDE || record->map.rows != MAP_SIDE);
    struct sqlite3_stmt *s = tiled ? store->put_tiled_map : store->put_map;
    sqlite3_bind_int64(s, 1, key);
    sqlite3_bind_blob(s, 2, record->cam, tiled ? (int)(cells * sizeof(float)) : (int)MAP_BYTES, SQLITE_STATIC);
    if (tiled)
        sqlite3_bind_int(s, 3, record->map.columns);
    return insp_sql_run(s, reterr);
}

static int put_one(struct insp_store *store, const struct insp_record *record, struct insp_error *reterr) {
    unsigned char blob[INSP_ID_BLOB_BYTES];
    char boxes[INSP_BOXES_TEXT_BYTES];
    int64_t key;
    if (!insp_id_parse(record->id, blob, &key))
        return insp_fail(reterr, INSP_E_INTERNAL, "'%s' is not a version 7 UUID", record->id);
    bind_head(store->put_row, record, blob, key);
    insp_boxes_format(record->box, record->box_count, boxes);
    bind_tail(store->put_row, record, boxes);
    int r = insp_sql_run(store->put_row, reterr);
    if (r == 0 && record->cam)
        r = put_map(store, record, key, reterr);
    if (r == 0)
        r = insp_outbox_add(store, key, reterr);
    if (r == 0 && record->watched)
        r = insp_watched_add(store, record->watched, record->id, reterr);
    return r == 0 ? insp_minute_count(store, record, reterr) : r;
}

struct put {
    struct insp_store *store;
    const struct insp_record *records;
    size_t count;
};

/* Notes the lead of ids. They never go back, so while the clock is behind the newest id they run ahead of it.
 * Lists need the largest lead to find by time the rows that come later in the order of ids. */
static int note_ahead(struct sqlite3 *db, const struct put *put, struct insp_error *reterr) {
    int64_t ahead_us = put->store->id_ahead_us;
    char sql[64];
    for (size_t i = 0; i < put->count; i++) {
        unsigned char blob[INSP_ID_BLOB_BYTES];
        int64_t key = 0;
        insp_id_parse(put->records[i].id, blob, &key);
        int64_t us = (key >> INSP_KEY_MS_SHIFT) * 1000 - put->records[i].received_us;
        ahead_us = us > ahead_us && us > AHEAD_US ? us : ahead_us;
    }
    if (ahead_us == put->store->id_ahead_us)
        return 0;
    snprintf(sql, sizeof sql, "UPDATE retention SET id_ahead_us = %lld", (long long)ahead_us);
    int r = insp_sql_exec(db, sql, reterr);
    if (r == 0)
        put->store->id_ahead_us = ahead_us;
    return r;
}

static int put_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct put *put = arg;
    int r = insp_minute_add_late(put->store, reterr);
    if (r == 0)
        r = insp_minute_make_room(put->store, put->count, reterr);
    for (size_t i = 0; i < put->count && r == 0; i++)
        r = put_one(put->store, &put->records[i], reterr);
    if (r == 0)
        r = insp_drift_count(put->store, put->records, put->count, reterr);
    return r < 0 ? r : note_ahead(db, put, reterr);
}

static void put_committed(void *arg) {
    const struct put *put = arg;
    insp_minute_keep_late(put->store, put->records, put->count);
}

int insp_store_put_images(struct insp_store *store, const struct insp_record *records, size_t count,
                          struct insp_error *reterr) {
    struct insp_error error = {0};
    int r = insp_store_present(store, &error); /* otherwise the folder of a lost store would be made again */
    if (r == 0)
        r = insp_image_write(store, records, count, &error);
    if (r < 0) {
        insp_store_note(store, r, &error);
        if (reterr)
            *reterr = error;
    }
    return r;
}

int insp_store_put_rows(struct insp_store *store, const struct insp_record *records, size_t count,
                        struct insp_error *reterr) {
    struct put put = {.store = store, .records = records, .count = count};
    int r = insp_store_write_then(store, true, put_work, put_committed, &put, reterr);
    if (r < 0) {
        insp_image_discard(store, records, count);
        return r;
    }
    for (size_t i = 0; i < count; i++)
        store->came_bytes += records[i].image_bytes;
    store->came_rows += count;
    return 0;
}

void insp_store_came(struct insp_store *store, uint64_t *ret_bytes, uint64_t *ret_rows) {
    *ret_bytes = atomic_exchange(&store->came_bytes, 0);
    *ret_rows = atomic_exchange(&store->came_rows, 0);
}

int insp_store_put(struct insp_store *store, const struct insp_record *records, size_t count,
                   struct insp_error *reterr) {
    int r = insp_store_put_images(store, records, count, reterr);
    return r < 0 ? r : insp_store_put_rows(store, records, count, reterr);
}

const char insp_record_columns[] =
    "inspection.id, product, model, camera, part, anomaly, probability, threshold, heat_max, heat_area,"
    " heat_threshold, heat_low, heat_high, heat_per_image, boxes, width, height, sha256, media_type, extension,"
    " image_bytes, image_kept, received_us, decode_us, queue_us, inference_us, store_us, total_us, label,"
    " label_defect, label_note, labelled_by, labelled_us, review, receive_us,"
    " wait_us, suspect, takt_us, good_decided, good_score, good_threshold, good_percentile, heat_kind";
enum {
    REVIEW_COLUMN = 33,
    RECEIVE_COLUMN,
    WAIT_COLUMN,
    SUSPECT_COLUMN,
    TAKT_COLUMN,
    GOOD_DECIDED_COLUMN,
    GOOD_SCORE_COLUMN,
    GOOD_THRESHOLD_COLUMN,
    GOOD_PERCENTILE_COLUMN,
    HEAT_KIND_COLUMN,
    CAM_COLUMN,
    CAM_WIDTH_COLUMN
};

static int64_t us_at(struct sqlite3_stmt *row, int at) {
    return sqlite3_column_type(row, at) == SQLITE_NULL ? -1 : sqlite3_column_int64(row, at);
}

/* Rows of schemas before 19 show the map of the model that decided. */
static int heat_kind_at(struct sqlite3_stmt *row) {
    return sqlite3_column_type(row, HEAT_KIND_COLUMN) == SQLITE_NULL
               ? sqlite3_column_int(row, GOOD_DECIDED_COLUMN) != 0
               : sqlite3_column_int(row, HEAT_KIND_COLUMN);
}

static enum insp_verdict verdict_at(struct sqlite3_stmt *row) {
    if (sqlite3_column_int(row, REVIEW_COLUMN))
        return INSP_VERDICT_REVIEW;
    return sqlite3_column_int(row, 5) ? INSP_VERDICT_ANOMALY : INSP_VERDICT_GOOD;
}

void insp_record_read(struct sqlite3_stmt *row, struct insp_record_room *room, struct insp_record *ret) {
    size_t box_count;
    insp_id_format(sqlite3_column_blob(row, 0), room->id); /* the table's CHECK: 16 bytes */
    if (!insp_boxes_parse(insp_sql_text(row, 14), room->box, &box_count))
        insp_log_warning("the boxes of an inspection are damaged in the database and left out id=%s", room->id);
    *ret = (struct insp_record){
        .id = room->id,
        .product = insp_sql_text(row, 1),
        .model = insp_sql_text(row, 2),
        .camera = insp_sql_text(row, 3),
        .part = insp_sql_text(row, 4),
        .verdict = verdict_at(row),
        .probability = (float)sqlite3_column_double(row, 6),
        .threshold = (float)sqlite3_column_double(row, 7),
        .heat_max = (float)sqlite3_column_double(row, 8),
        .heat_area = (float)sqlite3_column_double(row, 9),
        .heat_threshold = (float)sqlite3_column_double(row, 10),
        .heat_low = (float)sqlite3_column_double(row, 11),
        .heat_high = (float)sqlite3_column_double(row, 12),
        .heat_per_image = sqlite3_column_int(row, 13) != 0,
        .heat_kind = heat_kind_at(row),
        .box = room->box,
        .box_count = box_count,
        .suspect = (uint32_t)sqlite3_column_int64(row, SUSPECT_COLUMN),
        .takt_us = sqlite3_column_int64(row, TAKT_COLUMN),
        .good_decided = sqlite3_column_int(row, GOOD_DECIDED_COLUMN) != 0,
        .good_known = sqlite3_column_type(row, GOOD_SCORE_COLUMN) != SQLITE_NULL,
        .good_score = (float)sqlite3_column_double(row, GOOD_SCORE_COLUMN),
        .good_threshold = (float)sqlite3_column_double(row, GOOD_THRESHOLD_COLUMN),
        .good_percentile = (float)sqlite3_column_double(row, GOOD_PERCENTILE_COLUMN),
        .width = (uint32_t)sqlite3_column_int64(row, 15),
        .height = (uint32_t)sqlite3_column_int64(row, 16),
        .sha256 = insp_sql_text(row, 17),
        .media_type = insp_sql_text(row, 18),
        .extension = insp_sql_text(row, 19),
        .image_bytes = (uint64_t)sqlite3_column_int64(row, 20),
        .image_kept = sqlite3_column_int(row, 21) != 0,
        .received_us = sqlite3_column_int64(row, 22),
        .receive_us = us_at(row, RECEIVE_COLUMN),
        .wait_us = us_at(row, WAIT_COLUMN),
        .decode_us = sqlite3_column_int64(row, 23),
        .queue_us = sqlite3_column_int64(row, 24),
        .inference_us = sqlite3_column_int64(row, 25),
        .store_us = sqlite3_column_int64(row, 26),
        .total_us = sqlite3_column_int64(row, 27),
        .label = (enum insp_label)sqlite3_column_int(row, 28),
        .label_defect = insp_sql_text(row, 29),
        .label_note = insp_sql_text(row, 30),
        .labelled_by = insp_sql_text(row, 31),
        .labelled_us = sqlite3_column_int64(row, 32),
    };
}

struct get {
    const char *id;
    insp_record_callback *callback;
    void *arg;
};

/* Finds the row of an id, for a SELECT with "key = ?1 AND id = ?2": the key alone lacks some of the id's
 * random bits. On success *ret is the caller's to finalize. Fails with INSP_E_NOT_FOUND. */
static int find(struct sqlite3 *db, const char *sql, const char *id, struct sqlite3_stmt **ret, int64_t *ret_key,
                struct insp_error *reterr) {
    unsigned char blob[INSP_ID_BLOB_BYTES];
    _cleanup_stmt_ struct sqlite3_stmt *row = NULL;
    if (!insp_id_parse(id, blob, ret_key))
        return insp_fail(reterr, INSP_E_NOT_FOUND, "there is no inspection '%.64s'", id);
    int r = insp_sql_prepare(db, sql, &row, reterr);
    if (r < 0)
        return r;
    sqlite3_bind_int64(row, 1, *ret_key);
    sqlite3_bind_blob(row, 2, blob, sizeof blob, SQLITE_TRANSIENT);
    int step = sqlite3_step(row);
    if (step == SQLITE_DONE)
        return insp_fail(reterr, INSP_E_NOT_FOUND, "there is no inspection '%s'", id);
    if (step != SQLITE_ROW)
        return insp_sql_fail(db, reterr);
    *ret = insp_take_ptr(row);
    return 0;
}

/* Copies the map of a row. *ret is the caller's; NULL if the row has none. */
static int read_map(struct sqlite3_stmt *row, float **ret, struct insp_map_size *ret_map,
                    struct insp_error *reterr) {
    const size_t bytes = (size_t)sqlite3_column_bytes(row, CAM_COLUMN);
    const bool tiled = sqlite3_column_type(row, CAM_WIDTH_COLUMN) != SQLITE_NULL;
    const size_t columns = tiled ? (size_t)sqlite3_column_int(row, CAM_WIDTH_COLUMN) : MAP_SIDE;
    const size_t rows = columns ? bytes / (columns * sizeof(float)) : 0;
    const bool whole = rows && rows <= INSP_TILES_MAP_SIDE_MAX && columns <= INSP_TILES_MAP_SIDE_MAX &&
                       bytes == columns * rows * sizeof(float) && (tiled || rows == MAP_SIDE);
    *ret_map = whole ? (struct insp_map_size){(uint16_t)columns, (uint16_t)rows} : (struct insp_map_size){0, 0};
    if (!whole)
        return 0;
    *ret = malloc(bytes);
    if (!*ret)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a map");
    memcpy(*ret, sqlite3_column_blob(row, CAM_COLUMN), bytes); /* SQLite does not guarantee alignment */
    return 0;
}

static int get_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct get *get = arg;
    int64_t key;
    char sql[1024];
    _cleanup_stmt_ struct sqlite3_stmt *row = NULL;
    snprintf(
        sql, sizeof sql,
        "SELECT %s, coalesce(map.cam, tiled_map.cam), tiled_map.columns FROM inspection LEFT JOIN map USING (key)"
        " LEFT JOIN tiled_map USING (key) WHERE inspection.key = ?1 AND id = ?2",
        insp_record_columns);
    int r = find(db, sql, get->id, &row, &key, reterr);
    if (r < 0)
        return r;
    struct insp_record_room room;
    struct insp_record record;
    insp_record_read(row, &room, &record);
    _cleanup_free_ float *cam = NULL;
    r = read_map(row, &cam, &record.map, reterr);
    if (r < 0)
        return r;
    record.cam = cam;
    get->callback(get->arg, &record);
    return 0;
}

/* Refines "not found". An id whose image file exists was stored, and an id that a damaged database does not
 * find may have been: neither must be reported as unknown. */
static int missing(struct insp_store *store, const char *id, struct insp_error *reterr) {
    static const char *const extensions[] = {"jpg", "png", "raw"};
    unsigned char blob[INSP_ID_BLOB_BYTES];
    int64_t key;
    char path[INSP_PATH_BYTES];
    if (insp_store_is_damaged(store))
        return insp_fail(reterr, INSP_E_IO, "inspection '%.64s' cannot be found in the damaged database", id);
    for (size_t i = 0; i < INSP_COUNT(extensions) && insp_id_parse(id, blob, &key); i++)
        if (insp_image_path(store, id, key, extensions[i], path, NULL) == 0 && access(path, F_OK) == 0)
            return insp_fail(reterr, INSP_E_IO,
                             "inspection '%s' has an image file but no row: the database is damaged, new "
                             "or an older copy",
                             id);
    return INSP_E_NOT_FOUND;
}

int insp_store_get(struct insp_store *store, const char *id, insp_record_callback *callback, void *arg,
                   struct insp_error *reterr) {
    struct get get = {.id = id, .callback = callback, .arg = arg};
    int r = insp_store_read(store, get_work, &get, reterr);
    return r == INSP_E_NOT_FOUND ? missing(store, id, reterr) : r;
}

struct labelling {
    const char *id, *defect, *note, *by;
    enum insp_label label;
};

static int label_update(struct sqlite3 *db, const struct labelling *labelling, int64_t key,
                        struct insp_error *reterr) {
    _cleanup_stmt_ struct sqlite3_stmt *update = NULL;
    int r = insp_sql_prepare(db,
                             "UPDATE inspection SET label = ?1, label_defect = ?2, label_note = ?3,"
                             " labelled_by = ?4, labelled_us = ?5 WHERE key = ?6",
                             &update, reterr);
    if (r < 0)
        return r;
    sqlite3_bind_int(update, 1, (int)labelling->label);
    insp_sql_bind_text(update, 2, labelling->defect);
    insp_sql_bind_text(update, 3, labelling->note);
    insp_sql_bind_text(update, 4, labelling->by);
    sqlite3_bind_int64(update, 5, labelling->label == INSP_LABEL_NONE ? 0 : insp_wall_us());
    sqlite3_bind_int64(update, 6, key);
    return insp_sql_run(update, reterr);
}

static int label_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct labelling *labelling = arg;
    int64_t key;
    _cleanup_stmt_ struct sqlite3_stmt *row = NULL;
    int r = find(db, "SELECT product, received_us, label FROM inspection WHERE key = ?1 AND id = ?2",
                 labelling->id, &row, &key, reterr);
    if (r < 0)
        return r;
    r = insp_minute_relabel(db, insp_sql_text(row, 0), sqlite3_column_int64(row, 1),
                            (enum insp_label)sqlite3_column_int(row, 2), labelling->label, reterr);
    return r < 0 ? r : label_update(db, labelling, key, reterr);
}

int insp_store_label(struct insp_store *store, const char *id, enum insp_label label, const char *defect,
                     const char *note, const char *by, struct insp_error *reterr) {
    struct labelling labelling = {.id = id, .defect = defect, .note = note, .by = by, .label = label};
    int r = insp_store_write(store, label_work, &labelling, reterr);
    return r == INSP_E_NOT_FOUND ? missing(store, id, reterr) : r;
}
