#include "core/store/lists/series.h"

#include "core/store/internal.h"

#include <stdio.h>
#include <string.h>

enum { COLUMNS_MAX = 6, FIRST_KEYS = 64 };

struct column {
    const char *name;
    bool text, fixed; /* fixed: the filter gives its value */
    const char *fixed_text;
    int fixed_number;
};

struct walk {
    const struct insp_filter *filter;
    int count; /* of columns, in the order of the index */
    struct column column[COLUMNS_MAX];
    const char *index;
    struct sqlite3_stmt *seek, *keys;
    struct sqlite3_value *at[COLUMNS_MAX]; /* the combination found by the last seek; owned */
    int64_t low, high;
    int64_t *top; /* owned; the newest keys so far, newest first */
    size_t top_count, top_room;
};

bool insp_series_fit(const struct insp_filter *filter) {
    bool more = filter->camera || filter->model || filter->verdict >= 0 || filter->label >= 0;
    return more && !filter->part && !filter->after_id; /* a product alone has an index */
}

static void add_text(struct walk *walk, const char *name, const char *fixed) {
    walk->column[walk->count++] = (struct column){.name = name, .text = true, .fixed = fixed, .fixed_text = fixed};
}

static void add_number(struct walk *walk, const char *name, bool fixed, int number) {
    walk->column[walk->count++] = (struct column){.name = name, .fixed = fixed, .fixed_number = number};
}

/* Lists the columns of the index in its order: schema.c, version 6. */
static void describe(struct walk *walk, const struct insp_filter *filter) {
    walk->filter = filter;
    walk->index = filter->model ? "inspection_model_series" : "inspection_series";
    if (filter->model)
        add_text(walk, "model", filter->model);
    add_text(walk, "product", filter->product);
    add_text(walk, "camera", filter->camera);
    add_number(walk, "anomaly", filter->verdict >= 0, filter->verdict != INSP_VERDICT_GOOD);
    add_number(walk, "review", filter->verdict >= 0, filter->verdict == INSP_VERDICT_REVIEW);
    add_number(walk, "label", filter->label >= 0, filter->label);
}

static void names(const struct walk *walk, char *out) {
    out[0] = 0;
    for (int i = 0; i < walk->count; i++)
        sprintf(out + strlen(out), "%s%s", i ? ", " : "", walk->column[i].name);
}

static void write_sql(const struct walk *walk, char *ret_seek, char *ret_keys) {
    char list[128], marks[64] = "";
    int used;
    names(walk, list);
    for (int i = 0; i < walk->count; i++)
        sprintf(marks + strlen(marks), "%s?%d", i ? ", " : "", i + 1);
    snprintf(ret_seek, INSP_SERIES_SQL_BYTES,
             "SELECT %s FROM inspection INDEXED BY %s WHERE (%s) >= (%s) ORDER BY %s LIMIT 1", list, walk->index,
             list, marks, list);
    used = snprintf(ret_keys, INSP_SERIES_SQL_BYTES,
                    "SELECT key FROM inspection INDEXED BY %s WHERE key < ?7 AND key > ?8", walk->index);
    for (int i = 0; i < walk->count; i++)
        used += snprintf(ret_keys + used, INSP_SERIES_SQL_BYTES - (size_t)used, " AND %s = ?%d",
                         walk->column[i].name, i + 1);
    snprintf(ret_keys + used, INSP_SERIES_SQL_BYTES - (size_t)used, "%s%s ORDER BY key DESC LIMIT ?9",
             walk->filter->since_us ? " AND received_us >= ?10" : "",
             walk->filter->until_us ? " AND received_us < ?11" : "");
}

void insp_series_sql(const struct insp_filter *filter, char *ret_seek, char *ret_keys) {
    struct walk walk = {0};
    describe(&walk, filter);
    write_sql(&walk, ret_seek, ret_keys);
}

/* --- seeking from series to series --- */

/* Binds the least value that the column may have: the filter's, or the least of all. */
static void bind_least(struct sqlite3_stmt *seek, int i, const struct column *column) {
    if (column->text)
        sqlite3_bind_text(seek, i + 1, column->fixed ? column->fixed_text : "", -1, SQLITE_STATIC);
    else
        sqlite3_bind_int(seek, i + 1, column->fixed ? column->fixed_number : 0);
}

/* Binds a value above all of the column: SQLite sorts a blob after all texts. */
static void bind_past(struct sqlite3_stmt *seek, int i, const struct column *column) {
    if (column->text)
        sqlite3_bind_zeroblob(seek, i + 1, 0);
    else
        sqlite3_bind_int64(seek, i + 1, INT64_MAX);
}

/* Compares the found value with the filter's: < 0, 0, > 0. */
static int compare(const struct walk *walk, int i) {
    const struct column *column = &walk->column[i];
    if (!column->fixed)
        return 0;
    if (column->text) {
        const char *found = (const char *)sqlite3_value_text(walk->at[i]);
        return strcmp(found ? found : "", column->fixed_text);
    }
    return sqlite3_value_int(walk->at[i]) - column->fixed_number;
}

/* Sets the bound of the next seek. differs: the first column that differs from the filter, or walk->count if
 * none does. The columns before it stay; it moves up to the filter's value if it is below, else past all its
 * values. If none differs, the last column, a number, moves up by one. */
