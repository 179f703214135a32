/* tests/bench/store_rows.c - the read side at 5 million inspections: lists by every filter, statistics, exports.
 *
 *     store_rows FOLDER [ROWS [PART-OF-A-NAME]]
 *
 * Fills FOLDER with a database through the daemon's own schema (rows are inserted without indexes, then those are
 * made; no 14x14 maps, which lie in a table that lists do not read), then measures the store's functions: first
 * call, median and p99 of 100 calls with changing values, the rows answered, and the query plan. Exit 1 where a
 * p99 is above 50 ms. */
#include "core/base/clock.h"
#include "core/base/splitmix.h"
#include "core/store/internal.h"
#include "core/store/store.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { PRODUCTS = 8, CAMERAS = 3, MODELS = 5, CALLS = 100, DAYS = 90, GOAL_MS = 50 };
static const int64_t DAY_US = 86400 * 1000000LL;

static int64_t rows, start_us, now_us;
static uint64_t random_state = 42;
static const char *only; /* NULL: all measures */

static uint32_t any(uint32_t below) {
    return (uint32_t)(insp_splitmix(&random_state) >> 32) % below;
}

static void need(int code, const struct insp_error *error) {
    if (code == 0)
        return;
    fprintf(stderr, "%s\n", error->detail);
    exit(2);
}

/* --- filling
 * ------------------------------------------------------------------------------------------------------
 */

/* The UUIDv7 of a key, the random part beyond it zero. */
static void blob_of_key(int64_t key, unsigned char blob[INSP_ID_BLOB_BYTES]) {
    uint64_t ms = (uint64_t)key >> INSP_KEY_MS_SHIFT;
    memset(blob, 0, INSP_ID_BLOB_BYTES);
    for (int i = 0; i < 6; i++)
        blob[i] = (unsigned char)(ms >> (40 - 8 * i));
    blob[6] = (unsigned char)(0x70 | ((key >> 17) & 0x0f));
    blob[7] = (unsigned char)(key >> 9);
    blob[8] = (unsigned char)(0x80 | ((key >> 3) & 0x3f));
    blob[9] = (unsigned char)(key << 5);
}

static int64_t us_of_row(int64_t row) {
    return start_us + (int64_t)((double)row / (double)rows * (double)(now_us - start_us));
}

/* Product 0 is almost all good, product 1 almost all anomalies, only product 2 has a review band; a thousandth is
 * labelled, and only product 3 has labels "good". */
static void bind_row(struct sqlite3_stmt *put, int64_t row) {
    static char product[16], camera[16], model[32], part[16],
        boxes[] = "[{\"x\":1,\"y\":2,\"width\":30,\"height\":40,\"max\":0.9000}]";
    static char sha256[] = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    static unsigned char blob[INSP_ID_BLOB_BYTES];
    uint32_t p = any(PRODUCTS), c = any(CAMERAS), chance = any(100000);
    int64_t us = us_of_row(row), key = insp_key_of_us(us) | (row & 0x1fffff);
    bool anomaly = p == 0 ? chance < 3 : p == 1 ? chance >= 3 : chance < 5000, review = p == 2 && chance < 20;
    int label = any(1000) ? 0 : p == 3 ? 1 : 2;
    blob_of_key(key, blob);
    snprintf(product, sizeof product, "product-%u", p);
    snprintf(camera, sizeof camera, "camera-%u-%u", p, c);
    snprintf(model, sizeof model, "20260%lldT100000Z-%u", (long long)(1 + row * MODELS / rows), p);
    snprintf(part, sizeof part, "part-%lld", (long long)(row / 3));
    snprintf(sha256, 9, "%08x", (unsigned)row);
    sha256[8] = '8';
    sqlite3_bind_int64(put, 1, key);
    sqlite3_bind_blob(put, 2, blob, sizeof blob, SQLITE_STATIC);
    sqlite3_bind_text(put, 3, product, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 4, model, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 5, camera, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 6, part, -1, SQLITE_STATIC);
    sqlite3_bind_int(put, 7, anomaly);
    sqlite3_bind_int(put, 8, review);
    sqlite3_bind_int(put, 9, label);
    sqlite3_bind_text(put, 10, anomaly ? boxes : "[]", -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 11, sha256, -1, SQLITE_STATIC);
    sqlite3_bind_int64(put, 12, us);
}

