#include "api/server/server.h"
#include "api/shadow/shadow.h"
#include "api/shadow/shadow_state.h"

#include "tests/unit/harness.h"

#include <string.h>

/* The shadows of the products, in place of those that the daemon serves. */
static struct insp_served_model shadows[API_SHADOW_PRODUCTS + 1];

const struct insp_served_model *__wrap_insp_models_named(const struct insp_models *models, const char *product);
const struct insp_served_model *__wrap_insp_models_named(const struct insp_models *models, const char *product) {
    (void)models;
    for (size_t i = 0; i < INSP_COUNT(shadows); i++)
        if (!strcmp(shadows[i].product, product))
            return &shadows[i];
    return NULL;
}

static struct api_shadow *begin(void) {
    static struct api_server server;
    static struct api_shadow shadow = {.server = &server};
    for (size_t i = 0; i < INSP_COUNT(shadows); i++) {
        snprintf(shadows[i].product, INSP_NAME_BYTES, "p%zu", i);
        shadows[i].shadow_choice = (struct insp_shadow_choice){.version = "v2", .since_us = 1000};
    }
    return &shadow;
}

START_TEST(a_run_that_is_over_makes_room) {
    struct api_shadow *shadow = begin();
    for (size_t i = 0; i < API_SHADOW_PRODUCTS; i++)
        ck_assert_ptr_eq(api_shadow_known_of(shadow, shadows[i].product, "v2", 1000), &shadow->known[i]);
    const char *last = shadows[API_SHADOW_PRODUCTS].product;
    ck_assert_ptr_null(api_shadow_known_of(shadow, last, "v2", 1000));
    shadows[3].shadow_choice = (struct insp_shadow_choice){.version = ""};
    struct api_shadow_known *known = api_shadow_known_of(shadow, last, "v2", 1000);
    ck_assert_ptr_eq(known, &shadow->known[3]);
    ck_assert_str_eq(known->product, last);
    ck_assert_ptr_eq(api_shadow_known_of(shadow, last, "v2", 1000), known);
    ck_assert_ptr_null(api_shadow_known_of(shadow, "p3", "v2", 1000)); /* it is over, and has no entry */
}
END_TEST

START_TEST(a_run_that_begins_again_has_no_failure_yet) {
    struct api_shadow *shadow = begin();
    struct api_shadow_known *known = api_shadow_known_of(shadow, "p0", "v2", 1000);
    strcpy(known->failure, "no memory");
    ck_assert_str_eq(api_shadow_failure(shadow, "p0", "v2", 1000), "no memory");
    ck_assert_str_eq(api_shadow_failure(shadow, "p0", "v2", 2000), "");
    ck_assert_str_eq(api_shadow_failure(shadow, "p1", "v2", 1000), "");
}
END_TEST

START_TEST(lost_parts_are_to_be_counted_until_they_are_given_up) {
    struct api_shadow *shadow = begin();
    struct api_shadow_known *known = api_shadow_known_of(shadow, "p0", "v2", 1000);
    ck_assert_ptr_null(api_shadow_lost_run(shadow));
    known->lost = 2;
    ck_assert_ptr_eq(api_shadow_lost_run(shadow), known);
    known->given_up = true;
    ck_assert_ptr_null(api_shadow_lost_run(shadow));
}
END_TEST

INSP_TESTS(a_run_that_is_over_makes_room, a_run_that_begins_again_has_no_failure_yet,
           lost_parts_are_to_be_counted_until_they_are_given_up);
