#include "core/jobs/job_rows.h"

#include "core/base/clock.h"
#include "core/store/sql.h"

#include <sqlite3.h>
#include <string.h>

static const char *const state_names[] = {[INSP_JOB_QUEUED] = "queued",
                                          [INSP_JOB_RUNNING] = "running",
                                          [INSP_JOB_SUCCEEDED] = "succeeded",
                                          [INSP_JOB_FAILED] = "failed",
                                          [INSP_JOB_CANCELLED] = "cancelled"};

const char *insp_job_state_name(enum insp_job_state state) {
    return state_names[state];
}

static void decrefp(json_t **json) {
    json_decref(*json);
}
#define _cleanup_json_ _cleanup_(decrefp)

/* Binds a document. NULL binds NULL, for which COALESCE keeps the column's value. */
static int bind_json(sqlite3_stmt *statement, int at, const json_t *json) {
    if (!json)
        return 0;
    char *text = json_dumps(json, JSON_COMPACT);
    if (!text)
        return INSP_E_NOMEM;
    sqlite3_bind_text(statement, at, text, -1, free);
    return 0;
}

/* --- add --- */

struct add {
    struct insp_job_row *row;
    unsigned queue_max;
};

static int add_work(sqlite3 *db, void *arg, struct insp_error *reterr) {
    struct add *add = arg;
    int64_t queued = 0;
    int r = insp_sql_int(db, "SELECT count(*) FROM jobs WHERE state = 'queued'", &queued, reterr);
    if (r < 0)
        return r;
    if (queued >= add->queue_max)
        return insp_fail(reterr, INSP_E_QUEUE_FULL, "%u jobs are waiting (training.queue = %u); try again later",
                         (unsigned)queued, add->queue_max);
    _cleanup_stmt_ sqlite3_stmt *s = NULL;
    _cleanup_json_ json_t *params = insp_job_params_json(add->row->kind, &add->row->params);
    r = insp_sql_prepare(db,
                         "INSERT INTO jobs (id, kind, product, state, progress, stage, params, created_us) "
                         "VALUES (?1, ?2, ?3, 'queued', 0, 'waiting', ?4, ?5)",
                         &s, reterr);
    if (r < 0)
        return r;
    insp_uuid7(add->row->id);
    insp_sql_bind_text(s, 1, add->row->id);
    insp_sql_bind_text(s, 2, insp_job_kind_name(add->row->kind));
    insp_sql_bind_text(s, 3, add->row->product);
    if (!params || bind_json(s, 4, params) < 0)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a job");
    sqlite3_bind_int64(s, 5, insp_wall_us());
    return insp_sql_run(s, reterr);
}

int insp_job_rows_add(struct insp_store *store, struct insp_job_row *row, unsigned queue_max,
                      struct insp_error *reterr) {
    struct add add = {row, queue_max};
    return insp_store_write(store, add_work, &add, reterr);
}

/* --- take --- */

struct take {
    struct insp_job_row *row;
    bool found;
};

static int read_row(sqlite3_stmt *s, struct insp_job_row *row, struct insp_error *reterr) {
    snprintf(row->id, sizeof row->id, "%s", (const char *)sqlite3_column_text(s, 0));
    snprintf(row->product, sizeof row->product, "%s", (const char *)sqlite3_column_text(s, 2));
    if (!insp_job_kind_parse((const char *)sqlite3_column_text(s, 1), &row->kind))
        return insp_fail(reterr, INSP_E_INTERNAL, "job %s: unknown kind", row->id);
    _cleanup_json_ json_t *params =
        json_loads((const char *)sqlite3_column_text(s, 3), JSON_REJECT_DUPLICATES, NULL);
    int r = insp_job_params_parse(row->kind, params, &row->params, reterr);
    if (r < 0)
        insp_error_prefix(reterr, "job %s", row->id);
    return r;
}

