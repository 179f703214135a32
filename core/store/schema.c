#include "core/store/schema.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/store/sql.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>

enum { TELL_US = 5 * 1000000, TELL_OPERATIONS = 100000 };

/* `key` is the sortable part of the UUIDv7 (insp_id_parse), so every index ends in it at no cost and a time is
 * a range of keys. The 14x14 maps are in a separate table, so lists read small rows. */
static const char version_1[] =
    "CREATE TABLE inspection ("
    "  key INTEGER PRIMARY KEY, id BLOB NOT NULL CHECK (length(id) = 16),"
    "  product TEXT NOT NULL, model TEXT NOT NULL, camera TEXT NOT NULL, part TEXT NOT NULL,"
    "  anomaly INTEGER NOT NULL CHECK (anomaly IN (0, 1)),"
    "  probability REAL NOT NULL, threshold REAL NOT NULL,"
    "  heat_max REAL NOT NULL, heat_area REAL NOT NULL, heat_threshold REAL NOT NULL,"
    "  heat_low REAL NOT NULL, heat_high REAL NOT NULL, heat_per_image INTEGER NOT NULL,"
    "  boxes TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,"
    "  sha256 TEXT NOT NULL, media_type TEXT NOT NULL, extension TEXT NOT NULL,"
    "  image_bytes INTEGER NOT NULL, image_kept INTEGER NOT NULL DEFAULT 1,"
    "  received_us INTEGER NOT NULL, decode_us INTEGER NOT NULL, queue_us INTEGER NOT NULL,"
    "  inference_us INTEGER NOT NULL, store_us INTEGER NOT NULL, total_us INTEGER NOT NULL,"
    "  label INTEGER NOT NULL DEFAULT 0 CHECK (label IN (0, 1, 2)),"
    "  label_defect TEXT NOT NULL DEFAULT '', label_note TEXT NOT NULL DEFAULT '',"
    "  labelled_by TEXT NOT NULL DEFAULT '', labelled_us INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE TABLE map ("
    "  key INTEGER PRIMARY KEY REFERENCES inspection (key) ON DELETE CASCADE,"
    "  cam BLOB NOT NULL CHECK (length(cam) = 784)) STRICT;"
    "CREATE INDEX inspection_product ON inspection (product);"
    "CREATE INDEX inspection_model ON inspection (model);"
    "CREATE INDEX inspection_camera ON inspection (camera) WHERE camera <> '';"
    "CREATE INDEX inspection_part ON inspection (part) WHERE part <> '';"
    "CREATE INDEX inspection_anomaly ON inspection (product) WHERE anomaly = 1;"
    "CREATE INDEX inspection_any_anomaly ON inspection (anomaly) WHERE anomaly = 1;"
    "CREATE INDEX inspection_label ON inspection (label) WHERE label <> 0;"
    /* Statistics read only this table: one row per minute and product, updated by put and label. */
    "CREATE TABLE minute ("
    "  minute INTEGER NOT NULL, product TEXT NOT NULL,"
    "  good INTEGER NOT NULL, anomaly INTEGER NOT NULL,"
    "  labelled_good INTEGER NOT NULL, labelled_anomaly INTEGER NOT NULL,"
    "  total_max_us INTEGER NOT NULL, latency BLOB NOT NULL CHECK (length(latency) = 512),"
    "  PRIMARY KEY (minute, product)) STRICT, WITHOUT ROWID;";

