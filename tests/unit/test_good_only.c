/* The good-only model of a bundle: its part of the manifest and its file. */
#include "core/model/good_only.h"

#include "core/base/fs.h"
#include "core/model/safetensors.h"
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct insp_error err;

static struct insp_good_only example(void) {
    struct insp_good_only good = {.images = 73,
                                  .alpha = 0.05,
                                  .scale = {.threshold = 14.1F, .spread = 1.0F / 3, .cold = 8.2F, .warm = 11.7F},
                                  .unlike = 18.3F};
    memset(good.sha256, 'b', 64);
    memset(good.sums_sha256, 'c', 64);
    insp_good_channels(42, good.channel);
    for (size_t i = 0; i < INSP_GOOD_QUANTILES; i++)
        good.quantile[i] = 9.1F + (float)(i / 2) * 0.07F;
    return good;
}

START_TEST(every_field_survives_the_manifest) {
    const struct insp_good_only good = example(), none = {0};
    struct insp_good_only back;
    json_t *json = insp_good_only_json(&good);
    ck_insp_ok(insp_good_only_parse(json, &back, &err), err);
    json_decref(json);
    ck_assert_uint_eq(back.images, good.images);
    ck_assert_str_eq(back.sha256, good.sha256);
    ck_assert_str_eq(back.sums_sha256, good.sums_sha256);
    ck_assert_mem_eq(back.channel, good.channel, sizeof good.channel);
    ck_assert_double_eq(back.alpha, good.alpha);
    ck_assert_mem_eq(&back.scale, &good.scale, sizeof good.scale);
    ck_assert_mem_eq(back.quantile, good.quantile, sizeof good.quantile);
    ck_assert_float_eq(back.unlike, good.unlike);
    json = insp_good_only_json(&none);
    ck_assert(json_is_null(json));
    ck_insp_ok(insp_good_only_parse(json, &back, &err), err);
    ck_assert_uint_eq(back.images, 0);
    ck_insp_ok(insp_good_only_parse(NULL, &back, &err), err); /* of older bundles */
    ck_assert_uint_eq(back.images, 0);
    json_decref(json);
}
END_TEST

static void refused(const char *key, json_t *value) {
    const struct insp_good_only good = example();
    struct insp_good_only back;
    json_t *json = insp_good_only_json(&good);
    ck_assert_int_eq(value ? json_object_set_new(json, key, value) : json_object_del(json, key), 0);
    ck_insp_code(insp_good_only_parse(json, &back, &err), INSP_E_MODEL, err);
    ck_assert_msg(strstr(err.detail, "good_only") && strstr(err.detail, key), "%s: %s", key, err.detail);
    json_decref(json);
}

static json_t *changed(const char *key, size_t at, json_t *value) {
    const struct insp_good_only good = example();
    json_t *json = insp_good_only_json(&good), *array = json_incref(json_object_get(json, key));
    ck_assert_int_eq(json_array_set_new(array, at, value), 0);
    json_decref(json);
    return array;
}

START_TEST(a_field_that_is_wrong_is_named) {
    static const char *const keys[] = {"file", "sha256", "images",   "alpha",     "threshold", "spread",
                                       "cold", "warm",   "channels", "quantiles", "unlike"};
    struct insp_good_only back;
    for (size_t i = 0; i < INSP_COUNT(keys); i++) {
        refused(keys[i], NULL);
        refused(keys[i], json_true());
        refused(keys[i], json_array());
    }
    refused("file", json_string("../model"));
    refused("sha256", json_string("B"));
    refused("images", json_integer(19));
    refused("images", json_integer(INT64_C(1) << 40));
    refused("alpha", json_integer(0));
    refused("alpha", json_integer(1));
    refused("threshold", json_real(11.7)); /* not above warm */
    refused("threshold", json_real(1e30));
    refused("spread", json_integer(0));
    refused("cold", json_real(11.7));
    refused("warm", json_real(14.2));
    refused("sums_sha256", json_string("B"));
    refused("sums_sha256", json_integer(0));
    refused("unlike", json_integer(0));
    refused("channels", changed("channels", 99, json_integer(448)));
    refused("channels", changed("channels", 0, json_integer(-1)));
    refused("channels", changed("channels", 50, json_integer(0)));
    refused("quantiles", changed("quantiles", 3, json_real(1)));
    refused("quantiles", changed("quantiles", 100, json_real(1e300)));
    refused("quantiles", changed("quantiles", 0, json_string("1")));
    json_t *array = json_array();
    ck_insp_code(insp_good_only_parse(array, &back, &err), INSP_E_MODEL, err);
    json_decref(array);
}
END_TEST