static void execute(struct sqlite3 *db, const char *sql) {
    struct insp_error error;
    need(insp_sql_exec(db, sql, &error), &error);
}

static void fill_minutes(struct sqlite3 *db) {
    static const char sql[] = /* eight days of them: what the statistics of a day and of a week read */
        "WITH RECURSIVE m (m) AS (SELECT ?1 - 8 * 1440 UNION ALL SELECT m + 1 FROM m WHERE m < ?1),"
        " p (p) AS (SELECT 0 UNION ALL SELECT p + 1 FROM p WHERE p < 7)"
        " INSERT INTO minute (minute, product, good, anomaly, labelled_good, labelled_anomaly, total_max_us, "
        "latency)"
        " SELECT m, 'product-' || p, 4, 1, 0, 0, 9000, randomblob(512) FROM m, p";
    struct sqlite3_stmt *put = NULL;
    struct insp_error error;
    need(insp_sql_prepare(db, sql, &put, &error), &error);
    sqlite3_bind_int64(put, 1, now_us / 60000000);
    need(insp_sql_run(put, &error), &error);
    sqlite3_finalize(put);
}

static void insert_rows(struct sqlite3 *db) {
    static const char sql[] =
        "INSERT INTO inspection (key, id, product, model, camera, part, anomaly, review, label, boxes, sha256, "
        "received_us,"
        " probability, threshold, heat_max, heat_area, heat_threshold, heat_low, heat_high, heat_per_image, "
        "width, height,"
        " media_type, extension, image_bytes, image_kept, decode_us, queue_us, inference_us, store_us, total_us)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0.25, 0.5, 0.9, 0.01, 0.7, 0.1, 3.5, 0, "
        "1280, 1024,"
        " 'image/jpeg', 'jpg', 150000, 1, 2100, 20, 58000, 700, 61000)";
    struct sqlite3_stmt *put = NULL;
    struct insp_error error;
    need(insp_sql_prepare(db, sql, &put, &error), &error);
    for (int64_t row = 0; row < rows; row++) {
        bind_row(put, row);
        need(insp_sql_run(put, &error), &error);
    }
    sqlite3_finalize(put);
}