static int fail_row(sqlite3 *db, const char *id, const struct insp_error *why, struct insp_error *reterr) {
    _cleanup_stmt_ sqlite3_stmt *s = NULL;
    int r =
        insp_sql_prepare(db,
                         "UPDATE jobs SET state = 'failed', stage = 'failed', error_code = ?2, error_detail = ?3, "
                         "finished_us = ?4 WHERE id = ?1",
                         &s, reterr);
    if (r < 0)
        return r;
    insp_sql_bind_text(s, 1, id);
    insp_sql_bind_text(s, 2, insp_code_wire(why->code));
    insp_sql_bind_text(s, 3, why->detail);
    sqlite3_bind_int64(s, 4, insp_wall_us());
    return insp_sql_run(s, reterr);
}

/* Takes the oldest queued row. *ret_again: the row could not be read, because another version of the daemon queued
 * it; it was marked as failed, and the next one can be tried. */
static int take_oldest(sqlite3 *db, struct take *take, bool *ret_again, struct insp_error *reterr) {
    _cleanup_stmt_ sqlite3_stmt *s = NULL, *update = NULL;
    struct insp_error why;
    *ret_again = false;
    int r = insp_sql_prepare(
        db, "SELECT id, kind, product, params FROM jobs WHERE state = 'queued' ORDER BY id LIMIT 1", &s, reterr);
    if (r < 0)
        return r;
    int step = sqlite3_step(s);
    if (step == SQLITE_DONE)
        return 0;
    if (step != SQLITE_ROW)
        return insp_sql_fail(db, reterr);
    if (read_row(s, take->row, &why) < 0) {
        *ret_again = true;
        return fail_row(db, take->row->id, &why, reterr);
    }
    r = insp_sql_prepare(db,
                         "UPDATE jobs SET state = 'running', stage = 'starting', started_us = ?2 WHERE id = ?1",
                         &update, reterr);
    if (r < 0)
        return r;
    insp_sql_bind_text(update, 1, take->row->id);
    sqlite3_bind_int64(update, 2, insp_wall_us());
    take->found = true;
    return insp_sql_run(update, reterr);
}

static int take_work(sqlite3 *db, void *arg, struct insp_error *reterr) {
    struct take *take = arg;
    bool again = true;
    int r = 0;
    take->found = false;
    while (r == 0 && again)
        r = take_oldest(db, take, &again, reterr);
    return r;
}

int insp_job_rows_take(struct insp_store *store, struct insp_job_row *ret, bool *ret_found,
                       struct insp_error *reterr) {
    struct take take = {.row = ret};
    int r = insp_store_write(store, take_work, &take, reterr);
    if (r == 0)
        *ret_found = take.found;
    return r;
}

/* --- update, cancel, interrupt --- */

struct update {
    const char *id;
    const struct insp_job_update *update;
};

static int update_work(sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct update *u = arg;
    const struct insp_job_update *v = u->update;
    _cleanup_stmt_ sqlite3_stmt *s = NULL;
    int r =
        insp_sql_prepare(db,
                         "UPDATE jobs SET state = ?2, progress = ?3, stage = ?4, epochs = coalesce(?5, epochs), "
                         "folds = coalesce(?6, folds), log = coalesce(?7, log), result = coalesce(?8, result), "
                         "error_code = ?9, error_detail = ?10, finished_us = ?11 WHERE id = ?1",
                         &s, reterr);
    if (r < 0)
        return r;
    insp_sql_bind_text(s, 1, u->id);
    insp_sql_bind_text(s, 2, insp_job_state_name(v->state));
    sqlite3_bind_double(s, 3, v->progress);
    insp_sql_bind_text(s, 4, v->stage);
    if (bind_json(s, 5, v->epochs) < 0 || bind_json(s, 6, v->folds) < 0 || bind_json(s, 7, v->log) < 0 ||
        bind_json(s, 8, v->result) < 0)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to write job %s", u->id);
    if (v->error_code) {
        insp_sql_bind_text(s, 9, insp_code_wire(v->error_code));
        insp_sql_bind_text(s, 10, v->error_detail);
    }
    if (v->state != INSP_JOB_RUNNING)
        sqlite3_bind_int64(s, 11, insp_wall_us());
    return insp_sql_run(s, reterr);
}

