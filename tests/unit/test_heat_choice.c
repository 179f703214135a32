#include "core/model/heat/heat_choice.h"

#include "core/base/cleanup.h"
#include "harness.h"

#include <math.h>
#include <string.h>

static int parse(const char *text, bool tail, bool good, struct insp_heat_choice *ret, json_t **ret_chosen,
                 struct insp_error *err) {
    json_t *object = text ? json_loads(text, 0, NULL) : NULL;
    int r = insp_heat_choice_parse(object, tail, good, 0.6F, ret, ret_chosen, err);
    json_decref(object);
    return r;
}

START_TEST(older_bundles_show_the_map_of_the_model_that_decides) {
    struct insp_error err = {0};
    struct insp_heat_choice choice;
    json_t *chosen;
    ck_insp_ok(parse(NULL, true, true, &choice, &chosen, &err), err);
    ck_assert(choice.kind == INSP_HEAT_ACTIVATION && !chosen);
    ck_insp_ok(parse(NULL, false, true, &choice, &chosen, &err), err);
    ck_assert(choice.kind == INSP_HEAT_GOOD_ONLY && choice.threshold == 0.6F);
}
END_TEST

START_TEST(a_choice_survives_its_text) {
    struct insp_error err = {0};
    const struct insp_heat_choice choice = {INSP_HEAT_PRODUCT, 0.7F, -1.5F, 3};
    json_t *chosen = json_pack("{s:s}", "reason", "so"), *json = insp_heat_choice_json(&choice, chosen);
    struct insp_heat_choice back;
    json_t *why;
    ck_insp_ok(insp_heat_choice_parse(json, true, true, 0.5F, &back, &why, &err), err);
    ck_assert(back.kind == choice.kind && back.threshold == 0.7F && back.low == -1.5F && back.high == 3);
    ck_assert(json_equal(why, chosen));
    json_decref(why);
    json_decref(json);
    json_decref(chosen);
}
END_TEST

START_TEST(a_map_that_the_bundle_cannot_make_is_refused) {
    static const struct {
        const char *text;
        bool tail, good;
        const char *says;
    } bad[] = {
        {"[]", true, true, "heat must be an object"},
        {"{\"map\":\"x\"}", true, true, "heat.map must be"},
        {"{\"map\":\"product\",\"threshold\":2,\"low\":0,\"high\":1}", true, true, "heat.threshold must be"},
        {"{\"map\":\"product\",\"threshold\":0.7,\"low\":1,\"high\":1}", true, true, "heat.low is 1"},
        {"{\"map\":\"product\",\"threshold\":0.7,\"low\":0,\"high\":1}", true, false, "no good-only model"},
        {"{\"map\":\"product\",\"threshold\":0.7,\"low\":0,\"high\":1}", false, true, "no tail"},
        {"{\"map\":\"product\",\"threshold\":0.7,\"low\":0,\"high\":1,\"chosen\":3}", true, true, "heat.chosen"},
    };
    for (size_t i = 0; i < INSP_COUNT(bad); i++) {
        struct insp_error err = {0};
        struct insp_heat_choice choice;
        json_t *chosen;
        ck_insp_code(parse(bad[i].text, bad[i].tail, bad[i].good, &choice, &chosen, &err), INSP_E_MODEL, err);
        ck_assert_msg(strstr(err.detail, bad[i].says), "%s", err.detail);
    }
}
END_TEST

/* A good part shows heat in the product only where it shows heat in one of both maps. */
START_TEST(the_product_keeps_the_meaning_of_the_threshold) {
    ck_assert_float_eq_tol(insp_heat_product(0.7F, 0.7F), 0.7F, 1e-6F);
    ck_assert_float_lt(insp_heat_product(9, 0.4F), 0.7F); /* far from the threshold of good parts */
    for (int a = -10; a < 20; a++)
        for (int g = 0; g < 20; g++) {
            float one = (float)a / 10, other = (float)g / 10, product = insp_heat_product(one, other);
            ck_assert(product >= 0 && product <= fmaxf(fmaxf(one, other), 0) + 1e-6F);
        }
}
END_TEST

START_TEST(each_kind_makes_its_map) {
    const float activation[] = {-1, 1, 3}, good[] = {0.5F, 0, 0.5F};
    struct insp_heat_choice choice = {INSP_HEAT_ACTIVATION, 0.7F, 1, 5};
    float map[3];
    insp_heat_make(&choice, activation, NULL, 3, map);
    ck_assert(map[0] == -1 && map[2] == 3);
    choice.kind = INSP_HEAT_GOOD_ONLY;
    insp_heat_make(&choice, activation, good, 3, map);
    ck_assert(map[0] == 0.5F && map[1] == 0);
    choice.kind = INSP_HEAT_PRODUCT;
    insp_heat_make(&choice, activation, good, 3, map);
    ck_assert(map[0] == 0 && map[1] == 0);
    ck_assert_float_eq_tol(map[2], 0.5F, 1e-6F); /* (3 - 1) / (5 - 1) and 0.5 */
}
END_TEST

INSP_TESTS(older_bundles_show_the_map_of_the_model_that_decides, a_choice_survives_its_text,
           a_map_that_the_bundle_cannot_make_is_refused, the_product_keeps_the_meaning_of_the_threshold,
           each_kind_makes_its_map);
