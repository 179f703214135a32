#include "tests/unit/store_fixture.h"

static int expect_round_trip(void *arg, const struct insp_record *got) {
    const struct insp_record *put = arg;
    ck_assert_str_eq(got->id, put->id);
    ck_assert_str_eq(got->product, put->product);
    ck_assert_str_eq(got->camera, put->camera);
    ck_assert_str_eq(got->part, put->part);
    ck_assert_str_eq(got->model, put->model);
    ck_assert(got->verdict == put->verdict && got->image_kept);
    ck_assert(got->probability == put->probability && got->threshold == put->threshold);
    ck_assert(got->heat_threshold == put->heat_threshold && got->heat_high == put->heat_high);
    ck_assert_uint_eq(got->box_count, put->box_count);
    ck_assert_mem_eq(got->box, put->box, put->box_count * sizeof *put->box);
    ck_assert_mem_eq(got->cam, put->cam, 14 * 14 * sizeof(float));
    ck_assert(got->width == put->width && got->height == put->height);
    ck_assert_str_eq(got->sha256, put->sha256);
    ck_assert_int_eq(got->received_us, put->received_us);
    ck_assert_int_eq(got->total_us, put->total_us);
    ck_assert_int_eq(got->label, INSP_LABEL_NONE);
    ck_assert_int_eq(got->heat_kind, put->heat_kind);
    ck_assert(got->good_decided == put->good_decided && got->good_known == put->good_known);
    ck_assert(got->good_score == put->good_score && got->good_threshold == put->good_threshold &&
              got->good_percentile == put->good_percentile);
    return 0;
}

static int expect_tiled(void *arg, const struct insp_record *got) {
    const struct insp_record *put = arg;
    ck_assert(got->map.columns == put->map.columns && got->map.rows == put->map.rows);
    ck_assert_mem_eq(got->cam, put->cam, (size_t)put->map.columns * put->map.rows * sizeof(float));
    return 0;
}

/* Maps of the largest grids are kept whole beside the usual ones, and go with their row. */
START_TEST(test_maps_of_tiles) {
    static const struct insp_map_size sizes[] = {{26, 14}, {14, 26}, {194, 50}, {98, 98}, {14, 194}};
    static float cam[INSP_TILES_MAP_MAX];
    struct fixture f;
    char id[INSP_UUID_BYTES];
    fixture_open(&f);
    for (size_t i = 0; i < INSP_TILES_MAP_MAX; i++)
        cam[i] = (float)i;
    for (size_t i = 0; i < INSP_COUNT(sizes); i++) {
        struct insp_record record = fixture_record(id, "p", true);
        record.cam = cam;
        record.map = sizes[i];
        fixture_put(&f, &record);
        ck_insp_ok(insp_store_get(f.store, id, expect_tiled, &record, &f.err), f.err);
    }
    fixture_close(&f);
}
END_TEST

START_TEST(test_what_goes_in_comes_out) {
    struct fixture f;
    char id[INSP_UUID_BYTES], media_type[128];
    void *image;
    size_t bytes;
    fixture_open(&f);
    struct insp_record record = fixture_record(id, "p", true);
    const struct insp_box box[] = {{1, 2, 3, 4, 0.5f}, {5, 6, 7, 8, 1}};
    record.box = box;
    record.box_count = 2;
    record.part = "Teil \xc3\xa4' OR 1 --";
    fixture_put(&f, &record);
    ck_insp_ok(insp_store_get(f.store, id, expect_round_trip, &record, &f.err), f.err);
    ck_insp_ok(insp_store_image(f.store, id, &image, &bytes, media_type, &f.err), f.err);
    ck_assert_uint_eq(bytes, 6);
    ck_assert_mem_eq(image, "pixels", 6);
    ck_assert_str_eq(media_type, "image/png");
    free(image);
    record = fixture_record(id, "p", false); /* by a good-only model */
    record.good_decided = record.good_known = true;
    record.good_score = 11.25f;
    record.good_threshold = 14;
    record.good_percentile = 62.5f;
    record.heat_kind = 2;
    fixture_put(&f, &record);
    ck_insp_ok(insp_store_get(f.store, id, expect_round_trip, &record, &f.err), f.err);
    fixture_close(&f);
}
END_TEST