/* Index and trigger are taken away and made again from their own text, so the schema stays the daemon's. */
static void fill(const char *path) {
    struct sqlite3 *db = NULL;
    struct sqlite3_stmt *list = NULL;
    struct insp_error error;
    char *drop = sqlite3_mprintf(""), *create = sqlite3_mprintf("");
    int64_t began = insp_mono_us();
    if (sqlite3_open(path, &db) != SQLITE_OK)
        need(insp_sql_fail(db, &error), &error);
    execute(db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -500000");
    need(insp_sql_prepare(
             db,
             "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = 'inspection' AND sql IS NOT NULL"
             " AND type IN ('index', 'trigger')",
             &list, &error),
         &error);
    while (sqlite3_step(list) == SQLITE_ROW) {
        drop = sqlite3_mprintf("%zDROP %s %s;", drop, sqlite3_column_text(list, 0), sqlite3_column_text(list, 1));
        create = sqlite3_mprintf("%z%s;", create, sqlite3_column_text(list, 2));
    }
    sqlite3_finalize(list);
    execute(db, drop);
    execute(db, "BEGIN");
    insert_rows(db);
    fill_minutes(db);
    execute(db, "COMMIT");
    printf("rows made in %.1f s\n", (double)(insp_mono_us() - began) / 1e6);
    execute(db, create);
    execute(db, "DELETE FROM usage; INSERT INTO usage SELECT 1, count(*), sum(image_kept), sum(image_bytes) FROM "
                "inspection;"
                "PRAGMA journal_mode = WAL");
    printf("with indexes in %.1f s\n", (double)(insp_mono_us() - began) / 1e6);
    sqlite3_free(drop);
    sqlite3_free(create);
    sqlite3_close(db);
}

/* --- measuring
 * ----------------------------------------------------------------------------------------------------
 */

struct measure {
    const char *name;
    struct insp_filter filter;
    bool deep;          /* from a cursor anywhere in the ninety days */
    bool other_camera;  /* one that never saw the product */
    int days_ago, days; /* a window; 0: none */
};

#define ALL .verdict = -1, .label = -1
#define P "product-?"
#define C "camera-?-1"
#define M "20260?T100000Z-?"
static const struct measure measures[] = {
    {.name = "newest", .filter = {ALL}},
    {.name = "anywhere", .filter = {ALL}, .deep = true},
    {.name = "product", .filter = {ALL, .product = P}},
    {.name = "product, anywhere", .filter = {ALL, .product = P}, .deep = true},
    {.name = "product unknown", .filter = {ALL, .product = "none"}},
    {.name = "camera", .filter = {ALL, .camera = C}},
    {.name = "camera, anywhere", .filter = {ALL, .camera = C}, .deep = true},
    {.name = "camera unknown", .filter = {ALL, .camera = "none"}},
    {.name = "product and a camera it never had",
     .filter = {ALL, .product = P, .camera = C},
     .other_camera = true},
    {.name = "part", .filter = {ALL, .part = "part-?"}},
    {.name = "part unknown", .filter = {ALL, .part = "none"}},
    {.name = "part of another product", .filter = {ALL, .part = "part-7", .product = "none"}},
    {.name = "model", .filter = {ALL, .model = M}},
    {.name = "model, anywhere", .filter = {ALL, .model = M}, .deep = true},
    {.name = "model unknown", .filter = {ALL, .model = "none"}},
    {.name = "model of another product", .filter = {ALL, .model = "202601T100000Z-1", .product = "product-2"}},
    {.name = "model and a camera of another",
     .filter = {ALL, .model = "202601T100000Z-1", .camera = "camera-2-1"}},
    {.name = "old model, newest first", .filter = {ALL, .model = "202601T100000Z-1", .product = "product-1"}},
    {.name = "good", .filter = {.verdict = 0, .label = -1}},
    {.name = "anomaly", .filter = {.verdict = 1, .label = -1}},
    {.name = "anomaly, anywhere", .filter = {.verdict = 1, .label = -1}, .deep = true},
    {.name = "review", .filter = {.verdict = 2, .label = -1}},
    {.name = "good of a product of anomalies", .filter = {.verdict = 0, .label = -1, .product = "product-1"}},
    {.name = "anomaly of a product of good", .filter = {.verdict = 1, .label = -1, .product = "product-0"}},
    {.name = "review of a product without", .filter = {.verdict = 2, .label = -1, .product = "product-5"}},
    {.name = "label good", .filter = {.verdict = -1, .label = 1}},
    {.name = "label anomaly", .filter = {.verdict = -1, .label = 2}},
    {.name = "label good of a product without", .filter = {.verdict = -1, .label = 1, .product = "product-4"}},
    {.name = "label good, verdict anomaly, camera", .filter = {.verdict = 1, .label = 1, .camera = "camera-3-1"}},
    {.name = "not labelled", .filter = {.verdict = -1, .label = 0}},
    {.name = "not labelled anomalies of a product", .filter = {.verdict = 1, .label = 0, .product = P}},
    {.name = "a day, product", .filter = {ALL, .product = P}, .days_ago = 30, .days = 1},
    {.name = "a day, anomalies of a camera",
     .filter = {.verdict = 1, .label = -1, .camera = C},
     .days_ago = 60,
     .days = 1},
    {.name = "a day with nothing", .filter = {ALL}, .days_ago = 200, .days = 1},
    {.name = "a day with nothing, product and label",
     .filter = {.verdict = -1, .label = 1, .product = P},
     .days_ago = 200,
     .days = 1},
    {.name = "a month, review and label", .filter = {.verdict = 2, .label = 2}, .days_ago = 60, .days = 30},
    {.name = "everything at once",
     .filter = {.verdict = 1, .label = 2, .product = P, .camera = C, .model = M},
     .days_ago = 80,
     .days = 70},
    {.name = "export page, all", .filter = {ALL, .limit = 500}, .deep = true},
    {.name = "export page, product and camera",
     .filter = {ALL, .product = P, .camera = C, .limit = 500},
     .deep = true},
    {.name = "export page, good", .filter = {.verdict = 0, .label = -1, .limit = 500}, .deep = true},
};

static int count_row(void *arg, const struct insp_record *record) {
    (void)record;
    ++*(size_t *)arg;
    return 0;
}

/* The pattern with the product's digit for each '?'. */
static const char *vary(const char *pattern, char *out, uint32_t product) {
    if (!pattern)
        return NULL;
    strcpy(out, pattern);
    for (char *at = out; (at = strchr(at, '?'));)
        *at = (char)('0' + product);
    return out;
}

static struct insp_filter filter_of(const struct measure *m, char text[4][64], char *cursor) {
    struct insp_filter f = m->filter;
    uint32_t p = any(PRODUCTS);
    unsigned char blob[INSP_ID_BLOB_BYTES];
    f.limit = f.limit ? f.limit : 51;
    f.product = vary(f.product, text[0], p);
    f.camera = vary(f.camera, text[1], m->other_camera ? (p + 1) % PRODUCTS : p);
    if (f.model && strchr(f.model, '?')) {
        snprintf(text[2], 64, "20260%uT100000Z-%u", 1 + any(MODELS), p);
        f.model = text[2];
    }
    if (f.part && strchr(f.part, '?')) {
        snprintf(text[3], 64, "part-%u", any((uint32_t)(rows / 3)));
        f.part = text[3];
    }
    if (m->days) {
        f.since_us = now_us - m->days_ago * DAY_US;
        f.until_us = f.since_us + m->days * DAY_US;
    }
    if (m->deep) {
        blob_of_key(insp_key_of_us(us_of_row(any((uint32_t)rows))), blob);
        insp_id_format(blob, cursor);
        f.before_id = cursor;
    }
    return f;
}

/* Wall and processor time of each call; the second says what a call costs where other programs hold the machine.
 */
static double wall_ms[CALLS], cpu_ms[CALLS];
static struct timespec wall_began, cpu_began;

static double since(clockid_t clock, const struct timespec *began) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)(now.tv_sec - began->tv_sec) * 1e3 + (double)(now.tv_nsec - began->tv_nsec) / 1e6;
}

