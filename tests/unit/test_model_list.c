#include "core/serving/model_list.h"

#include "harness.h"

#include <stdatomic.h>
#include <string.h>

START_TEST(a_copy_holds_references_of_its_own) {
    struct insp_model *model = calloc(1, sizeof *model);
    atomic_init(&model->references, 1);
    struct insp_served_model item[2] = {{.product = "a", .model = model, .passed = true},
                                        {.product = "b", .failure = "why"}};
    const struct insp_model_list list = {.count = 2, .item = item};
    struct insp_model_list copy;
    ck_assert_int_eq(insp_model_list_copy(&list, &copy), 0);
    ck_assert_int_eq(atomic_load(&model->references), 2);
    ck_assert_ptr_eq(insp_model_list_find(&copy, "a")->model, model);
    ck_assert(insp_model_list_find(&copy, "a")->passed);
    ck_assert_str_eq(insp_model_list_find(&copy, "b")->failure, "why");
    ck_assert_ptr_null(insp_model_list_find(&copy, "c"));
    insp_model_list_clear(&copy);
    ck_assert(copy.count == 0 && !copy.item);
    ck_assert_int_eq(atomic_load(&model->references), 1);
    insp_model_unref(model);
}
END_TEST

START_TEST(a_judgement_goes_with_the_weights) {
    struct insp_model weights = {0}, thresholds = {.base = &weights}, other = {0};
    struct insp_served_model old[4] = {{.product = "a", .model = &weights, .failure = "wrong"},
                                       {.product = "b", .model = &weights, .failure = "wrong"},
                                       {.product = "c", .model = &weights, .failure = "wrong"},
                                       {.product = "d", .failure = "gone"}};
    struct insp_served_model new[4] = {{.product = "a", .model = &thresholds, .passed = true},
                                       {.product = "b", .model = &other, .passed = true},
                                       {.product = "c", .failure = "why"},
                                       {.product = "d", .model = &other, .passed = true}};
    struct insp_model_list fresh = {.count = 4, .item = new};
    insp_model_list_judge(&(const struct insp_model_list){.count = 4, .item = old}, &fresh);
    ck_assert(!new[0].passed &&new[1].passed && !new[2].passed &&new[3].passed);
    ck_assert_str_eq(new[0].failure, "wrong");
    ck_assert_str_eq(new[1].failure, "");
    ck_assert_str_eq(new[2].failure, "why");
}
END_TEST

INSP_TESTS(a_copy_holds_references_of_its_own, a_judgement_goes_with_the_weights);
