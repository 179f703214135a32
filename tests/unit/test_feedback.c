#include "core/train/feedback.h"

#include "tests/unit/train_fixture.h"

/* A scorer that reads its answers from the list: by place among the images that could be read. */
static const float *answers;
static size_t asked;

static int answer(void *arg, const struct insp_train_data *view, const size_t *member, size_t count,
                  const struct insp_progress *progress, float *ret_probability, struct insp_error *reterr) {
    (void)arg;
    (void)progress;
    (void)reterr;
    static float features[INSP_FEATURE_FLOATS];
    asked = count;
    for (size_t i = 0; i < count; i++) {
        insp_train_data_gather(view, &member[i], 1, features); /* they are there */
        ret_probability[i] = answers[i];
    }
    return 0;
}

static struct train_fixture f;
static struct insp_train_data *data;
static struct insp_feedback feedback;
static struct insp_feedback_config config;

/* 4 good, 2 holes; the first three good ones and the first hole are trained on. */
static void open_all(void) {
    static const size_t trained[] = {0, 2, 3, 4};
    train_fixture_open(&f);
    fixture_set(&f, 4, 2, 0);
    const struct insp_transform input = insp_transform_default();
    ck_insp_ok(insp_train_data_open(&f.context, &input, false, NULL, &data, &f.err), f.err);
    feedback = (struct insp_feedback){.item = calloc(8, sizeof *feedback.item)};
    f.context.feedback = &feedback;
    config = (struct insp_feedback_config){.context = &f.context,
                                           .data = data,
                                           .scorer = answer,
                                           .threshold = 0.5f,
                                           .trained_known = true,
                                           .trained = trained,
                                           .trained_count = INSP_COUNT(trained)};
}

static void close_all(void) {
    insp_feedback_clear(&feedback);
    insp_train_data_free(data);
    train_fixture_close(&f);
}

static struct insp_feedback_item *add(const char *path, const char *id, uint8_t label, enum insp_verdict verdict) {
    struct insp_feedback_item *item = &feedback.item[feedback.count++];
    item->path = strdup(path);
    snprintf(item->id, sizeof item->id, "%s", id);
    item->label = label;
    item->verdict = verdict;
    item->labelled_us = (int64_t)feedback.count;
    snprintf(item->model, sizeof item->model, "v1");
    if (access(path, F_OK) == 0)
        ck_insp_ok(insp_sha256_file(path, item->sha256, &f.err), f.err);
    else
        memset(item->sha256, 'f', sizeof item->sha256 - 1);
    return item;
}

static json_int_t figure(const json_t *json, const char *name) {
    ck_assert_msg(json_is_integer(json_object_get(json, name)), "%s", name);
    return json_integer_value(json_object_get(json, name));
}

static const json_t *item_of(const json_t *json, size_t at, const char *id) {
    const json_t *item = json_array_get(json_object_get(json, "items"), at);
    ck_assert_str_eq(json_string_value(json_object_get(item, "id")), id);
    return item;
}

START_TEST(what_contradicts_a_word) {
    ck_assert(insp_feedback_wrong(INSP_VERDICT_GOOD, INSP_CLASS_ANOMALY));
    ck_assert(insp_feedback_wrong(INSP_VERDICT_ANOMALY, INSP_CLASS_GOOD));
    ck_assert(!insp_feedback_wrong(INSP_VERDICT_GOOD, INSP_CLASS_GOOD));
    ck_assert(!insp_feedback_wrong(INSP_VERDICT_ANOMALY, INSP_CLASS_ANOMALY));
    ck_assert(!insp_feedback_wrong(INSP_VERDICT_REVIEW, INSP_CLASS_GOOD));
    ck_assert(!insp_feedback_wrong(INSP_VERDICT_REVIEW, INSP_CLASS_ANOMALY));
}
END_TEST

