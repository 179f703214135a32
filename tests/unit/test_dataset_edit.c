#include "core/dataset/dataset_edit.h"

#include "core/base/fs.h"
#include "tests/unit/harness.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

enum { SIDE = 24 };

static struct insp_error err;
static char dir[64];
static struct insp_dataset_limits limits;
static char sha256[INSP_SHA256_HEX_BYTES];
static enum insp_dataset_change change;

static void setup(void) {
    strcpy(dir, "/tmp/insp-edit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    limits = (struct insp_dataset_limits){.image = insp_image_limits_default()};
}

static void teardown(void) {
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}

/* A different PNG for each number. */
static unsigned char *png_of(unsigned number, size_t *ret_bytes) {
    uint8_t pixels[SIDE * SIDE];
    unsigned char *png;
    memset(pixels, 100, sizeof pixels);
    memcpy(pixels, &number, sizeof number);
    ck_insp_ok(insp_image_encode_png(pixels, SIDE, SIDE, 1, &png, ret_bytes, &err), err);
    return png;
}

static int put(const char *split, const char *class, const char *name, unsigned number) {
    const struct insp_dataset_place place = {split, class, name};
    size_t bytes;
    _cleanup_free_ unsigned char *png = png_of(number, &bytes);
    return insp_dataset_put(dir, &place, png, bytes, &limits, &change, sha256, &err);
}

static size_t count_files(const char *relative) {
    _cleanup_(insp_dataset_freep) struct insp_dataset *dataset = NULL;
    ck_insp_ok(insp_dataset_list(dir, &dataset, &err), err);
    size_t found = 0;
    for (size_t i = 0; i < dataset->count; i++)
        found += !strncmp(insp_dataset_item_place(dataset, i), relative, strlen(relative));
    return found;
}

START_TEST(adds_replaces_and_leaves) {
    setup();
    ck_insp_ok(put("train", "good", "a.png", 1), err);
    ck_assert_int_eq(change, INSP_DATASET_ADDED);
    ck_assert(insp_sha256_hex_valid(sha256));
    ck_insp_ok(put("train", "good", "a.png", 1), err);
    ck_assert_int_eq(change, INSP_DATASET_UNCHANGED);
    ck_insp_ok(put("train", "good", "a.png", 2), err);
    ck_assert_int_eq(change, INSP_DATASET_REPLACED);
    ck_insp_code(put("test", "hole", "b.png", 2), INSP_E_CONFLICT, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "train/good/a.png"));
    ck_insp_ok(put("test", "hole", "b.png", 1), err);
    ck_assert_uint_eq(count_files(""), 2);
    teardown();
}
END_TEST

/* Somebody copied the file within the folder: each of the two copies may be put again, a third place may not. */
START_TEST(leaves_either_of_two_copies) {
    char path[INSP_PATH_BYTES];
    size_t bytes;
    setup();
    _cleanup_free_ unsigned char *png = png_of(1, &bytes);
    ck_insp_ok(put("train", "good", "a.png", 1), err);
    ck_insp_ok(insp_path(path, &err, "%s/train/good/b.png", dir), err);
    ck_insp_ok(insp_write_file(path, png, bytes, 0644, false, &err), err);
    ck_insp_ok(put("train", "good", "b.png", 1), err);
    ck_assert_int_eq(change, INSP_DATASET_UNCHANGED);
    ck_insp_ok(put("train", "good", "a.png", 1), err);
    ck_assert_int_eq(change, INSP_DATASET_UNCHANGED);
    ck_insp_code(put("train", "good", "c.png", 1), INSP_E_CONFLICT, err);
    ck_assert_uint_eq(count_files(""), 2);
    teardown();
}
END_TEST

START_TEST(refuses_what_a_training_could_not_read) {
    const struct insp_dataset_place place = {"train", "good", "a.png"};
    size_t bytes;
    setup();
    _cleanup_free_ unsigned char *png = png_of(1, &bytes);
    ck_insp_code(insp_dataset_put(dir, &place, "text", 4, &limits, &change, sha256, &err), INSP_E_IMAGE, err);
    ck_insp_code(insp_dataset_put(dir, &place, png, bytes - 1, &limits, &change, sha256, &err), INSP_E_IMAGE, err);
    limits.image.width = SIDE - 1;
    ck_insp_code(insp_dataset_put(dir, &place, png, bytes, &limits, &change, sha256, &err), INSP_E_IMAGE_LIMIT,
                 err);
    limits.image.width = SIDE;
    limits.free_bytes_min = UINT64_MAX / 2;
    ck_insp_code(insp_dataset_put(dir, &place, png, bytes, &limits, &change, sha256, &err), INSP_E_NOSPACE, err);
    ck_assert_uint_eq(count_files(""), 0);
    teardown();
}
END_TEST