int insp_job_rows_update(struct insp_store *store, const char *id, const struct insp_job_update *update,
                         struct insp_error *reterr) {
    struct update u = {id, update};
    return insp_store_write(store, update_work, &u, reterr);
}

static bool parse_state(const char *text, enum insp_job_state *ret) {
    for (size_t i = 0; text && i < INSP_COUNT(state_names); i++)
        if (!strcmp(text, state_names[i])) {
            *ret = (enum insp_job_state)i;
            return true;
        }
    return false;
}

struct cancel {
    const char *id;
    enum insp_job_state state;
};

static int cancel_work(sqlite3 *db, void *arg, struct insp_error *reterr) {
    struct cancel *cancel = arg;
    _cleanup_stmt_ sqlite3_stmt *s = NULL, *update = NULL;
    int r = insp_sql_prepare(db, "SELECT state FROM jobs WHERE id = ?1", &s, reterr);
    if (r < 0)
        return r;
    insp_sql_bind_text(s, 1, cancel->id);
    int step = sqlite3_step(s);
    if (step != SQLITE_ROW)
        return step == SQLITE_DONE ? insp_fail(reterr, INSP_E_NOT_FOUND, "there is no job %s", cancel->id)
                                   : insp_sql_fail(db, reterr);
    if (!parse_state((const char *)sqlite3_column_text(s, 0), &cancel->state))
        return insp_fail(reterr, INSP_E_INTERNAL, "job %s: unknown state", cancel->id);
    if (cancel->state != INSP_JOB_QUEUED)
        return 0;
    r = insp_sql_prepare(
        db, "UPDATE jobs SET state = 'cancelled', stage = 'cancelled', finished_us = ?2 WHERE id = ?1", &update,
        reterr);
    if (r < 0)
        return r;
    insp_sql_bind_text(update, 1, cancel->id);
    sqlite3_bind_int64(update, 2, insp_wall_us());
    return insp_sql_run(update, reterr);
}

int insp_job_rows_cancel(struct insp_store *store, const char *id, enum insp_job_state *ret_state,
                         struct insp_error *reterr) {
    struct cancel cancel = {.id = id};
    int r = insp_store_write(store, cancel_work, &cancel, reterr);
    if (r == 0)
        *ret_state = cancel.state;
    return r;
}

static int interrupt_work(sqlite3 *db, void *arg, struct insp_error *reterr) {
    size_t *count = arg;
    _cleanup_stmt_ sqlite3_stmt *s = NULL;
    int r = insp_sql_prepare(db,
                             "UPDATE jobs SET state = 'failed', error_code = 'interrupted', "
                             "error_detail = 'the daemon ended while this job ran; start the job again', "
                             "finished_us = ?1 WHERE state = 'running'",
                             &s, reterr);
    if (r < 0)
        return r;
    sqlite3_bind_int64(s, 1, insp_wall_us());
    r = insp_sql_run(s, reterr);
    *count = (size_t)sqlite3_changes(db);
    return r;
}

int insp_job_rows_interrupt(struct insp_store *store, size_t *ret_count, struct insp_error *reterr) {
    return insp_store_write(store, interrupt_work, ret_count, reterr);
}

/* --- read --- */

#define COLUMNS                                                                                                   \
    "id, kind, product, state, progress, stage, params, created_us, started_us, finished_us, error_code, "        \
    "error_detail"

static void set_time(json_t *object, const char *key, sqlite3_stmt *s, int column) {
    char text[INSP_RFC3339_BYTES];
    if (sqlite3_column_type(s, column) == SQLITE_NULL) {
        json_object_set_new(object, key, json_null());
        return;
    }
    insp_rfc3339(sqlite3_column_int64(s, column), text);
    json_object_set_new(object, key, json_string(text));
}

static void set_document(json_t *object, const char *key, sqlite3_stmt *s, int column) {
    const char *text = (const char *)sqlite3_column_text(s, column);
    json_t *document = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    json_object_set_new(object, key, document ? document : json_null());
}

