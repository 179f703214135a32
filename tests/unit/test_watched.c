#include "core/store/watched.h"

#include "tests/unit/store_fixture.h"

struct seen {
    size_t count, index[8];
    int64_t row[8];
    char path[8][64], id[8][INSP_UUID_BYTES];
    bool pending[8];
};

static void collect(void *arg, size_t index, const struct insp_watched_row *row) {
    struct seen *seen = arg;
    ck_assert_uint_lt(seen->count, 8);
    seen->index[seen->count] = index;
    seen->row[seen->count] = row->row;
    seen->pending[seen->count] = row->pending;
    snprintf(seen->path[seen->count], sizeof seen->path[0], "%s", row->file.path);
    snprintf(seen->id[seen->count++], INSP_UUID_BYTES, "%s", row->id);
}

static struct insp_watched file(const char *path, uint64_t inode) {
    return (struct insp_watched){path, {.device = 1, .inode = inode, .size = 10, .mtime_ns = 1700000000123456789}};
}

/* Puts an inspection of a file; id has INSP_UUID_BYTES bytes. */
static void inspect(struct fixture *f, const struct insp_watched *from, char *id) {
    struct insp_record record = fixture_record(id, "carpet", false);
    record.watched = from;
    fixture_put(f, &record);
}

static struct seen find(struct fixture *f, struct insp_watched one) {
    struct seen seen = {0};
    ck_insp_ok(insp_watched_find(f->store, &one, 1, collect, &seen, &f->err), f->err);
    return seen;
}

static struct seen pending(struct fixture *f, const char *folder) {
    struct seen seen = {0};
    ck_insp_ok(insp_watched_pending(f->store, folder, collect, &seen, &f->err), f->err);
    return seen;
}

static void finish(struct fixture *f, const char *row_path, const char *path, bool stays) {
    struct insp_watched_end end = {row_path, path, stays};
    ck_insp_ok(insp_watched_finish(f->store, &end, 1, &f->err), f->err);
}

START_TEST(a_row_comes_with_its_inspection) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    fixture_open(&f);
    struct insp_watched a = file("/in/\xff/a.jpg", 7);
    ck_assert_uint_eq(find(&f, a).count, 0);
    inspect(&f, &a, id);
    struct seen seen = find(&f, a);
    ck_assert(seen.count == 1 && seen.pending[0]);
    ck_assert_str_eq(seen.id[0], id);
    ck_assert_str_eq(seen.path[0], "/in/\xff/a.jpg");
    ck_assert_uint_eq(find(&f, file("/in/\xff/a.jpg", 8)).count, 0); /* another content */
    ck_assert_uint_eq(pending(&f, "/in").count, 1);
    ck_assert_uint_eq(pending(&f, "/i").count, 0);
    fixture_close(&f);
}
END_TEST

START_TEST(no_row_without_its_inspection) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    fixture_open(&f);
    struct insp_watched a = file("/in/a.jpg", 7), b = file("/in/b.jpg", 8);
    inspect(&f, &a, id);
    struct insp_record record = fixture_record((char[INSP_UUID_BYTES]){""}, "carpet", false);
    record.id = id; /* exists: the transaction fails */
    record.watched = &b;
    ck_assert_int_lt(insp_store_put(f.store, &record, 1, &f.err), 0);
    ck_assert_uint_eq(find(&f, b).count, 0);
    fixture_close(&f);
}
END_TEST

START_TEST(a_finished_row_goes_or_stays) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    fixture_open(&f);
    struct insp_watched a = file("/in/a.jpg", 7), b = file("/in/b.jpg", 8);
    inspect(&f, &a, id);
    inspect(&f, &b, id);
    finish(&f, a.path, a.path, false);
    finish(&f, b.path, b.path, true);
    ck_assert_uint_eq(find(&f, a).count, 0);
    struct seen seen = find(&f, b);
    ck_assert(seen.count == 1 && !seen.pending[0]);
    ck_assert_uint_eq(pending(&f, "/in").count, 0);
    inspect(&f, &(struct insp_watched){b.path, {.inode = 9}}, id); /* the same name with another content */
    ck_assert(find(&f, b).count == 0 && pending(&f, "/in").count == 1);
    fixture_close(&f);
}
END_TEST

START_TEST(a_renamed_file_is_found_by_its_content) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    fixture_open(&f);
    struct insp_watched a = file("/in/a.jpg", 7), renamed = file("/in/b.jpg", 7);
    inspect(&f, &a, id);
    struct seen seen = find(&f, renamed);
    ck_assert_uint_eq(seen.count, 1);
    ck_assert_str_eq(seen.path[0], "/in/a.jpg");
    renamed.identity.device = 2; /* of another file system: not the same */
    ck_assert_uint_eq(find(&f, renamed).count, 0);
    finish(&f, "/in/a.jpg", "/in/b.jpg", true);
    ck_assert_str_eq(find(&f, file("/in/b.jpg", 7)).path[0], "/in/b.jpg");
    fixture_close(&f);
}
END_TEST

START_TEST(rows_go_when_two_scans_have_missed_their_file) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    fixture_open(&f);
    struct insp_watched a = file("/in/a.jpg", 7), b = file("/in/b.jpg", 8), other = file("/other/c.jpg", 9);
    inspect(&f, &a, id);
    inspect(&f, &b, id);
    inspect(&f, &other, id);
    finish(&f, a.path, a.path, true);
    finish(&f, other.path, other.path, true);
    int64_t row = find(&f, a).row[0];
    ck_insp_ok(insp_watched_prune(f.store, "/in", NULL, 0, &f.err), f.err);
    ck_insp_ok(insp_watched_prune(f.store, "/in", &row, 1, &f.err), f.err); /* met again */
    ck_insp_ok(insp_watched_prune(f.store, "/in", NULL, 0, &f.err), f.err);
    ck_assert_uint_eq(find(&f, a).count, 1);
    ck_insp_ok(insp_watched_prune(f.store, "/in", NULL, 0, &f.err), f.err);
    ck_assert_uint_eq(find(&f, a).count, 0);
    ck_assert_uint_eq(find(&f, b).count, 1);     /* pending */
    ck_assert_uint_eq(find(&f, other).count, 1); /* of another folder */
    fixture_close(&f);
}
END_TEST

INSP_TESTS(a_row_comes_with_its_inspection, no_row_without_its_inspection, a_finished_row_goes_or_stays,
           a_renamed_file_is_found_by_its_content, rows_go_when_two_scans_have_missed_their_file);
