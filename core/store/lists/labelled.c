#include "core/store/lists/labelled.h"

#include "core/store/internal.h"

#include <stdio.h>
#include <string.h>

struct walk {
    const char *product, *after_sha256;
    insp_labelled_callback *callback;
    void *arg;
};

static void keep(struct insp_labelled *labelled, const struct insp_record *record) {
    bool fresh = !*labelled->sha256;
    /* Rows of one image come newest first, so of two labels given in the same microsecond that of the newer
     * part counts. */
    if (fresh || record->labelled_us > labelled->labelled_us) {
        snprintf(labelled->id, sizeof labelled->id, "%s", record->id);
        snprintf(labelled->sha256, sizeof labelled->sha256, "%s", record->sha256);
        snprintf(labelled->camera, sizeof labelled->camera, "%s", record->camera ? record->camera : "");
        snprintf(labelled->defect, sizeof labelled->defect, "%s", record->label_defect);
        snprintf(labelled->model, sizeof labelled->model, "%s", record->model);
        labelled->label = record->label;
        labelled->labelled_us = record->labelled_us;
        labelled->received_us = record->received_us;
        labelled->verdict = record->verdict;
        labelled->probability = record->probability;
    }
    /* Without the bytes, their size and kind still show whether a set has them already. */
    if ((fresh || record->image_kept) && !*labelled->kept_id) {
        snprintf(labelled->kept_id, sizeof labelled->kept_id, "%s", record->image_kept ? record->id : "");
        snprintf(labelled->media_type, sizeof labelled->media_type, "%s", record->media_type);
        snprintf(labelled->extension, sizeof labelled->extension, "%s", record->extension);
        labelled->image_bytes = record->image_bytes;
    }
}

static int walk_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct walk *walk = arg;
    char sql[2048];
    snprintf(sql, sizeof sql,
             "SELECT %s FROM inspection INDEXED BY inspection_labelled"
             " WHERE product = ?1 AND label <> 0 AND sha256 > ?2 ORDER BY sha256, key DESC",
             insp_record_columns);
    _cleanup_stmt_ struct sqlite3_stmt *rows = NULL;
    int r = insp_sql_prepare(db, sql, &rows, reterr);
    if (r < 0)
        return r;
    insp_sql_bind_text(rows, 1, walk->product);
    insp_sql_bind_text(rows, 2, walk->after_sha256 ? walk->after_sha256 : "");
    struct insp_labelled labelled = {0};
    int step;
    while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
        struct insp_record_room room;
        struct insp_record record;
        insp_record_read(rows, &room, &record);
        if (*labelled.sha256 && strcmp(labelled.sha256, record.sha256) != 0) {
            if (walk->callback(walk->arg, &labelled))
                return 0;
            labelled = (struct insp_labelled){0};
        }
        keep(&labelled, &record);
    }
    if (step != SQLITE_DONE)
        return insp_sql_fail(db, reterr);
    if (*labelled.sha256)
        walk->callback(walk->arg, &labelled);
    return 0;
}

int insp_store_labelled(struct insp_store *store, const char *product, const char *after_sha256,
                        insp_labelled_callback *callback, void *arg, struct insp_error *reterr) {
    struct walk walk = {.product = product, .after_sha256 = after_sha256, .callback = callback, .arg = arg};
    return insp_store_read(store, walk_work, &walk, reterr);
}

int insp_store_image_path(const struct insp_store *store, const char *id, const char *extension, char *ret_path,
                          struct insp_error *reterr) {
    unsigned char blob[INSP_ID_BLOB_BYTES];
    int64_t key;
    if (!insp_id_parse(id, blob, &key))
        return insp_fail(reterr, INSP_E_NOT_FOUND, "there is no inspection '%.64s'", id);
    return insp_image_path(store, id, key, extension, ret_path, reterr);
}
