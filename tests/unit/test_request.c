#include "api/http/request.h"
#include "tests/unit/harness.h"

#include <string.h>

/* Each transition that there is; all others are errors of the program. */
static const enum api_state legal[][2] = {
    {API_RECEIVING, API_REFUSED}, {API_RECEIVING, API_WORKING}, {API_RECEIVING, API_ANSWERED},
    {API_REFUSED, API_SENDING},   {API_WORKING, API_ANSWERED},  {API_ANSWERED, API_SENDING},
    {API_SENDING, API_FETCHING},  {API_FETCHING, API_SENDING},
};

static bool is_legal(enum api_state from, enum api_state to) {
    for (size_t i = 0; i < INSP_COUNT(legal); i++)
        if (legal[i][0] == from && legal[i][1] == to)
            return true;
    return false;
}

START_TEST(test_transitions) {
    for (int from = 0; from < API_STATES; from++)
        for (int to = 0; to < API_STATES; to++)
            ck_assert_msg(api_state_follows((enum api_state)from, (enum api_state)to) ==
                              is_legal((enum api_state)from, (enum api_state)to),
                          "%s -> %s", api_state_name((enum api_state)from), api_state_name((enum api_state)to));
}
END_TEST

/* An export passes through the most states; each says whether its connection is suspended. */
START_TEST(test_the_way_of_an_export) {
    static const enum api_state way[] = {API_WORKING, API_ANSWERED, API_SENDING, API_FETCHING, API_SENDING};
    static const bool suspended[] = {true, false, false, true, false};
    struct api_request request = {0};
    ck_assert(api_request_incoming(&request));
    ck_assert(!api_request_suspended(&request));
    for (size_t i = 0; i < INSP_COUNT(way); i++) {
        api_request_enter(&request, way[i]);
        ck_assert_int_eq(request.state, way[i]);
        ck_assert(!api_request_incoming(&request));
        ck_assert(api_request_suspended(&request) == suspended[i]);
    }
}
END_TEST

START_TEST(test_what_is_refused_still_comes_in) {
    struct api_request request = {0};
    api_request_enter(&request, API_REFUSED);
    ck_assert(api_request_incoming(&request));
    ck_assert(!api_request_suspended(&request));
}
END_TEST

static int dropped;

static void drop(struct api_request *request) {
    dropped++;
    free(request->part);
}

static const struct api_part_ops ops = {.drop = drop}, other = {.drop = drop};

/* The request owns its part, gives it only to the route whose it is, and drops it once. */
START_TEST(test_part) {
    struct api_request *request = calloc(1, sizeof *request);
    void *part = malloc(1);
    ck_assert_ptr_null(api_request_part(request, &ops));
    api_request_attach(request, part, &ops);
    ck_assert_ptr_eq(api_request_part(request, &ops), part);
    ck_assert_ptr_null(api_request_part(request, &other));
    dropped = 0;
    api_request_drop(request);
    ck_assert_ptr_null(request->part);
    ck_assert_ptr_null(request->ops);
    api_request_drop(request);
    ck_assert_int_eq(dropped, 1);
    api_request_attach(request, malloc(1), &ops);
    api_request_free(request); /* its end drops it too */
    ck_assert_int_eq(dropped, 2);
    api_request_free(NULL);
}
END_TEST

INSP_TESTS(test_transitions, test_the_way_of_an_export, test_what_is_refused_still_comes_in, test_part);