static void call_begins(void) {
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu_began);
    clock_gettime(CLOCK_MONOTONIC, &wall_began);
}

static void call_ended(int call) {
    wall_ms[call] = since(CLOCK_MONOTONIC, &wall_began);
    cpu_ms[call] = since(CLOCK_THREAD_CPUTIME_ID, &cpu_began);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Prints first call, median, p99 and the p99 of processor time; false where the p99 is above the goal. */
static bool report(const char *name, size_t found, double goal_ms) {
    double first = wall_ms[0];
    qsort(wall_ms, CALLS, sizeof *wall_ms, by_value);
    qsort(cpu_ms, CALLS, sizeof *cpu_ms, by_value);
    bool well = wall_ms[CALLS - 2] <= goal_ms;
    printf("%-40s %8.2f %8.2f %8.2f %8.2f %8zu%s\n", name, first, wall_ms[CALLS / 2], wall_ms[CALLS - 2],
           cpu_ms[CALLS - 2], found, well ? "" : "  TOO SLOW");
    fflush(stdout);
    return well;
}

static int plan_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    char sql[INSP_LIST_SQL_BYTES + 32];
    for (int i = 0; insp_list_statement(arg, i, sql + sprintf(sql, "EXPLAIN QUERY PLAN ")); i++) {
        _cleanup_stmt_ struct sqlite3_stmt *plan = NULL;
        int r = insp_sql_prepare(db, sql, &plan, reterr);
        if (r)
            return r;
        while (sqlite3_step(plan) == SQLITE_ROW)
            printf("    %s\n", (const char *)sqlite3_column_text(plan, 3));
    }
    return 0;
}

static bool wanted(const char *name) {
    return !only || strstr(name, only);
}

static bool measure_list(struct insp_store *store, const struct measure *m) {
    size_t found = 0;
    struct insp_error error;
    struct insp_filter f = {0};
    char text[4][64], cursor[INSP_UUID_BYTES];
    if (!wanted(m->name))
        return true;
    for (int i = 0; i < CALLS; i++) {
        f = filter_of(m, text, cursor);
        found = 0;
        call_begins();
        need(insp_store_list(store, &f, count_row, &found, &error), &error);
        call_ended(i);
    }
    bool well = report(m->name, found, GOAL_MS);
    need(insp_store_read(store, plan_work, &f, &error), &error);
    return well;
}

