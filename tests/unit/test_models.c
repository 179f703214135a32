#include "core/serving/models.h"

#include "core/serving/model_loader.h"

#include "harness.h"

#include <math.h>
#include <string.h>

START_TEST(an_answer_is_a_probability) {
    ck_assert(insp_models_answer_well(0, 0, 0));
    ck_assert(insp_models_answer_well(1, 1, 0));
    ck_assert(!insp_models_answer_well(-0.001f, 0, 1));
    ck_assert(!insp_models_answer_well(1.001f, 1, 1));
    ck_assert(!insp_models_answer_well(NAN, 0.5f, 1));
    ck_assert(!insp_models_answer_well(INFINITY, 0.5f, 1));
}
END_TEST

START_TEST(an_answer_stays_within_the_tolerance) {
    ck_assert(insp_models_answer_well(0.5f, 0.5f, 0));
    ck_assert(insp_models_answer_well(0.51f, 0.5f, 0.02f));
    ck_assert(!insp_models_answer_well(0.53f, 0.5f, 0.02f));
    ck_assert(!insp_models_answer_well(0.47f, 0.5f, 0.02f));
    ck_assert(!insp_models_answer_well(0.5f, NAN, 0.02f));
}
END_TEST

START_TEST(a_shadow_serves_but_gives_no_verdicts) {
    struct insp_manifest active = {.version = "v1"}, shadow = {.version = "v2"};
    struct insp_model one = {.manifest = &active}, other = {.manifest = &shadow};
    struct insp_served_model item = {.product = "p", .model = &one, .shadow = &other};
    const struct insp_model_list list = {.count = 1, .item = &item};
    struct insp_model_loader *loader;
    struct insp_error err;
    ck_insp_ok(insp_model_loader_new(NULL, "/nonexistent", &loader, &err), err);
    ck_assert_int_eq(insp_model_loader_note_serving(loader, &list), 0);
    ck_assert(insp_model_loader_serves(loader, "p", "v1") && insp_model_loader_serves(loader, "p", "v2"));
    ck_assert(insp_model_loader_judges(loader, "p", "v1") && !insp_model_loader_judges(loader, "p", "v2"));
    ck_assert(!insp_model_loader_serves(loader, "q", "v1") && !insp_model_loader_judges(loader, "p", "v3"));
    insp_model_loader_free(loader);
}
END_TEST

INSP_TESTS(a_shadow_serves_but_gives_no_verdicts, an_answer_is_a_probability,
           an_answer_stays_within_the_tolerance);
