#include "core/model/golden.h"

#include "core/base/fs.h"
#include "harness.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/insp-golden-XXXXXX";
static struct insp_error err;

static void remove_folder(void) {
    insp_remove_tree(folder, NULL);
}

/* Four samples of noise with answers that no short decimal says. */
static struct insp_golden *example(size_t count) {
    struct insp_golden *golden = insp_golden_new();
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        struct insp_golden_sample *sample = &golden->sample[golden->count++];
        sample->label = i % 2 ? INSP_CLASS_ANOMALY : INSP_CLASS_GOOD;
        sample->probability = (float)(i + 1) / 7;
        for (size_t k = 0; k < INSP_MAP_FLOATS; k++)
            sample->map[k] = (float)((double)k / 3 - 20) * (float)(i + 1);
        sample->rgb = malloc(INSP_GOLDEN_RGB_BYTES);
        for (size_t k = 0; k < INSP_GOLDEN_RGB_BYTES; k++)
            sample->rgb[k] = (uint8_t)((state = state * 1664525u + 1013904223u) >> 24);
    }
    return golden;
}

static void begin(struct insp_golden **ret, size_t count, char *ret_sha256) {
    ck_assert_ptr_nonnull(mkdtemp(folder));
    atexit(remove_folder);
    *ret = example(count);
    ck_insp_ok(insp_golden_write(folder, *ret, ret_sha256, &err), err);
}

START_TEST(what_is_written_is_read_bit_for_bit) {
    _cleanup_(insp_golden_freep) struct insp_golden *golden = NULL, *back = NULL;
    char sha256[INSP_SHA256_HEX_BYTES];
    begin(&golden, INSP_GOLDEN_MAX, sha256);
    ck_insp_ok(insp_golden_read(folder, sha256, &back, &err), err);
    ck_assert(back->count == INSP_GOLDEN_MAX && !back->cuda);
    for (size_t i = 0; i < back->count; i++) {
        const struct insp_golden_sample *a = &golden->sample[i], *b = &back->sample[i];
        ck_assert(a->label == b->label && a->probability == b->probability);
        ck_assert_mem_eq(a->map, b->map, sizeof a->map);
        ck_assert_mem_eq(a->rgb, b->rgb, INSP_GOLDEN_RGB_BYTES);
    }
}
END_TEST

START_TEST(answers_of_a_gpu_are_marked) {
    _cleanup_(insp_golden_freep) struct insp_golden *golden = NULL, *back = NULL;
    char sha256[INSP_SHA256_HEX_BYTES];
    begin(&golden, 1, sha256);
    golden->cuda = true;
    ck_insp_ok(insp_golden_write(folder, golden, sha256, &err), err);
    ck_insp_ok(insp_golden_read(folder, sha256, &back, &err), err);
    ck_assert(back->cuda && back->count == 1);
}
END_TEST

/* Replaces `from` by `to` of the same length in golden.json; the hash is made to fit. */
static int read_with(const char *from, const char *to, struct insp_error *why) {
    char path[INSP_PATH_BYTES], sha256[INSP_SHA256_HEX_BYTES];
    _cleanup_free_ char *text = NULL;
    size_t bytes;
    struct insp_golden *back = NULL;
    ck_insp_ok(insp_path(path, &err, "%s/golden.json", folder), err);
    ck_insp_ok(insp_read_file(path, 1 << 20, &text, &bytes, &err), err);
    _cleanup_free_ char *changed = malloc(bytes + 1);
    memcpy(changed, text, bytes + 1);
    char *place = strstr(changed, from);
    ck_assert_msg(place != NULL, "%s is not in golden.json", from);
    memcpy(place, to, strlen(to));
    insp_sha256_hex(changed, bytes, sha256);
    ck_insp_ok(insp_write_file(path, changed, bytes, 0644, false, &err), err);
    int r = insp_golden_read(folder, sha256, &back, why);
    insp_golden_free(back);
    ck_insp_ok(insp_write_file(path, text, bytes, 0644, false, &err), err);
    return r;
}

START_TEST(what_is_wrong_is_named) {
    _cleanup_(insp_golden_freep) struct insp_golden *golden = NULL, *back = NULL;
    struct insp_error why;
    char sha256[INSP_SHA256_HEX_BYTES], path[INSP_PATH_BYTES];
    begin(&golden, 2, sha256);
    ck_insp_ok(read_with("cpu", "cpu", &why), why);
    static const char *const bad[][2] = {{"golden-1.png", "../lden-1.pn"},
                                         {"\"good\"", "\"evil\""},
                                         {"\"samples\"", "\"sbmples\""},
                                         {"\"map\":[", "\"map\":{"},
                                         {"\"probability\":0.1", "\"probability\":7.1"},
                                         {"\"device\"", "\"dev1ce\""},
                                         {"\"sha256\":\"", "\"sha256\":\"X"}};
    for (size_t i = 0; i < INSP_COUNT(bad); i++) {
        ck_insp_code(read_with(bad[i][0], bad[i][1], &why), INSP_E_MODEL, why);
        ck_assert_ptr_nonnull(strstr(why.detail, "golden"));
    }
    ck_insp_code(insp_golden_read(folder, sha256 + 1, &back, &why), INSP_E_MODEL, why); /* another hash */
    snprintf(path, sizeof path, "%s/golden-2.png", folder);
    ck_insp_ok(insp_write_file(path, "no picture", 10, 0644, false, &err), err);
    ck_insp_code(insp_golden_read(folder, sha256, &back, &why), INSP_E_MODEL, why);
    ck_assert_ptr_nonnull(strstr(why.detail, "golden-2.png"));
    unlink(path);
    ck_insp_code(insp_golden_read(folder, sha256, &back, &why), INSP_E_MODEL, why);
    ck_assert_ptr_null(back);
}
END_TEST

START_TEST(numbers_that_are_not_finite_are_not_written) {
    _cleanup_(insp_golden_freep) struct insp_golden *golden = NULL;
    char sha256[INSP_SHA256_HEX_BYTES];
    begin(&golden, 1, sha256);
    golden->sample[0].map[195] = NAN;
    ck_insp_code(insp_golden_write(folder, golden, sha256, &err), INSP_E_MODEL, err);
    golden->count = 0;
    ck_insp_code(insp_golden_write(folder, golden, sha256, &err), INSP_E_MODEL, err);
    insp_golden_free(NULL);
}
END_TEST

INSP_TESTS(what_is_written_is_read_bit_for_bit, answers_of_a_gpu_are_marked, what_is_wrong_is_named,
           numbers_that_are_not_finite_are_not_written);
