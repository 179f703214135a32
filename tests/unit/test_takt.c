#include "core/line/takt.h"

#include "harness.h"

#include <string.h>

START_TEST(test_a_product_has_its_takt_and_the_others_the_star) {
    static const char text[] = "carpet=800, *=2000, bottle = 350";
    struct insp_error err;
    ck_insp_ok(insp_takt_check(text, &err), err);
    ck_assert_int_eq(insp_takt_us(text, "carpet"), 800000);
    ck_assert_int_eq(insp_takt_us(text, "bottle"), 350000);
    ck_assert_int_eq(insp_takt_us(text, "tile"), 2000000);
    ck_assert_int_eq(insp_takt_us("carpet=800", "tile"), 0);
    ck_assert_int_eq(insp_takt_us("", "tile"), 0);
    ck_insp_ok(insp_takt_check("", &err), err);
}
END_TEST

static void ck_refused(const char *text, const char *reason) {
    struct insp_error err;
    ck_insp_code(insp_takt_check(text, &err), INSP_E_CONFIG, err);
    ck_assert_msg(strstr(err.detail, reason) != NULL, "\"%s\" does not say \"%s\"", err.detail, reason);
}

START_TEST(test_wrong_texts_are_refused) {
    ck_refused("carpet", "form name=value");
    ck_refused("carpet=0", "1 to 600000 milliseconds");
    ck_refused("carpet=600001", "1 to 600000 milliseconds");
    ck_refused("carpet=fast", "\"fast\" for carpet");
    ck_refused("../x=5", "neither the name of a product nor *");
    ck_refused("carpet=5,*=6,carpet=5", "two entries for carpet");
    ck_refused("*=5,*=6", "two entries for *");
}
END_TEST

INSP_TESTS(test_a_product_has_its_takt_and_the_others_the_star, test_wrong_texts_are_refused);
