#include "api/model_list.h"

#include "harness.h"

#include <stdatomic.h>
#include <string.h>

START_TEST(a_copy_holds_references_of_its_own) {
    struct insp_model *model = calloc(1, sizeof *model);
    atomic_init(&model->references, 1);
    struct api_model item[2] = {{.product = "a", .model = model, .passed = true},
                                {.product = "b", .failure = "why"}};
    const struct api_model_list list = {.count = 2, .item = item};
    struct api_model_list copy;
    ck_assert_int_eq(api_model_list_copy(&list, &copy), 0);
    ck_assert_int_eq(atomic_load(&model->references), 2);
    ck_assert_ptr_eq(api_model_list_find(&copy, "a")->model, model);
    ck_assert(api_model_list_find(&copy, "a")->passed);
    ck_assert_str_eq(api_model_list_find(&copy, "b")->failure, "why");
    ck_assert_ptr_null(api_model_list_find(&copy, "c"));
    api_model_list_clear(&copy);
    ck_assert(copy.count == 0 && !copy.item);
    ck_assert_int_eq(atomic_load(&model->references), 1);
    insp_model_unref(model);
}
END_TEST

INSP_TESTS(a_copy_holds_references_of_its_own);
