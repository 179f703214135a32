#include "core/store/lists/labelled.h"

#include "tests/unit/store_fixture.h"

#include <unistd.h>

static struct fixture f;

/* Puts one inspection of this content and labels it. */
static void put(const char *product, const char *sha256, enum insp_label label, const char *defect, char *ret_id) {
    struct insp_record record = fixture_record(ret_id, product, true);
    record.sha256 = sha256;
    fixture_put(&f, &record);
    if (label != INSP_LABEL_NONE)
        ck_insp_ok(insp_store_label(f.store, ret_id, label, defect, "", "me", &f.err), f.err);
}

struct found {
    size_t count, stop_after;
    struct insp_labelled item[8];
};

static int collect(void *arg, const struct insp_labelled *labelled) {
    struct found *found = arg;
    ck_assert_uint_lt(found->count, INSP_COUNT(found->item));
    found->item[found->count++] = *labelled;
    return found->count == found->stop_after;
}

static struct found walk(const char *product, const char *after, size_t stop_after) {
    struct found found = {.stop_after = stop_after};
    ck_insp_ok(insp_store_labelled(f.store, product, after, collect, &found, &f.err), f.err);
    return found;
}

START_TEST(each_image_once_by_hash) {
    char id[4][INSP_UUID_BYTES];
    fixture_open(&f);
    put("p", "bb", INSP_LABEL_GOOD, "", id[0]);
    put("p", "aa", INSP_LABEL_ANOMALY, "hole", id[1]);
    put("p", "cc", INSP_LABEL_NONE, "", id[2]);
    put("q", "dd", INSP_LABEL_GOOD, "", id[3]);
    struct found found = walk("p", NULL, 0);
    ck_assert_uint_eq(found.count, 2);
    ck_assert_str_eq(found.item[0].sha256, "aa");
    ck_assert_str_eq(found.item[0].id, id[1]);
    ck_assert_str_eq(found.item[0].kept_id, id[1]);
    ck_assert_str_eq(found.item[0].defect, "hole");
    ck_assert_int_eq(found.item[0].label, INSP_LABEL_ANOMALY);
    ck_assert_int_eq(found.item[0].verdict, INSP_VERDICT_ANOMALY);
    ck_assert_str_eq(found.item[0].model, "v1");
    ck_assert_str_eq(found.item[0].media_type, "image/png");
    ck_assert_uint_eq(found.item[0].image_bytes, 6);
    ck_assert_int_eq(found.item[1].label, INSP_LABEL_GOOD);
    ck_assert_str_eq(found.item[1].defect, "");
    ck_assert_uint_eq(walk("p", NULL, 1).count, 1);
    ck_assert_str_eq(walk("p", "aa", 0).item[0].sha256, "bb");
    ck_assert_uint_eq(walk("p", "bb", 0).count, 0);
    ck_assert_uint_eq(walk("nothing", NULL, 0).count, 0);
    fixture_close(&f);
}
END_TEST

START_TEST(the_last_word_counts) {
    char id[2][INSP_UUID_BYTES];
    fixture_open(&f);
    put("p", "aa", INSP_LABEL_GOOD, "", id[0]);
    put("p", "aa", INSP_LABEL_ANOMALY, "hole", id[1]);
    ck_assert_str_eq(walk("p", NULL, 0).item[0].id, id[1]);
    ck_insp_ok(insp_store_label(f.store, id[0], INSP_LABEL_GOOD, "", "", "me", &f.err), f.err);
    struct found found = walk("p", NULL, 0);
    ck_assert_uint_eq(found.count, 1);
    ck_assert_str_eq(found.item[0].id, id[0]);
    ck_assert_int_eq(found.item[0].label, INSP_LABEL_GOOD);
    ck_assert_str_eq(found.item[0].kept_id, id[1]); /* the newest whose bytes are there */
    ck_insp_ok(insp_store_label(f.store, id[0], INSP_LABEL_NONE, "", "", "me", &f.err), f.err);
    ck_assert_str_eq(walk("p", NULL, 0).item[0].id, id[1]);
    fixture_close(&f);
}
END_TEST

START_TEST(names_where_the_bytes_lie) {
    char id[INSP_UUID_BYTES], path[INSP_PATH_BYTES];
    fixture_open(&f);
    put("p", "aa", INSP_LABEL_GOOD, "", id);
    ck_insp_ok(insp_store_image_path(f.store, id, "png", path, &f.err), f.err);
    ck_assert_int_eq(access(path, R_OK), 0);
    ck_insp_code(insp_store_image_path(f.store, "../x", "png", path, &f.err), INSP_E_NOT_FOUND, f.err);
    fixture_close(&f);
}
END_TEST

INSP_TESTS(each_image_once_by_hash, the_last_word_counts, names_where_the_bytes_lie);
