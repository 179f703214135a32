#include "core/model/logistic/logistic.h"

#include "core/base/cleanup.h"
#include "tests/unit/harness.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

/* A channel of each pool with known numbers; all others are 0. */
START_TEST(statistics_are_those_of_each_channel) {
    float *taps = calloc(INSP_TAP_FLOATS, sizeof *taps), *features = calloc(INSP_FEATURE_FLOATS, sizeof *features);
    float pooled[INSP_POOLED_FLOATS];
    const size_t last = INSP_POOLED_CHANNELS - 1, channel = INSP_TAP_CHANNELS - 1;
    for (size_t cell = 0; cell < INSP_TAP_CELLS; cell++)
        taps[cell * INSP_TAP_CHANNELS + channel] = cell % 2 ? 3 : 1;
    features[(INSP_CHANNELS - 1) * INSP_MAP_FLOATS + 7] = 196;
    insp_pooled_of(taps, features, pooled);
    ck_assert_float_eq_tol(pooled[channel], 2, 1e-6F);
    ck_assert_float_eq_tol(pooled[INSP_POOLED_CHANNELS + channel], 3, 1e-9F);
    ck_assert_float_eq_tol(pooled[2 * INSP_POOLED_CHANNELS + channel], 1, 1e-6F);
    ck_assert_float_eq_tol(pooled[last], 1, 1e-6F);
    ck_assert_float_eq_tol(pooled[INSP_POOLED_CHANNELS + last], 196, 1e-9F);
    ck_assert_float_eq_tol(pooled[2 * INSP_POOLED_CHANNELS + last], sqrtf(195), 1e-4F);
    ck_assert_float_eq_tol(pooled[0], 0, 1e-9F);
    free(taps);
    free(features);
}
END_TEST

START_TEST(a_decision_is_the_tails_the_regressions_or_the_mean_of_their_logits) {
    static struct insp_logistic logistic;
    static float pooled[INSP_POOLED_FLOATS];
    logistic.bias = -1;
    logistic.weight[5] = 2;
    pooled[5] = 1;
    const float alone = 1 / (1 + expf(-1)), tail = 1 / (1 + expf(2));
    ck_assert_float_eq_tol(insp_logistic_probability(NULL, INSP_LOGISTIC_NONE, pooled, 0.25F), 0.25F, 1e-9F);
    ck_assert_float_eq_tol(insp_logistic_probability(&logistic, INSP_LOGISTIC_ALONE, pooled, 0), alone, 1e-6F);
    ck_assert_float_eq_tol(insp_logistic_probability(&logistic, INSP_LOGISTIC_AVERAGED, pooled, tail),
                           1 / (1 + expf(0.5F)), 1e-6F);
    for (int i = 0; i <= 1; i++) { /* a tail that is sure has a finite logit, the same on both sides */
        float sure = insp_logistic_average((float)i, 0.5F);
        ck_assert(sure > 0 && sure < 1);
        ck_assert_float_eq_tol(sure, i ? 1 - insp_logistic_average(0, 0.5F) : sure, 1e-6F);
    }
}
END_TEST

static int parse(const char *text, struct insp_logistic_entry *ret, struct insp_error *err) {
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    ck_assert_ptr_nonnull(json);
    int r = insp_logistic_parse(json, ret, err);
    json_decref(json);
    return r;
}

#define HASH "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

START_TEST(a_manifest_names_file_hash_and_use) {
    struct insp_error err;
    struct insp_logistic_entry entry;
    ck_insp_ok(insp_logistic_parse(NULL, &entry, &err), err);
    ck_assert_int_eq(entry.use, INSP_LOGISTIC_NONE);
    ck_insp_ok(parse("null", &entry, &err), err);
    ck_insp_ok(
        parse("{\"file\":\"logistic.safetensors\",\"sha256\":\"" HASH "\",\"use\":\"averaged\"}", &entry, &err),
        err);
    ck_assert_int_eq(entry.use, INSP_LOGISTIC_AVERAGED);
    json_t *json = insp_logistic_json(&entry);
    struct insp_logistic_entry again;
    ck_insp_ok(insp_logistic_parse(json, &again, &err), err);
    ck_assert_int_eq(again.use, entry.use);
    ck_assert_str_eq(again.sha256, entry.sha256);
    json_decref(json);
    static const char *const wrong[] = {
        "3",
        "[]",
        "{}",
        "{\"file\":\"other\",\"sha256\":\"" HASH "\",\"use\":\"alone\"}",
        "{\"file\":\"logistic.safetensors\",\"sha256\":\"A\",\"use\":\"alone\"}",
        "{\"file\":\"logistic.safetensors\",\"sha256\":\"" HASH "\",\"use\":\"sometimes\"}",
        "{\"file\":\"logistic.safetensors\",\"sha256\":\"" HASH "\",\"use\":7}",
    };
    for (size_t i = 0; i < INSP_COUNT(wrong); i++)
        ck_insp_code(parse(wrong[i], &entry, &err), INSP_E_MODEL, err);
}
END_TEST

START_TEST(a_file_is_read_as_it_was_written_or_refused) {
    struct insp_error err;
    char path[] = "/tmp/insp-logistic-XXXXXX";
    static struct insp_logistic logistic;
    struct insp_logistic *back = NULL;
    close(mkstemp(path));
    for (size_t i = 0; i < INSP_POOLED_FLOATS; i++)
        logistic.weight[i] = (float)i / 7;
    logistic.bias = -3.5F;
    ck_insp_ok(insp_logistic_write(path, &logistic, &err), err);
    ck_insp_ok(insp_logistic_read(path, &back, &err), err);
    ck_assert_mem_eq(back, &logistic, sizeof logistic);
    free(back);
    logistic.weight[1000] = INFINITY;
    ck_insp_ok(insp_logistic_write(path, &logistic, &err), err);
    ck_insp_code(insp_logistic_read(path, &back, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "element 1000"));
    ck_assert_int_eq(truncate(path, 4000), 0);
    ck_insp_code(insp_logistic_read(path, &back, &err), INSP_E_MODEL, err);
    unlink(path);
}
END_TEST

INSP_TESTS(statistics_are_those_of_each_channel,
           a_decision_is_the_tails_the_regressions_or_the_mean_of_their_logits, a_manifest_names_file_hash_and_use,
           a_file_is_read_as_it_was_written_or_refused);