static void set_text(json_t *object, const char *key, sqlite3_stmt *s, int column) {
    json_object_set_new(object, key, json_string((const char *)sqlite3_column_text(s, column)));
}

static json_t *summary(sqlite3_stmt *s) {
    json_t *object = json_object();
    if (!object)
        return NULL;
    set_text(object, "id", s, 0);
    set_text(object, "kind", s, 1);
    const char *product = (const char *)sqlite3_column_text(s, 2);
    json_object_set_new(object, "product", product && *product ? json_string(product) : json_null());
    set_text(object, "state", s, 3);
    json_object_set_new(object, "progress", json_real(sqlite3_column_double(s, 4)));
    set_text(object, "stage", s, 5);
    set_document(object, "params", s, 6);
    set_time(object, "created_at", s, 7);
    set_time(object, "started_at", s, 8);
    set_time(object, "finished_at", s, 9);
    json_t *error = json_null();
    if (sqlite3_column_type(s, 10) != SQLITE_NULL) {
        error = json_object();
        set_text(error, "code", s, 10);
        set_text(error, "detail", s, 11);
    }
    json_object_set_new(object, "error", error);
    return object;
}

struct get {
    const char *id;
    json_t *object;
};

static int get_work(sqlite3 *db, void *arg, struct insp_error *reterr) {
    struct get *get = arg;
    _cleanup_stmt_ sqlite3_stmt *s = NULL;
    int r =
        insp_sql_prepare(db, "SELECT " COLUMNS ", epochs, folds, log, result FROM jobs WHERE id = ?1", &s, reterr);
    if (r < 0)
        return r;
    insp_sql_bind_text(s, 1, get->id);
    int step = sqlite3_step(s);
    if (step != SQLITE_ROW)
        return step == SQLITE_DONE ? insp_fail(reterr, INSP_E_NOT_FOUND, "there is no job %s", get->id)
                                   : insp_sql_fail(db, reterr);
    get->object = summary(s);
    if (!get->object)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for job %s", get->id);
    set_document(get->object, "epochs", s, 12);
    set_document(get->object, "folds", s, 13);
    set_document(get->object, "log", s, 14);
    set_document(get->object, "result", s, 15);
    return 0;
}

int insp_job_rows_get(struct insp_store *store, const char *id, json_t **ret, struct insp_error *reterr) {
    struct get get = {.id = id};
    int r = insp_store_read(store, get_work, &get, reterr);
    if (r == 0)
        *ret = get.object;
    else
        json_decref(get.object);
    return r;
}

struct list {
    const char *before_id;
    size_t limit;
    json_t *array;
};

static int list_work(sqlite3 *db, void *arg, struct insp_error *reterr) {
    struct list *list = arg;
    _cleanup_stmt_ sqlite3_stmt *s = NULL;
    int r = insp_sql_prepare(
        db, "SELECT " COLUMNS " FROM jobs WHERE id < coalesce(?1, '~') ORDER BY id DESC LIMIT ?2", &s, reterr);
    if (r < 0)
        return r;
    if (list->before_id)
        insp_sql_bind_text(s, 1, list->before_id);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)list->limit);
    int step;
    while ((step = sqlite3_step(s)) == SQLITE_ROW)
        if (json_array_append_new(list->array, summary(s)) < 0)
            return insp_fail(reterr, INSP_E_NOMEM, "no memory for the list of jobs");
    return step == SQLITE_DONE ? 0 : insp_sql_fail(db, reterr);
}

int insp_job_rows_list(struct insp_store *store, const char *before_id, size_t limit, json_t **ret,
                       struct insp_error *reterr) {
    _cleanup_json_ json_t *array = json_array();
    struct list list = {before_id, limit, array};
    int r =
        array ? insp_store_read(store, list_work, &list, reterr) : insp_fail(reterr, INSP_E_NOMEM, "no memory");
    if (r == 0)
        *ret = insp_take_ptr(array);
    return r;
}