static int expect_label(void *arg, const struct insp_record *got) {
    ck_assert_int_eq(got->label, *(enum insp_label *)arg);
    ck_assert_str_eq(got->label_defect, got->label ? "hole" : "");
    ck_assert_str_eq(got->labelled_by, got->label ? "anna" : "");
    ck_assert_int_eq(got->labelled_us != 0, got->label != INSP_LABEL_NONE);
    return 0;
}

START_TEST(test_labels_come_change_and_go) {
    static const enum insp_label labels[] = {INSP_LABEL_ANOMALY, INSP_LABEL_GOOD, INSP_LABEL_NONE};
    struct fixture f;
    char id[INSP_UUID_BYTES];
    fixture_open(&f);
    struct insp_record record = fixture_record(id, "p", true);
    fixture_put(&f, &record);
    for (size_t i = 0; i < 3; i++) {
        enum insp_label label = labels[i];
        ck_insp_ok(insp_store_label(f.store, id, label, label ? "hole" : "", "", label ? "anna" : "", &f.err),
                   f.err);
        ck_insp_ok(insp_store_get(f.store, id, expect_label, &label, &f.err), f.err);
    }
    fixture_close(&f);
}
END_TEST

static int never(void *arg, const struct insp_record *record) {
    (void)arg;
    ck_abort_msg("found %s", record->id);
}

START_TEST(test_unknown_ids_are_not_found) {
    static const char *const ids[] = {"",
                                      "no id",
                                      "01900000-0000-4000-8000-000000000000",
                                      "ffffffff-ffff-7000-8000-000000000000",
                                      "01900000-0000-7000-8000-000000000000",
                                      "../../../../../../../../etc/passwd-"};
    struct fixture f;
    void *image;
    size_t bytes;
    char media_type[128];
    fixture_open(&f);
    for (size_t i = 0; i < INSP_COUNT(ids); i++) {
        ck_insp_code(insp_store_get(f.store, ids[i], never, NULL, &f.err), INSP_E_NOT_FOUND, f.err);
        ck_insp_code(insp_store_image(f.store, ids[i], &image, &bytes, media_type, &f.err), INSP_E_NOT_FOUND,
                     f.err);
        ck_insp_code(insp_store_label(f.store, ids[i], INSP_LABEL_GOOD, "", "", "", &f.err), INSP_E_NOT_FOUND,
                     f.err);
    }
    fixture_close(&f);
}
END_TEST

/* The second put of an id fails and must not take the first one's image with it. */
START_TEST(test_an_id_is_stored_once) {
    struct fixture f;
    char id[INSP_UUID_BYTES], media_type[128];
    void *image;
    size_t bytes;
    fixture_open(&f);
    struct insp_record record = fixture_record(id, "p", true);
    fixture_put(&f, &record);
    ck_assert_int_lt(insp_store_put(f.store, &record, 1, &f.err), 0);
    ck_insp_ok(insp_store_image(f.store, id, &image, &bytes, media_type, &f.err), f.err);
    free(image);
    record.extension = "jpg"; /* the row's key is the conflict now */
    ck_insp_code(insp_store_put(f.store, &record, 1, &f.err), INSP_E_CONFLICT, f.err);
    ck_insp_ok(insp_store_image(f.store, id, &image, &bytes, media_type, &f.err), f.err);
    free(image);
    fixture_close(&f);
}
END_TEST

INSP_TESTS(test_maps_of_tiles, test_what_goes_in_comes_out, test_labels_come_change_and_go,
           test_unknown_ids_are_not_found, test_an_id_is_stored_once);