static char path[] = "/tmp/insp-good-only-XXXXXX";

static void remove_file(void) {
    unlink(path);
}

static void begin(void) {
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    atexit(remove_file);
}

static struct insp_good_gauss *some_gauss(void) {
    struct insp_good_gauss *gauss = insp_good_gauss_new();
    float *all = (float *)gauss;
    ck_assert_ptr_nonnull(gauss);
    for (size_t i = 0; i < sizeof *gauss / sizeof(float); i++)
        all[i] = 0.5F + (float)(i % 4096) * 0x1p-12F;
    return gauss;
}

START_TEST(a_file_holds_the_model_cell_by_cell) {
    begin();
    _cleanup_(insp_good_gauss_freep) struct insp_good_gauss *gauss = some_gauss(), *back = NULL;
    ck_insp_ok(insp_good_gauss_write(path, gauss, &err), err);
    ck_insp_ok(insp_good_gauss_read(path, &back, &err), err);
    ck_assert_mem_eq(back, gauss, sizeof *gauss);
    _cleanup_(insp_safetensors_closep) struct insp_safetensors *file = NULL;
    ck_insp_ok(insp_safetensors_open(path, &file, &err), err);
    float value;
    const struct insp_tensor *mean = insp_safetensors_find(file, "mean");
    const size_t cell = 30, k = 7;
    memcpy(&value, (const char *)mean->data + (cell * INSP_GOOD_DIMS + k) * sizeof value, sizeof value);
    ck_assert_float_eq(value, gauss->mean[cell / INSP_GOOD_LANES][k][cell % INSP_GOOD_LANES]);
}
END_TEST

static void file_refused(struct insp_good_gauss *gauss, const char *word) {
    struct insp_good_gauss *back = NULL;
    ck_insp_ok(insp_good_gauss_write(path, gauss, &err), err);
    ck_insp_code(insp_good_gauss_read(path, &back, &err), INSP_E_MODEL, err);
    ck_assert_ptr_null(back);
    ck_assert_msg(strstr(err.detail, word) && strstr(err.detail, path), "%s", err.detail);
}

START_TEST(numbers_that_no_fit_gives_are_refused) {
    begin();
    _cleanup_(insp_good_gauss_freep) struct insp_good_gauss *gauss = some_gauss();
    gauss->mean[48][99][15] = NAN;
    file_refused(gauss, "tensor mean: element 78399 is");
    gauss->mean[48][99][15] = 1;
    gauss->whitening[0][3][1] = INFINITY;
    file_refused(gauss, "tensor whitening: element");
    gauss->whitening[0][3][1] = 1;
    gauss->whitening[2][5][4] = -1; /* channel 2's own factor */
    file_refused(gauss, "the diagonal of cell 36 is -1 at channel 2");
}
END_TEST

START_TEST(other_tensors_are_refused) {
    begin();
    struct insp_good_gauss *back = NULL;
    _cleanup_free_ float *data = calloc(INSP_TAP_CELLS, INSP_GOOD_PACKED * sizeof *data);
    struct insp_tensor tensor[2] = {
        {.name = "mean", .rank = 2, .shape = {100, 784}, .elements = 78400, .data = data},
        {.name = "whitening", .rank = 2, .shape = {784, 5050}, .elements = 784 * 5050, .data = data}};
    ck_insp_ok(insp_safetensors_write(path, tensor, 2, &err), err);
    ck_insp_code(insp_good_gauss_read(path, &back, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "tensor mean has another shape than [784, 100]"));
    ck_insp_ok(insp_safetensors_write(path, tensor + 1, 1, &err), err);
    ck_insp_code(insp_good_gauss_read(path, &back, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "tensor mean of shape [784, 100] is missing"));
    ck_insp_ok(insp_write_file(path, "x", 1, 0644, false, &err), err);
    ck_insp_code(insp_good_gauss_read(path, &back, &err), INSP_E_MODEL, err);
}
END_TEST

INSP_TESTS(every_field_survives_the_manifest, a_field_that_is_wrong_is_named, a_file_holds_the_model_cell_by_cell,
           numbers_that_no_fit_gives_are_refused, other_tensors_are_refused);