START_TEST(counts_what_is_right_now) {
    static const float now[] = {0.9f, 0.1f, 0.8f, 0.2f, 0.7f};
    const struct insp_dataset *set;
    json_t *json = NULL;
    open_all();
    set = data->set.dataset; /* sorted: test/hole/00, 01, train/good/00.. */
    add(set->item[0].path, "seen-miss", INSP_CLASS_ANOMALY, INSP_VERDICT_GOOD)->defect[0] = 'h'; /* now right */
    add(set->item[1].path, "unseen-miss", INSP_CLASS_ANOMALY, INSP_VERDICT_GOOD);                /* still wrong */
    add(set->item[2].path, "seen-newly", INSP_CLASS_GOOD, INSP_VERDICT_GOOD);
    add(set->item[5].path, "unseen-alarm", INSP_CLASS_GOOD, INSP_VERDICT_ANOMALY); /* now right */
    add("/nowhere/gone.png", "gone", INSP_CLASS_GOOD, INSP_VERDICT_GOOD);
    add(set->item[3].path, "review", INSP_CLASS_GOOD, INSP_VERDICT_REVIEW); /* newly wrong */
    feedback.left_out = 9;
    answers = now;
    ck_insp_ok(insp_feedback_report(&config, NULL, &json, &f.err), f.err);
    ck_assert_uint_eq(asked, 5);
    ck_assert_int_eq(figure(json, "labelled"), 5);
    ck_assert_int_eq(figure(json, "unreadable"), 1);
    ck_assert_int_eq(figure(json, "left_out"), 9);
    ck_assert_int_eq(figure(json, "missed_before"), 2);
    ck_assert_int_eq(figure(json, "false_alarms_before"), 1);
    ck_assert_int_eq(figure(json, "now_right"), 2);
    ck_assert_int_eq(figure(json, "still_wrong"), 1);
    ck_assert_int_eq(figure(json, "newly_wrong"), 2);
    ck_assert_int_eq(figure(json, "trunk_runs"), 0); /* the cache has the dataset's */
    const json_t *unseen = json_object_get(json, "unseen");
    ck_assert_int_eq(figure(unseen, "labelled"), 2);
    ck_assert_int_eq(figure(unseen, "missed_before"), 1);
    ck_assert_int_eq(figure(unseen, "now_right"), 1);
    ck_assert_int_eq(figure(unseen, "still_wrong"), 1);
    ck_assert_int_eq(figure(unseen, "newly_wrong"), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "items")), 5);
    ck_assert(json_is_true(json_object_get(item_of(json, 0, "review"), "in_training")));
    item_of(json, 1, "seen-newly");
    const json_t *still = item_of(json, 2, "unseen-miss");
    ck_assert(json_is_false(json_object_get(still, "in_training")));
    ck_assert_str_eq(json_string_value(json_object_get(still, "verdict_before")), "good");
    ck_assert_str_eq(json_string_value(json_object_get(still, "verdict_now")), "good");
    ck_assert_str_eq(json_string_value(json_object_get(still, "label")), "anomaly");
    item_of(json, 3, "unseen-alarm");
    ck_assert_str_eq(json_string_value(json_object_get(item_of(json, 4, "seen-miss"), "defect")), "h");
    json_decref(json);
    close_all();
}
END_TEST

START_TEST(nothing_is_claimed_where_the_training_is_not_known) {
    static const float now[] = {0.1f};
    json_t *json = NULL;
    open_all();
    config.trained_known = false;
    config.trained_count = 0;
    add(data->set.dataset->item[0].path, "a", INSP_CLASS_ANOMALY, INSP_VERDICT_GOOD);
    answers = now;
    ck_insp_ok(insp_feedback_report(&config, NULL, &json, &f.err), f.err);
    ck_assert(json_is_null(json_object_get(json, "unseen")));
    ck_assert(json_is_null(json_object_get(item_of(json, 0, "a"), "in_training")));
    json_decref(json);
    close_all();
}
END_TEST

