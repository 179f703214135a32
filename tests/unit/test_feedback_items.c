#include "core/jobs/feedback_items.h"

#include "tests/unit/store_fixture.h"

static struct fixture f;

static void put(unsigned number, bool anomaly, enum insp_label label, const char *defect) {
    char id[INSP_UUID_BYTES], sha256[INSP_SHA256_HEX_BYTES];
    struct insp_record record = fixture_record(id, "p", anomaly);
    insp_sha256_hex(&number, sizeof number, sha256);
    record.sha256 = sha256;
    fixture_put(&f, &record);
    ck_insp_ok(insp_store_label(f.store, id, label, defect, "", "me", &f.err), f.err);
}

START_TEST(mistakes_come_first) {
    struct insp_feedback feedback = {0};
    fixture_open(&f);
    put(1, false, INSP_LABEL_GOOD, "");
    put(2, false, INSP_LABEL_ANOMALY, "hole"); /* missed */
    put(3, true, INSP_LABEL_ANOMALY, "");
    put(4, true, INSP_LABEL_GOOD, ""); /* a false alarm */
    ck_insp_ok(insp_feedback_collect(f.store, "p", &feedback, &f.err), f.err);
    ck_assert_uint_eq(feedback.count, 4);
    ck_assert_uint_eq(feedback.left_out, 0);
    const struct insp_feedback_item *first = &feedback.item[0], *second = &feedback.item[1];
    ck_assert_int_eq(first->label, INSP_CLASS_GOOD);
    ck_assert_int_eq(first->verdict, INSP_VERDICT_ANOMALY);
    ck_assert_int_eq(second->label, INSP_CLASS_ANOMALY);
    ck_assert_int_eq(second->verdict, INSP_VERDICT_GOOD);
    ck_assert_str_eq(second->defect, "hole");
    ck_assert_str_eq(second->model, "v1");
    ck_assert_int_eq(second->type.media, INSP_MEDIA_PNG);
    ck_assert_int_eq(access(second->path, R_OK), 0);
    ck_assert(!insp_feedback_wrong(feedback.item[2].verdict, feedback.item[2].label));
    insp_feedback_clear(&feedback);
    ck_insp_ok(insp_feedback_collect_from(f.dir, "p", &feedback, &f.err), f.err);
    ck_assert_uint_eq(feedback.count, 4);
    insp_feedback_clear(&feedback);
    ck_insp_ok(insp_feedback_collect(f.store, "q", &feedback, &f.err), f.err);
    ck_assert_uint_eq(feedback.count, 0);
    insp_feedback_clear(&feedback);
    fixture_close(&f);
}
END_TEST

START_TEST(the_rest_is_counted) {
    enum { MANY = 2 * INSP_FEEDBACK_IMAGES_MAX + 50, WRONG = 30 };
    struct insp_feedback feedback = {0};
    fixture_open(&f);
    for (unsigned i = 0; i < MANY; i++)
        put(i, i < WRONG, INSP_LABEL_GOOD, "");
    ck_insp_ok(insp_feedback_collect(f.store, "p", &feedback, &f.err), f.err);
    ck_assert_uint_eq(feedback.count, INSP_FEEDBACK_IMAGES_MAX);
    ck_assert_uint_eq(feedback.left_out, MANY - INSP_FEEDBACK_IMAGES_MAX);
    for (size_t i = 0; i < feedback.count; i++) {
        ck_assert_int_eq(feedback.item[i].verdict, i < WRONG ? INSP_VERDICT_ANOMALY : INSP_VERDICT_GOOD);
        ck_assert(i == 0 || i == WRONG || feedback.item[i].labelled_us <= feedback.item[i - 1].labelled_us);
    }
    insp_feedback_clear(&feedback);
    fixture_close(&f);
}
END_TEST

START_TEST(a_state_folder_without_a_database_has_none) {
    struct insp_feedback feedback = {.left_out = 7};
    char dir[] = "/tmp/insp-feedback-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_insp_ok(insp_feedback_collect_from(dir, "p", &feedback, &f.err), f.err);
    ck_assert_uint_eq(feedback.count + feedback.left_out, 0);
    ck_assert_int_eq(rmdir(dir), 0); /* and it was not made */
}
END_TEST

INSP_TESTS(mistakes_come_first, the_rest_is_counted, a_state_folder_without_a_database_has_none);
