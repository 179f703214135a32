#include "api/server/error_pages.h"

#include "core/base/cleanup.h"
#include "tests/unit/harness.h"

#include <dlfcn.h>
#include <string.h>

START_TEST(each_page_becomes_a_problem_with_its_status) {
    const unsigned statuses[] = {400, 413, 414, 431, 500, 505};
    for (size_t i = 0; i < INSP_COUNT(statuses); i++) {
        struct insp_error err = {0};
        api_error_of_page(statuses[i], NULL, &err);
        ck_assert_int_eq(insp_code_http(err.code), statuses[i]);
        ck_assert_str_ne(err.detail, "");
    }
}
END_TEST

START_TEST(a_status_that_no_version_sends_so_far_keeps_its_class) {
    struct insp_error err = {0};
    api_error_of_page(411, NULL, &err);
    ck_assert_int_eq(err.code, INSP_E_REQUEST);
    api_error_of_page(301, NULL, &err); /* 1.0: white space in the target */
    ck_assert_int_eq(err.code, INSP_E_REQUEST);
    api_error_of_page(501, NULL, &err);
    ck_assert_int_eq(err.code, INSP_E_INTERNAL);
}
END_TEST

START_TEST(an_invalid_length_is_named_as_the_cause) {
    struct insp_error err = {0};
    api_error_of_page(400, "12x", &err);
    ck_assert_int_eq(err.code, INSP_E_REQUEST);
    ck_assert_ptr_nonnull(strstr(err.detail, "Content-Length"));
    api_error_of_page(413, "99999999999999999999999", &err);
    ck_assert_int_eq(err.code, INSP_E_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(err.detail, "Content-Length"));
    api_error_of_page(431, "12", &err); /* valid: something else is wrong */
    ck_assert_int_eq(err.code, INSP_E_HEADERS_LARGE);
}
END_TEST

/* The loader must find the program's function before the library's, or the library keeps its pages. */
START_TEST(calls_by_name_reach_the_program) {
    struct insp_error err = {0};
    ck_assert_int_eq(api_queue_response(NULL, 400, NULL), MHD_NO);
    ck_assert_int_eq(api_error_pages_open(&err), 0);
    const void *first = dlsym(RTLD_DEFAULT, "MHD_queue_response"), *next = dlsym(RTLD_NEXT, "MHD_queue_response");
    Dl_info of_first, of_next;
    ck_assert(dladdr(first, &of_first) && dladdr(next, &of_next));
    ck_assert_ptr_ne(first, next);
    ck_assert_ptr_null(strstr(of_first.dli_fname, "libmicrohttpd"));
    ck_assert_ptr_nonnull(strstr(of_next.dli_fname, "libmicrohttpd"));
}
END_TEST

INSP_TESTS(each_page_becomes_a_problem_with_its_status, a_status_that_no_version_sends_so_far_keeps_its_class,
           an_invalid_length_is_named_as_the_cause, calls_by_name_reach_the_program);