START_TEST(removes_and_tidies_up) {
    const struct insp_dataset_place a = {"test", "hole", "a.png"}, b = {"test", "hole", "b.png"};
    char folder[INSP_PATH_BYTES];
    setup();
    ck_insp_ok(put("test", "hole", "a.png", 1), err);
    ck_insp_ok(put("test", "hole", "b.png", 2), err);
    ck_insp_ok(insp_path(folder, &err, "%s/test/hole", dir), err);
    ck_insp_ok(insp_dataset_remove(dir, &a, &err), err);
    ck_insp_code(insp_dataset_remove(dir, &a, &err), INSP_E_NOT_FOUND, err);
    ck_assert_int_eq(access(folder, F_OK), 0);
    ck_insp_ok(insp_dataset_remove(dir, &b, &err), err);
    ck_assert_int_eq(access(folder, F_OK), -1);
    teardown();
}
END_TEST

/* --- views
 * ----------------------------------------------------------------------------------------------------- */

struct order {
    size_t seen; /* images that the view had */
    const struct insp_dataset_place *move, *remove;
};

static int follow(struct insp_dataset_view *view, void *arg, struct insp_error *reterr) {
    struct order *order = arg;
    order->seen = view->dataset->count;
    int r = 0;
    if (order->move)
        r = insp_dataset_move_item(view, 0, order->move, reterr);
    if (order->remove)
        r = insp_dataset_remove_item(view, 0, reterr);
    return r < 0 ? r : order->move || order->remove;
}

START_TEST(a_view_keeps_in_step) {
    const struct insp_dataset_place to = {"test", "hole", "moved.png"};
    struct insp_dataset_view view = {.set = dir};
    size_t bytes, at;
    setup();
    ck_insp_ok(put("train", "good", "a.png", 1), err);
    struct order order = {0};
    ck_insp_ok(insp_dataset_edit(&view, follow, &order, &err), err);
    ck_assert_uint_eq(order.seen, 1);
    struct insp_dataset *first = view.dataset;
    ck_insp_ok(insp_dataset_edit(&view, follow, &order, &err), err);
    ck_assert_ptr_eq(view.dataset, first); /* nothing changed: not listed again */

    _cleanup_free_ unsigned char *png = png_of(2, &bytes);
    const struct insp_dataset_place own = {"train", "good", "b.png"};
    ck_insp_ok(insp_dataset_put_into(&view, &own, png, bytes, &limits, &change, sha256, &err), err);
    ck_assert_ptr_eq(view.dataset, first); /* its own edit is noted */
    ck_insp_ok(insp_dataset_find(view.dataset, 0, bytes, sha256, &at, &err), err);
    ck_assert_str_eq(insp_dataset_item_place(view.dataset, at), "train/good/b.png");

    ck_insp_ok(put("train", "good", "c.png", 3), err); /* an image that another process added is found */
    ck_insp_ok(insp_dataset_edit(&view, follow, &order, &err), err);
    ck_assert_uint_eq(order.seen, 3);

    order.move = &to;
    ck_insp_ok(insp_dataset_edit(&view, follow, &order, &err), err);
    ck_assert_str_eq(insp_dataset_item_place(view.dataset, 0), "test/hole/moved.png");
    ck_assert_uint_eq(count_files("test/hole/moved.png"), 1);
    ck_insp_code(insp_dataset_edit(&view, follow, &order, &err), INSP_E_CONFLICT, err); /* the name is in use */
    order = (struct order){.remove = &to};
    ck_insp_ok(insp_dataset_edit(&view, follow, &order, &err), err);
    ck_assert_uint_eq(view.dataset->count, 2);
    ck_assert_uint_eq(count_files(""), 2);
    insp_dataset_view_clear(&view);
    teardown();
}
END_TEST

START_TEST(splits_places) {
    struct insp_dataset_place_text at;
    ck_insp_ok(insp_dataset_place_split("test/hole/a.png", &at, &err), err);
    ck_assert_str_eq(at.place.split, "test");
    ck_assert_str_eq(at.place.class, "hole");
    ck_assert_str_eq(at.place.name, "a.png");
    ck_insp_code(insp_dataset_place_split("test/hole", &at, &err), INSP_E_PARAMETER, err);
}
END_TEST

static void *add_same(void *arg) {
    char name[32];
    struct insp_error own;
    size_t bytes, *added = arg;
    unsigned char *png = png_of(7, &bytes);
    for (int i = 0; i < 10; i++) {
        enum insp_dataset_change changed;
        char hash[INSP_SHA256_HEX_BYTES];
        snprintf(name, sizeof name, "%p-%d.png", arg, i);
        const struct insp_dataset_place place = {"train", "good", name};
        *added += insp_dataset_put(dir, &place, png, bytes, &limits, &changed, hash, &own) == 0;
    }
    free(png);
    return NULL;
}

START_TEST(no_content_twice_whoever_races) {
    enum { THREADS = 4 };
    pthread_t thread[THREADS];
    size_t added[THREADS] = {0}, sum = 0;
    setup();
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, add_same, &added[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        sum += added[i];
    }
    ck_assert_uint_eq(sum, 1);
    ck_assert_uint_eq(count_files(""), 1);
    teardown();
}
END_TEST

INSP_TESTS(adds_replaces_and_leaves, leaves_either_of_two_copies, refuses_what_a_training_could_not_read,
           removes_and_tidies_up, a_view_keeps_in_step, splits_places, no_content_twice_whoever_races);
