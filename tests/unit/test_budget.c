#include "core/image/budget.h"
#include "image_samples.h"

#include <pthread.h>
#include <stdatomic.h>

enum { MEGA = 1000000 };

static struct insp_image_budget *budget;
static struct insp_error err;
static const struct insp_image_asker line = {0}, background = {.background = true};

static void setup(uint64_t megapixels) {
    ck_insp_ok(insp_image_budget_new(megapixels * MEGA, 1 << 30, &budget, &err), err);
}

static struct insp_image_budget_status status(void) {
    struct insp_image_budget_status got;
    insp_image_budget_status(budget, &got);
    return got;
}

static void teardown(void) {
    ck_assert(status().pixels == 0 && status().bytes == 0 && status().waiting == 0);
    insp_image_budget_free(budget);
}

static struct insp_image_claim claim(const struct insp_image_asker *asker, uint64_t megapixels) {
    struct insp_image_claim got;
    ck_insp_ok(insp_image_budget_claim(budget, asker, megapixels * MEGA, 3 * megapixels, &got, &err), err);
    return got;
}

/* A request in a separate thread. */
struct asking {
    struct insp_image_asker asker;
    uint64_t megapixels;
    pthread_t thread;
    struct insp_image_claim claim;
    struct insp_error err;
    int code;
    atomic_bool answered, cancel;
};

static void *ask(void *arg) {
    struct asking *a = arg;
    a->code = insp_image_budget_claim(budget, &a->asker, a->megapixels * MEGA, 0, &a->claim, &a->err);
    atomic_store(&a->answered, true);
    return NULL;
}

/* Returns once it stands in the queue. */
static void start(struct asking *a) {
    uint64_t waiting = status().waiting;
    ck_assert_int_eq(pthread_create(&a->thread, NULL, ask, a), 0);
    while (status().waiting == waiting)
        sched_yield();
}

static void join(struct asking *a) {
    pthread_join(a->thread, NULL);
}

START_TEST(test_counts_what_is_claimed) {
    setup(10);
    struct insp_image_claim one = claim(&line, 1), none;
    ck_assert(status().pixels == MEGA && status().bytes == 3 && status().pixels_max == 10 * MEGA);
    insp_image_budget_return(&one);
    insp_image_budget_return(&one); /* claims nothing any more */
    ck_insp_ok(insp_image_budget_claim(NULL, &line, MEGA, MEGA, &none, &err), err);
    insp_image_budget_return(&none);
    teardown();
    insp_image_budget_free(NULL);
}
END_TEST

START_TEST(test_large_ones_take_turns_and_small_ones_pass) {
    setup(10);
    struct insp_image_claim held = claim(&line, 8);
    struct asking first = {.megapixels = 10}, second = {.megapixels = 5};
    start(&first);
    start(&second);
    struct insp_image_claim small = claim(&line, 4);
    insp_image_budget_return(&small);
    ck_assert(!atomic_load(&first.answered) && !atomic_load(&second.answered));
    insp_image_budget_return(&held);
    join(&first);
    ck_insp_ok(first.code, first.err);
    ck_assert(!atomic_load(&second.answered)); /* the first has all of it */
    insp_image_budget_return(&first.claim);
    join(&second);
    ck_insp_ok(second.code, second.err);
    insp_image_budget_return(&second.claim);
    teardown();
}
END_TEST

START_TEST(test_background_leaves_half_to_the_line) {
    setup(20);
    struct insp_image_claim back = claim(&background, 10);
    struct asking more = {.asker = background, .megapixels = 5};
    start(&more);
    struct insp_image_claim front = claim(&line, 10); /* at once */
    insp_image_budget_return(&back);
    join(&more);
    ck_insp_ok(more.code, more.err);
    /* While the line waits for 15, the background must not use the 5 that become free. */
    struct asking wide = {.megapixels = 15}, late = {.asker = background, .megapixels = 5};
    start(&wide);
    start(&late);
    insp_image_budget_return(&more.claim);
    ck_assert_uint_eq(status().waiting, 2);
    insp_image_budget_return(&front);
    join(&wide);
    join(&late);
    insp_image_budget_return(&wide.claim);
    insp_image_budget_return(&late.claim);
    teardown();
}
END_TEST

START_TEST(test_larger_than_all_goes_alone) {
    setup(10);
    struct insp_image_claim held = claim(&background, 5);
    struct asking huge = {.megapixels = 64};
    start(&huge);
    insp_image_budget_return(&held);
    join(&huge);
    ck_insp_ok(huge.code, huge.err);
    insp_image_budget_return(&huge.claim);
    teardown();
}
END_TEST

static bool cancelled(void *arg) {
    const struct asking *a = arg;
    return atomic_load(&a->cancel);
}

START_TEST(test_waiting_ends) {
    setup(10);
    struct insp_image_claim held = claim(&line, 10), none;
    struct insp_image_asker hurried = {.wait_us = 1000};
    ck_insp_code(insp_image_budget_claim(budget, &hurried, 5 * MEGA, 0, &none, &err), INSP_E_QUEUE_FULL, err);
    ck_assert_uint_eq(status().refused, 1);
    struct asking left = {.megapixels = 5, .asker = {.cancelled = cancelled, .cancelled_arg = &left}};
    start(&left);
    atomic_store(&left.cancel, true);
    join(&left);
    ck_assert_int_eq(left.code, INSP_E_CANCELLED);
    ck_assert_uint_eq(status().refused, 1);
    insp_image_budget_return(&held);
    teardown();
}
END_TEST

/* A decode counts until its picture is freed, and one that fails counts no longer. */
START_TEST(test_decoders_claim) {
    setup(10);
    struct insp_image_limits limits = insp_image_limits_default();
    limits.budget = budget;
    struct insp_image *image = NULL;
    struct insp_media_type type = {INSP_MEDIA_RAW, INSP_RAW_RGB8, 4, 4};
    uint8_t raw[4 * 4 * 3] = {0};
    ck_insp_ok(insp_image_decode(raw, sizeof raw, &type, 0, &limits, &image, &err), err);
    ck_assert(status().pixels == 16 && status().bytes == sizeof raw);
    unsigned char *png, *jpeg;
    size_t png_bytes, jpeg_bytes;
    ck_insp_ok(insp_image_encode_png(image->rgb, 4, 4, 3, &png, &png_bytes, &err), err);
    ck_insp_ok(insp_image_encode_jpeg(image->rgb, 4, 4, 90, &jpeg, &jpeg_bytes, &err), err);
    insp_image_free(image);
    ck_assert_uint_eq(status().pixels, 0);
    type = (struct insp_media_type){0};
    ck_insp_ok(insp_image_decode(png, png_bytes, &type, 0, &limits, &image, &err), err);
    ck_assert(status().pixels == 16);
    insp_image_free(image);
    ck_insp_ok(insp_image_decode(jpeg, jpeg_bytes, &type, 0, &limits, &image, &err), err);
    ck_assert(status().pixels == 16);
    insp_image_free(image);
    png[png_bytes - 20] ^= 1;
    ck_insp_code(insp_image_decode(png, png_bytes, &type, 0, &limits, &image, &err), INSP_E_IMAGE, err);
    ck_insp_code(insp_image_decode(jpeg, jpeg_bytes - 2, &type, 0, &limits, &image, &err), INSP_E_IMAGE, err);
    free(png);
    free(jpeg);
    teardown();
}
END_TEST

INSP_TESTS(test_counts_what_is_claimed, test_large_ones_take_turns_and_small_ones_pass,
           test_background_leaves_half_to_the_line, test_larger_than_all_goes_alone, test_waiting_ends,
           test_decoders_claim);