static bool measure_statistics(struct insp_store *store, const char *name, const char *product, int days) {
    size_t found = 0;
    struct insp_error error;
    if (!wanted(name))
        return true;
    for (int i = 0; i < CALLS; i++) {
        struct insp_statistics s;
        call_begins();
        need(insp_store_statistics(store, product, now_us - days * DAY_US, 0, 3600000000, &s, &error), &error);
        call_ended(i);
        found = s.bucket_count;
        insp_statistics_clear(&s);
    }
    return report(name, found, days == 1 ? GOAL_MS : INFINITY);
}

/* Measures the cost of an inspection: groups of `size` records in one transaction, without images. */
static void measure_put(struct insp_store *store, size_t size) {
    static const float cam[14 * 14];
    struct insp_record record[16];
    char id[16][INSP_UUID_BYTES], product[16][16], camera[16][32], part[16][32];
    struct insp_error error;
    char name[40];
    snprintf(name, sizeof name, "put, %zu in a transaction", size);
    if (!wanted(name))
        return;
    for (int k = 0; k < CALLS; k++) {
        for (size_t i = 0; i < size; i++) {
            insp_uuid7(id[i]);
            uint32_t p = any(PRODUCTS);
            snprintf(product[i], sizeof product[i], "product-%u", p);
            snprintf(camera[i], sizeof camera[i], "camera-%u-%u", p, any(CAMERAS));
            snprintf(part[i], sizeof part[i], "part-%u", any(1u << 31));
            record[i] = (struct insp_record){.id = id[i],
                                             .product = product[i],
                                             .model = "202605T100000Z-1",
                                             .camera = camera[i],
                                             .part = part[i],
                                             .cam = cam,
                                             .sha256 = id[i],
                                             .media_type = "image/jpeg",
                                             .extension = "jpg",
                                             .image = "",
                                             .image_bytes = 0,
                                             .received_us = insp_wall_us()};
        }
        call_begins();
        need(insp_store_put(store, record, size, &error), &error);
        call_ended(k);
    }
    report(name, size, INFINITY);
}

int main(int count, char **argument) {
    struct insp_store *store;
    struct insp_store_usage usage;
    struct insp_error error;
    char path[4096];
    if (count < 2) {
        fprintf(stderr, "usage: store_rows FOLDER [ROWS [PART-OF-A-NAME]]\n");
        return 2;
    }
    rows = count > 2 ? atoll(argument[2]) : 5000000;
    only = count > 3 ? argument[3] : NULL;
    now_us = insp_wall_us();
    start_us = now_us - DAYS * DAY_US;
    int64_t began = insp_mono_us();
    need(insp_store_open(argument[1], INSP_DURABLE_PROCESS, &store, &error), &error);
    printf("opened (and migrated) in %.1f s\n", (double)(insp_mono_us() - began) / 1e6);
    need(insp_store_usage(store, &usage, &error), &error);
    if (usage.inspections < (uint64_t)rows) {
        insp_store_close(store);
        snprintf(path, sizeof path, "%s/inspectd.sqlite3", argument[1]);
        fill(path);
        need(insp_store_open(argument[1], INSP_DURABLE_PROCESS, &store, &error), &error);
    }
    need(insp_store_usage(store, &usage, &error), &error);
    printf("%llu inspections, %.2f GB\n%-40s %8s %8s %8s %8s %8s\n", (unsigned long long)usage.inspections,
           (double)usage.database_bytes / 1e9, "ms", "first", "median", "p99", "cpu p99", "rows");
    bool well = true;
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++)
        well &= measure_list(store, &measures[i]);
    well &= measure_statistics(store, "statistics of 24 hours", NULL, 1);
    well &= measure_statistics(store, "statistics of 24 hours, product", "product-3", 1);
    well &= measure_statistics(store, "statistics of 7 days", NULL, 7);
    for (size_t size = 1; size <= 16; size *= 4)
        measure_put(store, size);
    insp_store_close(store);
    return well ? 0 : 1;
}