/* Totals, because counting five million rows takes a fifth of a second. Triggers keep them right. */
static const char version_2[] =
    "CREATE TABLE usage (one INTEGER PRIMARY KEY CHECK (one = 1),"
    "  inspections INTEGER NOT NULL, images INTEGER NOT NULL, image_bytes INTEGER NOT NULL) STRICT;"
    "INSERT INTO usage SELECT 1, count(*), coalesce(sum(image_kept), 0), coalesce(sum(image_bytes * image_kept), "
    "0)"
    "  FROM inspection;"
    "CREATE TRIGGER usage_insert AFTER INSERT ON inspection BEGIN"
    "  UPDATE usage SET inspections = inspections + 1, images = images + new.image_kept,"
    "    image_bytes = image_bytes + new.image_bytes * new.image_kept; END;"
    "CREATE TRIGGER usage_delete AFTER DELETE ON inspection BEGIN"
    "  UPDATE usage SET inspections = inspections - 1, images = images - old.image_kept,"
    "    image_bytes = image_bytes - old.image_bytes * old.image_kept; END;"
    "CREATE TRIGGER usage_update AFTER UPDATE OF image_kept ON inspection BEGIN"
    "  UPDATE usage SET images = images - old.image_kept + new.image_kept,"
    "    image_bytes = image_bytes - old.image_bytes * old.image_kept + new.image_bytes * new.image_kept; END;"
    /* Images for removal by space: the kept ones, oldest first within enum insp_retention_class. */
    "CREATE INDEX inspection_kept ON inspection (anomaly * (2 - (label <> 0))) WHERE image_kept = 1;";

/* The table of core/jobs/job_rows.c. Documents are JSON as in the API. */
static const char version_3[] =
    "CREATE TABLE jobs ("
    "  id TEXT PRIMARY KEY, kind TEXT NOT NULL, product TEXT NOT NULL,"
    "  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),"
    "  progress REAL NOT NULL, stage TEXT NOT NULL, params TEXT NOT NULL,"
    "  epochs TEXT, folds TEXT, log TEXT, result TEXT, error_code TEXT, error_detail TEXT,"
    "  created_us INTEGER NOT NULL, started_us INTEGER, finished_us INTEGER) STRICT, WITHOUT ROWID;"
    "CREATE INDEX jobs_unfinished ON jobs (state) WHERE state IN ('queued', 'running');";

/* The verdict `review`. Such a row also has anomaly = 1: for retention and unlabelled anomalies it counts as
 * not good. */
static const char version_4[] = "ALTER TABLE inspection ADD COLUMN review INTEGER NOT NULL DEFAULT 0;"
                                "ALTER TABLE minute ADD COLUMN review INTEGER NOT NULL DEFAULT 0;"
                                "CREATE INDEX inspection_review ON inspection (product) WHERE review = 1;"
                                "CREATE INDEX inspection_any_review ON inspection (review) WHERE review = 1;";

/* The labelled images of a product, each image once (labelled.c). */
static const char version_5[] =
    "CREATE INDEX inspection_labelled ON inspection (product, sha256, key DESC) WHERE label <> 0;";

/* The indexes of series.c, in place of one for each column. Two steps, so that a start which is interrupted in
 * a big database keeps the first. */
static const char version_6[] =
    "CREATE INDEX inspection_series ON inspection (product, camera, anomaly, review, label);"
    "DROP INDEX inspection_camera; DROP INDEX inspection_anomaly;"
    "DROP INDEX inspection_review; DROP INDEX inspection_any_review;";
static const char version_7[] =
    "CREATE INDEX inspection_model_series ON inspection (model, product, camera, anomaly, review, label);"
    "DROP INDEX inspection_model;";

/* The audit table (changes.h). Nothing deletes from it. */
static const char version_8[] =
    "CREATE TABLE model_change (id TEXT PRIMARY KEY, at_us INTEGER NOT NULL, who TEXT NOT NULL,"
    "  product TEXT NOT NULL, version TEXT NOT NULL, field TEXT NOT NULL, old TEXT NOT NULL, new TEXT NOT NULL)"
    "  STRICT, WITHOUT ROWID;"
    "CREATE INDEX model_change_product ON model_change (product, id);";

/* The state of retention (retention.c). born_us is the time of this step if the database was empty: image
 * files from before it belong to another database. For removal by space, labelled good images count as
 * labelled. */
static const char version_9[] =
    "CREATE TABLE retention (one INTEGER PRIMARY KEY CHECK (one = 1), born_us INTEGER NOT NULL,"
    "  believed_us INTEGER NOT NULL DEFAULT 0, byte_credit REAL, row_credit REAL,"
    "  id_ahead_us INTEGER NOT NULL DEFAULT 0) STRICT;"
    "INSERT INTO retention (one, born_us) SELECT 1, CASE WHEN EXISTS (SELECT 1 FROM inspection) THEN 0"
    "  ELSE CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER) END;"
    "DROP INDEX inspection_kept;"
    "CREATE INDEX inspection_kept ON inspection ((label <> 0) + (label = 0) * anomaly * 2) WHERE image_kept = 1;";

