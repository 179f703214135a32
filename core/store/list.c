#include "core/store/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct query {
    char *sql;
    size_t used;
    struct insp_bindings *bindings;
};

static void append(struct query *query, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(struct query *query, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(query->sql + query->used, INSP_LIST_SQL_BYTES - query->used, format, args);
    va_end(args);
    query->used += (size_t)n; /* all parts are literals: together they are far below the buffer */
}

static void equal_text(struct query *query, const char *column, const char *text) {
    if (!text)
        return;
    query->bindings->value[query->bindings->count++].text = text;
    append(query, " AND %s = ?%d", column, query->bindings->count);
}

static void compare(struct query *query, const char *left, int64_t number) {
    query->bindings->value[query->bindings->count].text = NULL;
    query->bindings->value[query->bindings->count++].number = number;
    append(query, " AND %s ?%d", left, query->bindings->count);
}

/* SQLite without statistics cannot know that a part is rarer than a product: the rarest condition leads. A label
 * or "good" alone walks the table from its newest end, where most rows match. */
static const char *leading_index(const struct insp_filter *filter) {
    if (filter->part && *filter->part)
        return "INDEXED BY inspection_part";
    if (filter->label > INSP_LABEL_NONE)
        return "INDEXED BY inspection_label";
    if (filter->camera && *filter->camera)
        return "INDEXED BY inspection_camera";
    if (filter->model)
        return "INDEXED BY inspection_model";
    if (filter->verdict == INSP_VERDICT_REVIEW)
        return filter->product ? "INDEXED BY inspection_review" : "INDEXED BY inspection_any_review";
    if (filter->verdict > INSP_VERDICT_GOOD)
        return filter->product ? "INDEXED BY inspection_anomaly" : "INDEXED BY inspection_any_anomaly";
    if (filter->product)
        return "INDEXED BY inspection_product";
    return "NOT INDEXED";
}

/* The key carries the time of the id, made in the same instant as received_us or near it: a minute of slack turns
 * the times into a range of keys, the exact comparison stands beside it. */
static void time_range(struct query *query, const struct insp_filter *filter) {
    const int64_t slack_us = 60 * 1000000LL;
    if (filter->since_us) {
        compare(query, "key >=", insp_key_of_us(filter->since_us - slack_us));
        compare(query, "received_us >=", filter->since_us);
    }
    if (filter->until_us) {
        compare(query, "key <", insp_key_of_us(filter->until_us + slack_us));
        compare(query, "received_us <", filter->until_us);
    }
}

static int cursor(struct query *query, const char *left, const char *id, struct insp_error *reterr) {
    unsigned char blob[INSP_ID_BLOB_BYTES];
    int64_t key;
    if (!id)
        return 0;
    if (!insp_id_parse(id, blob, &key))
        return insp_fail(reterr, INSP_E_QUERY, "'%.64s' is not an id of an inspection", id);
    compare(query, left, key);
    return 0;
}

int insp_list_sql(const struct insp_filter *filter, char *ret_sql, struct insp_bindings *ret_bindings,
                  struct insp_error *reterr) {
    struct query query = {.sql = ret_sql, .bindings = ret_bindings};
    ret_bindings->count = 0;
    append(&query, "SELECT %s FROM inspection %s WHERE 1", insp_record_columns, leading_index(filter));
    equal_text(&query, "product", filter->product);
    equal_text(&query, "camera", filter->camera);
    equal_text(&query, "part", filter->part);
    equal_text(&query, "model", filter->model);
    /* literals where an index is partial: SQLite proves its condition from the text only */
    if (filter->part && *filter->part)
        append(&query, " AND part <> ''");
    else if (filter->camera && *filter->camera)
        append(&query, " AND camera <> ''");
    if (filter->verdict >= 0)
        append(&query, " AND anomaly = %d AND review = %d", filter->verdict != INSP_VERDICT_GOOD,
               filter->verdict == INSP_VERDICT_REVIEW);
    if (filter->label >= 0)
        append(&query, " AND label = %d%s", filter->label, filter->label > 0 ? " AND label <> 0" : "");
    time_range(&query, filter);
    int r = cursor(&query, "key <", filter->before_id, reterr);
    if (r == 0)
        r = cursor(&query, "key >", filter->after_id, reterr);
    if (r < 0)
        return r;
    append(&query, " ORDER BY key %s LIMIT %lld", filter->after_id ? "ASC" : "DESC",
           (long long)(filter->limit > INT32_MAX ? INT32_MAX : filter->limit));
    return 0;
}

struct list {
    const struct insp_filter *filter;
    insp_record_callback *callback;
    void *arg;
};

static int list_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct list *list = arg;
    char sql[INSP_LIST_SQL_BYTES];
    struct insp_bindings bindings;
    _cleanup_stmt_ struct sqlite3_stmt *rows = NULL;
    int r = insp_list_sql(list->filter, sql, &bindings, reterr);
    if (r == 0)
        r = insp_sql_prepare(db, sql, &rows, reterr);
    if (r < 0)
        return r;
    for (int i = 0; i < bindings.count; i++) {
        if (bindings.value[i].text)
            insp_sql_bind_text(rows, i + 1, bindings.value[i].text);
        else
            sqlite3_bind_int64(rows, i + 1, bindings.value[i].number);
    }
    int step;
    while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
        char id[INSP_UUID_BYTES];
        struct insp_record record;
        insp_record_read(rows, id, &record);
        if (list->callback(list->arg, &record))
            return 0;
    }
    return step == SQLITE_DONE ? 0 : insp_sql_fail(db, reterr);
}

int insp_store_list(struct insp_store *store, const struct insp_filter *filter, insp_record_callback *callback,
                    void *arg, struct insp_error *reterr) {
    struct list list = {.filter = filter, .callback = callback, .arg = arg};
    return insp_store_read(store, list_work, &list, reterr);
}