/* A raw frame that from-labels has put into the set as PNG is known by the name that it got there. */
START_TEST(raw_frames_are_known_by_name) {
    enum { SIDE = 32 };
    static const float now[] = {0.9f};
    uint8_t frame[SIDE * SIDE] = {200};
    char raw[INSP_PATH_BYTES], sha256[INSP_SHA256_HEX_BYTES], name[96];
    json_t *json = NULL;
    train_fixture_open(&f);
    fixture_set(&f, 4, 2, 0);
    insp_sha256_hex(frame, sizeof frame, sha256);
    snprintf(name, sizeof name, "test/hole/%.40s.png", sha256);
    fixture_image(&f, name, 200);
    ck_insp_ok(insp_path(raw, &f.err, "%s/frame.raw", f.dir), f.err);
    ck_insp_ok(insp_write_file(raw, frame, sizeof frame, 0600, false, &f.err), f.err);
    const struct insp_transform input = insp_transform_default();
    ck_insp_ok(insp_train_data_open(&f.context, &input, false, NULL, &data, &f.err), f.err);
    size_t trained = 0;
    while (!strstr(data->set.dataset->item[trained].path, sha256) &&
           strncmp(strrchr(data->set.dataset->item[trained].path, '/') + 1, sha256, 40) != 0)
        trained++;
    feedback = (struct insp_feedback){.item = calloc(8, sizeof *feedback.item)};
    f.context.feedback = &feedback;
    add(raw, "raw", INSP_CLASS_ANOMALY, INSP_VERDICT_GOOD)->type =
        (struct insp_media_type){INSP_MEDIA_RAW, INSP_RAW_MONO8, SIDE, SIDE};
    config = (struct insp_feedback_config){.context = &f.context,
                                           .data = data,
                                           .scorer = answer,
                                           .threshold = 0.5f,
                                           .trained_known = true,
                                           .trained = &trained,
                                           .trained_count = 1};
    answers = now;
    ck_insp_ok(insp_feedback_report(&config, NULL, &json, &f.err), f.err);
    ck_assert_int_eq(figure(json, "unreadable"), 0);
    ck_assert_int_eq(figure(json, "trunk_runs"), 1);
    ck_assert(json_is_true(json_object_get(item_of(json, 0, "raw"), "in_training")));
    json_decref(json);
    close_all();
}
END_TEST

/* One picture that is too small for the tiles does not take the report of the others away. */
START_TEST(a_picture_too_small_for_the_tiles_is_counted) {
    static const float now[] = {0.9f};
    json_t *json = NULL;
    train_fixture_open(&f);
    fixture_square(&f, "train/good/00.png", 480, 240, 20, 20, 0, 0, 0);
    fixture_square(&f, "test/hole/00.png", 480, 240, 20, 200, 10, 10, 8);
    const struct insp_transform input = insp_transform_default();
    ck_insp_ok(insp_train_data_open_tiled(&f.context, &input, (struct insp_tiles){2, 1}, false, false, NULL, &data,
                                          &f.err),
               f.err);
    feedback = (struct insp_feedback){.item = calloc(8, sizeof *feedback.item)};
    f.context.feedback = &feedback;
    config =
        (struct insp_feedback_config){.context = &f.context, .data = data, .scorer = answer, .threshold = 0.5f};
    fixture_image(&f, "../small.png", 200);
    char small[INSP_PATH_BYTES];
    fixture_path(&f, "../small.png", small);
    add(small, "small", INSP_CLASS_ANOMALY, INSP_VERDICT_GOOD);
    add(data->set.dataset->item[0].path, "a", INSP_CLASS_ANOMALY, INSP_VERDICT_GOOD);
    answers = now;
    ck_insp_ok(insp_feedback_report(&config, NULL, &json, &f.err), f.err);
    ck_assert_int_eq(figure(json, "labelled"), 1);
    ck_assert_int_eq(figure(json, "unreadable"), 1);
    json_decref(json);
    close_all();
}
END_TEST

static int refuse(void *arg, const struct insp_train_data *view, const size_t *member, size_t count,
                  const struct insp_progress *progress, float *ret_probability, struct insp_error *reterr) {
    (void)view;
    (void)member;
    (void)count;
    (void)progress;
    (void)ret_probability;
    return insp_fail(reterr, *(int *)arg, "no");
}

START_TEST(a_model_is_not_lost_for_it) {
    int code = INSP_E_NOSPACE;
    json_t *json = NULL;
    open_all();
    ck_insp_ok(insp_feedback_report_or_null(&config, NULL, &json, &f.err), f.err); /* nothing labelled */
    ck_assert_ptr_null(json);
    add(data->set.dataset->item[0].path, "a", INSP_CLASS_ANOMALY, INSP_VERDICT_GOOD);
    config.scorer = refuse;
    config.arg = &code;
    ck_insp_ok(insp_feedback_report_or_null(&config, NULL, &json, &f.err), f.err);
    ck_assert_ptr_null(json);
    code = INSP_E_CANCELLED;
    ck_insp_code(insp_feedback_report_or_null(&config, NULL, &json, &f.err), INSP_E_CANCELLED, f.err);
    close_all();
}
END_TEST

INSP_TESTS(what_contradicts_a_word, counts_what_is_right_now, nothing_is_claimed_where_the_training_is_not_known,
           raw_frames_are_known_by_name, a_picture_too_small_for_the_tiles_is_counted, a_model_is_not_lost_for_it);
