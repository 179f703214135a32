#include "core/store/internal.h"
#include "core/store/lists/series.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const int64_t SLACK_US = 60 * 1000000LL;

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
    query->used += (size_t)n; /* all parts are literals and together far below the buffer */
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

/* Chooses the index if series do not fit: a part, a product or nothing alone, oldest first, or too many
 * combinations for series. Without statistics SQLite cannot know that a part is rarer than a product. */
static const char *leading_index(const struct insp_filter *filter) {
    if (filter->part && *filter->part)
        return "INDEXED BY inspection_part";
    if (filter->label > INSP_LABEL_NONE)
        return "INDEXED BY inspection_label";
    if (filter->product)
        return "INDEXED BY inspection_product";
    if (filter->verdict > INSP_VERDICT_GOOD)
        return "INDEXED BY inspection_any_anomaly";
    return "NOT INDEXED";
}

/* Derives the range of keys. A key contains the time of its id, made at or near received_us: a minute of slack
 * turns the times into a range of keys, and the exact comparison is added to it. Cursor and times become one
 * range, because of two bounds on one side SQLite might seek to either. Both ends are exclusive. */
static int key_range(const struct insp_filter *filter, int64_t *ret_low, int64_t *ret_high,
                     struct insp_error *reterr) {
    unsigned char blob[INSP_ID_BLOB_BYTES];
    int64_t low = -1, high = INT64_MAX, key;
    if (filter->since_us)
        low = insp_key_of_us(filter->since_us - SLACK_US) - 1;
    if (filter->until_us)
        high = insp_key_of_us(filter->until_us + SLACK_US + filter->id_ahead_us);
    const char *cursor[2] = {filter->before_id, filter->after_id};
    for (int i = 0; i < 2; i++) {
        if (!cursor[i])
            continue;
        if (!insp_id_parse(cursor[i], blob, &key))
            return insp_fail(reterr, INSP_E_QUERY, "'%.64s' is not the id of an inspection", cursor[i]);
        if (i == 0 && key < high)
            high = key;
        if (i == 1 && key > low)
            low = key;
    }
    *ret_low = low;
    *ret_high = high;
    return 0;
}

int insp_list_sql(const struct insp_filter *filter, char *ret_sql, struct insp_bindings *ret_bindings,
                  struct insp_error *reterr) {
    struct query query = {.sql = ret_sql, .bindings = ret_bindings};
    int64_t low, high;
    int r = key_range(filter, &low, &high, reterr);
    if (r < 0)
        return r;
    ret_bindings->count = 0;
    append(&query, "SELECT %s FROM inspection %s WHERE 1", insp_record_columns, leading_index(filter));
    compare(&query, "key >", low);
    compare(&query, "key <", high);
    equal_text(&query, "product", filter->product);
    equal_text(&query, "camera", filter->camera);
    equal_text(&query, "part", filter->part);
    equal_text(&query, "model", filter->model);
    if (filter->part &&
        *filter->part) /* a literal, as in the partial index: SQLite proves the index's condition from the text */
        append(&query, " AND part <> ''");
    if (filter->verdict >= 0)
        append(&query, " AND anomaly = %d AND review = %d", filter->verdict != INSP_VERDICT_GOOD,
               filter->verdict == INSP_VERDICT_REVIEW);
    if (filter->label >= 0)
        append(&query, " AND label = %d%s", filter->label, filter->label > 0 ? " AND label <> 0" : "");
    if (filter->since_us)
        compare(&query, "received_us >=", filter->since_us);
    if (filter->until_us)
        compare(&query, "received_us <", filter->until_us);
    append(&query, " ORDER BY key %s LIMIT %lld", filter->after_id ? "ASC" : "DESC",
           (long long)(filter->limit > INT32_MAX ? INT32_MAX : filter->limit));
    return 0;
}

struct list {
    const struct insp_filter *filter;
    insp_record_callback *callback;
    void *arg;
};

static int bind_and_walk(struct sqlite3 *db, const struct list *list, struct insp_error *reterr) {
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
        struct insp_record_room room;
        struct insp_record record;
        insp_record_read(rows, &room, &record);
        if (list->callback(list->arg, &record))
            return 0;
    }
    return step == SQLITE_DONE ? 0 : insp_sql_fail(db, reterr);
}

static void keyed_sql(char *ret_sql) {
    snprintf(ret_sql, INSP_LIST_SQL_BYTES, "SELECT %s FROM inspection WHERE key = ?1", insp_record_columns);
}

static int show_keys(struct sqlite3 *db, const struct list *list, const int64_t *keys, size_t count,
                     struct insp_error *reterr) {
    char sql[INSP_LIST_SQL_BYTES];
    _cleanup_stmt_ struct sqlite3_stmt *row = NULL;
    keyed_sql(sql);
    int r = insp_sql_prepare(db, sql, &row, reterr);
    for (size_t i = 0; i < count && r == 0; i++) {
        struct insp_record_room room;
        struct insp_record record;
        sqlite3_bind_int64(row, 1, keys[i]);
        if (sqlite3_step(row) != SQLITE_ROW) /* it exists in this transaction */
            return insp_sql_fail(db, reterr);
        insp_record_read(row, &room, &record);
        if (list->callback(list->arg, &record))
            break;
        sqlite3_reset(row);
    }
    return r;
}

static int walk_series(struct sqlite3 *db, const struct list *list, struct insp_error *reterr) {
    _cleanup_free_ int64_t *keys = NULL;
    int64_t low, high;
    size_t count = 0;
    bool gave_up = false;
    int r = key_range(list->filter, &low, &high, reterr);
    if (r == 0)
        r = insp_series_keys(db, list->filter, low, high, &keys, &count, &gave_up, reterr);
    if (r == 0)
        r = gave_up ? bind_and_walk(db, list, reterr) : show_keys(db, list, keys, count, reterr);
    return r;
}

/* Lists in one transaction: a label set between two statements would move a row from one series to another. */
static int list_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    const struct list *list = arg;
    if (!insp_series_fit(list->filter))
        return bind_and_walk(db, list, reterr);
    int r = insp_sql_exec(db, "BEGIN", reterr);
    if (r < 0)
        return r;
    r = walk_series(db, list, reterr);
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL); /* nothing to keep */
    return r;
}

int insp_store_list(struct insp_store *store, const struct insp_filter *filter, insp_record_callback *callback,
                    void *arg, struct insp_error *reterr) {
    struct insp_filter wide = *filter;
    wide.id_ahead_us = store->id_ahead_us;
    struct list list = {.filter = &wide, .callback = callback, .arg = arg};
    return insp_store_read(store, list_work, &list, reterr);
}

bool insp_list_statement(const struct insp_filter *filter, int index, char *ret_sql) {
    struct insp_bindings bindings;
    char seek[INSP_SERIES_SQL_BYTES], keys[INSP_SERIES_SQL_BYTES];
    if (!insp_series_fit(filter))
        return index == 0 && insp_list_sql(filter, ret_sql, &bindings, NULL) == 0;
    insp_series_sql(filter, seek, keys);
    if (index == 2)
        keyed_sql(ret_sql);
    else
        snprintf(ret_sql, INSP_LIST_SQL_BYTES, "%s", index ? keys : seek);
    return index < 3;
}