static void advance(struct walk *walk, int differs) {
    int last = walk->count - 1, moves = differs < last ? differs : last;
    for (int i = 0; i < moves; i++)
        sqlite3_bind_value(walk->seek, i + 1, walk->at[i]);
    for (int i = moves; i < walk->count; i++)
        bind_least(walk->seek, i, &walk->column[i]);
    if (differs > last)
        sqlite3_bind_int(walk->seek, last + 1, sqlite3_value_int(walk->at[last]) + 1);
    else if (compare(walk, differs) > 0)
        bind_past(walk->seek, moves, &walk->column[moves]);
}

static void forget(struct walk *walk) {
    for (int i = 0; i < walk->count; i++) {
        sqlite3_value_free(walk->at[i]);
        walk->at[i] = NULL;
    }
}

/* Seeks: returns 1 if walk->at is the first combination at or after the bound, 0 if there is none. */
static int seek(struct walk *walk, struct sqlite3 *db, struct insp_error *reterr) {
    int step = sqlite3_step(walk->seek), r = step == SQLITE_ROW;
    forget(walk);
    for (int i = 0; i < walk->count && r == 1; i++) {
        walk->at[i] = sqlite3_value_dup(sqlite3_column_value(walk->seek, i));
        if (!walk->at[i])
            r = insp_fail(reterr, INSP_E_NOMEM, "no memory to list inspections");
    }
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        r = insp_sql_fail(db, reterr);
    sqlite3_reset(walk->seek);
    return r;
}

/* --- gathering keys --- */

static bool full(const struct walk *walk) {
    return walk->top_count == walk->filter->limit;
}

static int grow(struct walk *walk, struct insp_error *reterr) {
    size_t room = walk->top_room ? 2 * walk->top_room : FIRST_KEYS;
    int64_t *grown = realloc(walk->top, room * sizeof *grown);
    if (!grown)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to list inspections");
    walk->top = grown;
    walk->top_room = room;
    return 0;
}

/* Inserts a key in order; the oldest falls out if there are enough. */
static int insert(struct walk *walk, int64_t key, struct insp_error *reterr) {
    if (!full(walk) && walk->top_count == walk->top_room && grow(walk, reterr) < 0)
        return INSP_E_NOMEM;
    size_t low = 0, high = walk->top_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (walk->top[middle] > key)
            low = middle + 1;
        else
            high = middle;
    }
    walk->top_count += !full(walk);
    memmove(walk->top + low + 1, walk->top + low, (walk->top_count - low - 1) * sizeof *walk->top);
    walk->top[low] = key;
    return 0;
}

/* Gathers the newest keys of the combination walk->at, as far as they are newer than the oldest of enough
 * others. */
static int gather(struct walk *walk, struct sqlite3 *db, struct insp_error *reterr) {
    const struct insp_filter *filter = walk->filter;
    for (int i = 0; i < walk->count; i++)
        sqlite3_bind_value(walk->keys, i + 1, walk->at[i]);
    sqlite3_bind_int64(walk->keys, 7, walk->high);
    sqlite3_bind_int64(walk->keys, 8, full(walk) ? walk->top[walk->top_count - 1] : walk->low);
    sqlite3_bind_int64(walk->keys, 9, filter->limit > INT32_MAX ? INT32_MAX : (int64_t)filter->limit);
    if (filter->since_us)
        sqlite3_bind_int64(walk->keys, 10, filter->since_us);
    if (filter->until_us)
        sqlite3_bind_int64(walk->keys, 11, filter->until_us);
    int step, r = 0;
    while (r == 0 && (step = sqlite3_step(walk->keys)) == SQLITE_ROW) {
        int64_t key = sqlite3_column_int64(walk->keys, 0);
        if (full(walk) && key < walk->top[walk->top_count - 1])
            break;
        r = insert(walk, key, reterr);
    }
    if (r == 0 && step != SQLITE_ROW && step != SQLITE_DONE)
        r = insp_sql_fail(db, reterr);
    sqlite3_reset(walk->keys);
    return r;
}

static int all_series(struct walk *walk, struct sqlite3 *db, bool *ret_gave_up, struct insp_error *reterr) {
    for (int i = 0; i < walk->count; i++)
        bind_least(walk->seek, i, &walk->column[i]);
    for (int seeks = 0; seeks < INSP_SERIES_SEEKS_MAX; seeks++) {
        int found = seek(walk, db, reterr);
        if (found <= 0)
            return found;
        int differs = 0;
        while (differs < walk->count && compare(walk, differs) == 0)
            differs++;
        int r = differs == walk->count ? gather(walk, db, reterr) : 0;
        if (r < 0)
            return r;
        advance(walk, differs);
    }
    *ret_gave_up = true;
    return 0;
}

int insp_series_keys(struct sqlite3 *db, const struct insp_filter *filter, int64_t low, int64_t high,
                     int64_t **ret_keys, size_t *ret_count, bool *ret_gave_up, struct insp_error *reterr) {
    struct walk walk = {.low = low, .high = high};
    char seek_sql[INSP_SERIES_SQL_BYTES], keys_sql[INSP_SERIES_SQL_BYTES];
    bool gave_up = false;
    describe(&walk, filter);
    write_sql(&walk, seek_sql, keys_sql);
    int r = insp_sql_prepare(db, seek_sql, &walk.seek, reterr);
    if (r == 0)
        r = insp_sql_prepare(db, keys_sql, &walk.keys, reterr);
    if (r == 0)
        r = all_series(&walk, db, &gave_up, reterr);
    forget(&walk);
    sqlite3_finalize(walk.seek);
    sqlite3_finalize(walk.keys);
    *ret_gave_up = gave_up;
    if (r < 0 || gave_up) {
        free(walk.top);
        return r;
    }
    *ret_keys = walk.top;
    *ret_count = walk.top_count;
    return 0;
}