/* Stages of an inspection that were not measured before; NULL in older rows. */
static const char version_10[] = "ALTER TABLE inspection ADD COLUMN receive_us INTEGER;"
                                 "ALTER TABLE inspection ADD COLUMN wait_us INTEGER;";

/* Reasons of a suspect picture: bits of core/inspect/suspect.h. */
static const char version_11[] = "ALTER TABLE inspection ADD COLUMN suspect INTEGER NOT NULL DEFAULT 0;";

/* The takt of the product when the row was stored, 0: none; a row with total_us above it is late. */
static const char version_12[] = "ALTER TABLE inspection ADD COLUMN takt_us INTEGER NOT NULL DEFAULT 0;"
                                 "ALTER TABLE minute ADD COLUMN late INTEGER NOT NULL DEFAULT 0;";

/* The answer of a good-only model; good_score is NULL in rows of models without one. */
static const char version_13[] = "ALTER TABLE inspection ADD COLUMN good_decided INTEGER NOT NULL DEFAULT 0;"
                                 "ALTER TABLE inspection ADD COLUMN good_score REAL;"
                                 "ALTER TABLE inspection ADD COLUMN good_threshold REAL;"
                                 "ALTER TABLE inspection ADD COLUMN good_percentile REAL;";

/* Places and sinks (outbox.h). AUTOINCREMENT: a place is never given out again, although rows are removed. */
static const char version_14[] =
    "CREATE TABLE outbox (place INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  key INTEGER NOT NULL UNIQUE REFERENCES inspection (key) ON DELETE CASCADE) STRICT;"
    "CREATE TABLE sink (name TEXT PRIMARY KEY, place INTEGER NOT NULL, delivered INTEGER NOT NULL DEFAULT 0,"
    "  lost INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;";

/* Files of a watched folder (watched.h). A path may hold any bytes. */
static const char version_15[] =
    "CREATE TABLE watched (row INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, device INTEGER NOT NULL,"
    "  inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, id TEXT NOT NULL,"
    "  pending INTEGER NOT NULL DEFAULT 1, missed INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX watched_pending ON watched (pending) WHERE pending = 1;"
    "CREATE INDEX watched_content ON watched (inode, size, mtime_ns, device);";

/* Places of the parts judged good, by day (drift_rows.h). */
static const char version_16[] =
    "CREATE TABLE drift (day INTEGER NOT NULL, product TEXT NOT NULL, camera TEXT NOT NULL, model TEXT NOT NULL,"
    "  parts INTEGER NOT NULL, reference INTEGER NOT NULL, bins BLOB NOT NULL CHECK (length(bins) = 80),"
    "  PRIMARY KEY (day, product, camera, model)) STRICT, WITHOUT ROWID;";

/* Runs of shadows, and the inspections about which they disagree (shadow_rows.h). */
static const char version_17[] =
    "CREATE TABLE shadow (product TEXT NOT NULL, version TEXT NOT NULL, since_us INTEGER NOT NULL,"
    "  parts INTEGER NOT NULL, agree INTEGER NOT NULL, missed INTEGER NOT NULL, rejected INTEGER NOT NULL,"
    "  skipped INTEGER NOT NULL, outcome INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (product, version, since_us))"
    "  STRICT, WITHOUT ROWID;"
    "CREATE TABLE shadow_part (product TEXT NOT NULL, version TEXT NOT NULL, since_us INTEGER NOT NULL,"
    "  key INTEGER NOT NULL, id BLOB NOT NULL CHECK (length(id) = 16),"
    "  active INTEGER NOT NULL CHECK (active IN (0, 1, 2)), shadow INTEGER NOT NULL CHECK (shadow IN (0, 1, 2)),"
    "  probability REAL NOT NULL, PRIMARY KEY (product, version, since_us, key)) STRICT, WITHOUT ROWID;";

