#include "core/judge/candidates.h"

#include "tests/unit/harness.h"

#include <math.h>
#include <string.h>

enum { N = 40 };

static uint8_t label[N];
static size_t half[N];
static float tail[N], both[N], logistic[N];

/* Half the images are anomalies. Each array ranks all right but for `wrong` anomalies, which come last. */
static void rank(float *score, size_t wrong) {
    for (size_t i = 0; i < N; i++)
        score[i] = (label[i] ? 0.5F : 0.1F) + 0.001F * (float)i;
    for (size_t i = 0; i < wrong; i++)
        score[i * 2 + 1] = 0.01F;
}

static struct insp_candidates compare(const struct insp_candidate_scores *scores) {
    struct insp_candidates candidates;
    struct insp_error err;
    ck_insp_ok(insp_candidates_compare(scores, label, half, 2, N, 0.2, 0.2, &candidates, &err), err);
    return candidates;
}

static void begin(void) {
    for (size_t i = 0; i < N; i++) {
        label[i] = i % 2;
        half[i] = i / 2 % 2;
    }
}

START_TEST(the_largest_area_is_taken_and_the_report_says_why) {
    begin();
    rank(tail, 4);
    rank(both, 0);
    rank(logistic, 2);
    struct insp_candidate_scores scores = {
        .probability = {
            [INSP_CANDIDATE_TAIL] = tail, [INSP_CANDIDATE_BOTH] = both, [INSP_CANDIDATE_LOGISTIC] = logistic}};
    struct insp_candidates taken = compare(&scores);
    ck_assert_int_eq(taken.taken, INSP_CANDIDATE_BOTH);
    ck_assert_double_eq_tol(taken.auc[INSP_CANDIDATE_TAIL], 0.8, 1e-9);
    ck_assert_double_eq_tol(taken.auc[INSP_CANDIDATE_BOTH], 1, 1e-9);
    ck_assert_double_eq_tol(taken.nested_auc, 1, 1e-9);
    ck_assert(!taken.known[INSP_CANDIDATE_TAIL_AVERAGED]);
    json_t *json = insp_candidates_json(&taken, "folds");
    ck_assert_str_eq(json_string_value(json_object_get(json, "taken")), "tail_and_logistic");
    const char *reason = json_string_value(json_object_get(json, "reason"));
    ck_assert_ptr_nonnull(strstr(reason, "is 1.000 out of fold, that of the tail 0.800"));
    ck_assert_ptr_nonnull(strstr(reason, "A choice among 3 candidates"));
    ck_assert_uint_eq(json_array_size(json_object_get(json, "list")), 3);
    json_decref(json);
}
END_TEST

/* An area that is larger by chance is no reason to leave the tail; nor is one that is equal. */
START_TEST(the_tail_stays_unless_another_one_is_clearly_better) {
    begin();
    rank(tail, 1);
    rank(both, 1);
    rank(logistic, 1);
    logistic[1] = 0.1F; /* above one good image more: 1 of 400 pairs */
    struct insp_candidate_scores scores = {
        .probability = {
            [INSP_CANDIDATE_TAIL] = tail, [INSP_CANDIDATE_BOTH] = both, [INSP_CANDIDATE_LOGISTIC] = logistic}};
    struct insp_candidates taken = compare(&scores);
    ck_assert(taken.auc[INSP_CANDIDATE_LOGISTIC] > taken.auc[INSP_CANDIDATE_TAIL]);
    ck_assert_int_eq(taken.taken, INSP_CANDIDATE_TAIL);
    json_t *json = insp_candidates_json(&taken, "held_out");
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(json, "reason")), "not clearly larger"));
    json_decref(json);
}
END_TEST

/* Each half prefers the candidate that is lucky on it, and the other half shows what that is worth. */
START_TEST(a_choice_that_flatters_is_seen_by_the_other_half) {
    begin();
    rank(tail, 0);
    rank(logistic, 0);
    for (size_t i = 1; i < N; i += 2)
        *(half[i] ? &tail[i] : &logistic[i]) = 0.01F;
    struct insp_candidate_scores scores = {
        .probability = {[INSP_CANDIDATE_TAIL] = tail, [INSP_CANDIDATE_LOGISTIC] = logistic}};
    struct insp_candidates taken = compare(&scores);
    ck_assert_double_eq_tol(taken.nested_auc, 0, 1e-9);
    ck_assert_double_eq_tol(taken.auc[taken.taken], 0.5, 1e-9);
    memset(half, 0, sizeof half); /* one half alone says nothing */
    ck_assert(isnan(compare(&scores).nested_auc));
}
END_TEST

/* Of four folds one makes the regression look better; without it the tail is taken, and the others take the
 * regression. */
START_TEST(a_fold_is_judged_by_a_choice_that_has_not_seen_it) {
    begin();
    rank(tail, 0);
    rank(logistic, 0);
    for (size_t i = 0; i < N; i++)
        half[i] = i / 2 % 4;
    tail[1] = 0.01F; /* in fold 0 */
    struct insp_candidate_scores scores = {
        .probability = {[INSP_CANDIDATE_TAIL] = tail, [INSP_CANDIDATE_LOGISTIC] = logistic}};
    struct insp_candidates taken;
    struct insp_error err;
    ck_insp_ok(insp_candidates_compare(&scores, label, half, 4, N, 0.2, 0.2, &taken, &err), err);
    ck_assert_int_eq(taken.taken, INSP_CANDIDATE_LOGISTIC);
    for (size_t f = 0; f < 4; f++) {
        enum insp_candidate without;
        ck_insp_ok(insp_candidates_without(&scores, label, half, N, f, &without, &err), err);
        ck_assert_int_eq(without, f ? INSP_CANDIDATE_LOGISTIC : INSP_CANDIDATE_TAIL);
    }
    ck_assert_double_eq_tol(taken.nested_auc, (0.8 + 3) / 4, 1e-9); /* fold 0 of 5 anomalies: one of them last */
    json_t *json = insp_candidates_json(&taken, "folds");
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(json, "reason")),
                                 "chosen by all folds but one and judged by that one, the area is 0.950"));
    json_decref(json);
}
END_TEST

START_TEST(the_tail_alone_is_no_choice) {
    begin();
    rank(tail, 3);
    struct insp_candidate_scores scores = {.probability = {tail}};
    struct insp_candidates taken = compare(&scores);
    json_t *json = insp_candidates_json(&taken, "folds");
    ck_assert_int_eq(taken.taken, INSP_CANDIDATE_TAIL);
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(json, "reason")), "no other candidate"));
    json_decref(json);
    for (enum insp_candidate c = 0; c < INSP_CANDIDATES; c++)
        ck_assert(insp_candidate_averages(c) == (strstr(insp_candidate_name(c), "averaged") != NULL));
}
END_TEST

INSP_TESTS(the_largest_area_is_taken_and_the_report_says_why, the_tail_stays_unless_another_one_is_clearly_better,
           a_choice_that_flatters_is_seen_by_the_other_half, a_fold_is_judged_by_a_choice_that_has_not_seen_it,
           the_tail_alone_is_no_choice);