/* Parts of which the shadow's answer is not known. Runs that were over stayed forever. */
static const char version_18[] =
    "ALTER TABLE shadow ADD COLUMN failed INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE shadow ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;"
    "DELETE FROM shadow_part WHERE since_us <"
    "  (SELECT max(since_us) FROM shadow AS run WHERE run.product = shadow_part.product);"
    "DELETE FROM shadow WHERE since_us < (SELECT max(since_us) FROM shadow AS run WHERE run.product = "
    "shadow.product);";

/* The map that is shown as heat (enum insp_heat_kind). Until now it was the one of the model that decided. */
static const char version_19[] = "ALTER TABLE inspection ADD COLUMN heat_kind INTEGER;";

/* Maps of versions with tiles (core/region/tiles.h): float32 [rows,columns]. */
static const char version_20[] =
    "CREATE TABLE tiled_map (key INTEGER PRIMARY KEY REFERENCES inspection (key) ON DELETE CASCADE,"
    "  columns INTEGER NOT NULL CHECK (columns BETWEEN 14 AND 194),"
    "  cam BLOB NOT NULL CHECK (length(cam) BETWEEN 1 AND 38800 AND length(cam) % (4 * columns) = 0)) STRICT;";

static const struct insp_migration migrations[] = {
    {1, version_1},   {2, version_2},   {3, version_3},   {4, version_4},   {5, version_5},
    {6, version_6},   {7, version_7},   {8, version_8},   {9, version_9},   {10, version_10},
    {11, version_11}, {12, version_12}, {13, version_13}, {14, version_14}, {15, version_15},
    {16, version_16}, {17, version_17}, {18, version_18}, {19, version_19}, {20, version_20}};

const struct insp_migration *insp_schema_migrations(size_t *ret_count) {
    *ret_count = INSP_COUNT(migrations);
    return migrations;
}

/* Reports progress: five million rows take a minute. */
struct progress {
    int version;
    int64_t began_us, told_us; /* monotonic */
};

static int tell(void *arg) {
    struct progress *progress = arg;
    int64_t now_us = insp_mono_us();
    if (now_us - progress->told_us >= TELL_US) {
        progress->told_us = now_us;
        insp_log_info("the database is being migrated to schema %d seconds=%lld", progress->version,
                      (long long)((now_us - progress->began_us) / 1000000));
    }
    return 0;
}

static int apply(struct sqlite3 *db, const struct insp_migration *migration, struct insp_error *reterr) {
    char version[64];
    struct progress progress = {migration->version, insp_mono_us(), insp_mono_us()};
    snprintf(version, sizeof version, "PRAGMA user_version = %d", migration->version);
    int r = insp_sql_exec(db, "BEGIN IMMEDIATE", reterr);
    if (r < 0)
        return r;
    sqlite3_progress_handler(db, TELL_OPERATIONS, tell, &progress);
    r = insp_sql_exec(db, migration->sql, reterr);
    sqlite3_progress_handler(db, 0, NULL, NULL);
    if (r == 0)
        r = insp_sql_exec(db, version, reterr);
    if (r == 0)
        r = insp_sql_exec(db, "COMMIT", reterr);
    if (r < 0) {
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        insp_error_prefix(reterr, "migration to schema %d", migration->version);
    }
    return r;
}

int insp_schema_migrate(struct sqlite3 *db, struct insp_error *reterr) {
    int64_t version;
    int r = insp_sql_int(db, "PRAGMA user_version", &version, reterr);
    if (r < 0)
        return r;
    int newest = migrations[INSP_COUNT(migrations) - 1].version;
    if (version > newest || version < 0)
        return insp_fail(
            reterr, INSP_E_IO,
            "%s has schema %lld, newer than the %d that this inspectd %s knows: run the newer inspectd, "
            "or move the file away to start with an empty one",
            sqlite3_db_filename(db, "main"), (long long)version, newest, INSP_VERSION);
    int64_t began_us = insp_mono_us();
    bool older = version > 0 && version < newest;
    if (older)
        insp_log_info("the database is migrated from schema %lld to %d", (long long)version, newest);
    for (size_t i = 0; i < INSP_COUNT(migrations) && r == 0; i++)
        if (migrations[i].version > version)
            r = apply(db, &migrations[i], reterr);
    if (older && r == 0)
        insp_log_info("the database now has schema %d seconds=%.1f", newest,
                      (double)(insp_mono_us() - began_us) / 1e6);
    return r;
}
