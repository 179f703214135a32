#include "core/jobs/process/job_wire.h"

#include "core/base/cleanup.h"
#include "harness.h"

#include <string.h>
#include <sys/socket.h>

static struct insp_error err;

static struct insp_job_row a_row(void) {
    struct insp_job_row row = {.kind = INSP_JOB_TRAIN,
                               .product = "carpet",
                               .params = {.dataset = "sets/gr\xc3\xbcn", .train = insp_train_params_default()}};
    strcpy(row.id, "0190b6f2-0000-7000-8000-000000000000");
    row.params.train.seed = 9007199254740991;
    row.params.train.learning_rate = 3e-5f;
    return row;
}

START_TEST(a_request_arrives_as_it_was_sent) {
    const struct insp_job_row row = a_row();
    struct insp_image_limits limits = insp_image_limits_default(), alone;
    limits.budget = (struct insp_image_budget *)&limits; /* means nothing in another process */
    limits.cancelled_arg = &limits;
    limits.png16_bits = 12;
    alone = insp_image_limits_alone(&limits);
    const struct insp_job_machine machine = {.state_dir = "/var/lib/M\xfcller", /* ISO 8859-1 */
                                             .dataset_roots = "/a:/b\xc3\xa4",
                                             .device = {.name = "cpu", .threads = 3, .deterministic = true},
                                             .cache_bytes_max = UINT64_MAX,
                                             .cache_half = true,
                                             .memory_bytes_max = 12345678901,
                                             .limits = limits};
    struct insp_feedback_item item = {.path = (char[]){"/x/\xff\x80.raw"},
                                      .type = {INSP_MEDIA_RAW, INSP_RAW_BGR8, 640, 480},
                                      .label = INSP_CLASS_ANOMALY,
                                      .verdict = INSP_VERDICT_REVIEW,
                                      .probability = 0.1f,
                                      .labelled_us = INT64_C(1700000000123456)};
    strcpy(item.id, row.id);
    strcpy(item.sha256, "ab");
    strcpy(item.defect, "hole");
    const struct insp_feedback feedback = {.count = 1, .item = &item, .left_out = 7};
    json_t *message = insp_job_request_json(&row, &machine, &feedback);
    ck_assert_ptr_nonnull(message);
    struct insp_job_request got = {0};
    ck_insp_ok(insp_job_request_parse(json_object_get(message, "request"), &got, &err), err);
    json_decref(message);
    ck_assert_str_eq(got.row.id, row.id);
    ck_assert_str_eq(got.row.product, "carpet");
    ck_assert_int_eq(got.row.kind, INSP_JOB_TRAIN);
    ck_assert_str_eq(got.row.params.dataset, row.params.dataset);
    ck_assert_uint_eq(got.row.params.train.seed, row.params.train.seed);
    ck_assert_float_eq(got.row.params.train.learning_rate, row.params.train.learning_rate);
    ck_assert_str_eq(got.machine.state_dir, machine.state_dir);
    ck_assert_str_eq(got.machine.dataset_roots, machine.dataset_roots);
    ck_assert_ptr_null(got.machine.cache_folder);
    ck_assert_str_eq(got.machine.device.name, "cpu");
    ck_assert_uint_eq(got.machine.device.threads, 3);
    ck_assert(got.machine.device.deterministic && got.machine.cache_half);
    ck_assert_uint_eq(got.machine.cache_bytes_max, UINT64_MAX);
    ck_assert_uint_eq(got.machine.memory_bytes_max, machine.memory_bytes_max);
    ck_assert_uint_eq(got.machine.limits.bytes, alone.bytes);
    ck_assert_uint_eq(got.machine.limits.pixels, alone.pixels);
    ck_assert_uint_eq(got.machine.limits.width, alone.width);
    ck_assert_ptr_null(got.machine.limits.cancelled_arg);
    ck_assert_uint_eq(got.machine.limits.png16_bits, 12);
    ck_assert_ptr_null(got.machine.limits.budget);
    ck_assert_uint_eq(got.feedback.count, 1);
    ck_assert_uint_eq(got.feedback.left_out, 7);
    ck_assert_str_eq(got.feedback.item[0].path, item.path);
    ck_assert_mem_eq(&got.feedback.item[0].type, &item.type, sizeof item.type);
    ck_assert_int_eq(got.feedback.item[0].verdict, INSP_VERDICT_REVIEW);
    ck_assert_float_eq(got.feedback.item[0].probability, 0.1f);
    ck_assert_int_eq(got.feedback.item[0].labelled_us, item.labelled_us);
    ck_assert_str_eq(got.feedback.item[0].defect, "hole");
    insp_job_request_clear(&got);
}
END_TEST

START_TEST(a_request_that_lacks_something_is_refused) {
    static const char *const name[] = {"id", "kind", "product", "params", "machine", "feedback"};
    const struct insp_job_row row = a_row();
    const struct insp_job_machine machine = {.state_dir = "/s", .dataset_roots = "/d", .device = {.name = "cpu"}};
    const struct insp_feedback none = {0};
    struct insp_job_request got;
    for (size_t i = 0; i < INSP_COUNT(name); i++) {
        json_t *message = insp_job_request_json(&row, &machine, &none);
        json_object_del(json_object_get(message, "request"), name[i]);
        ck_insp_code(insp_job_request_parse(json_object_get(message, "request"), &got, &err), INSP_E_INTERNAL,
                     err);
        json_decref(message);
    }
    ck_insp_code(insp_job_request_parse(NULL, &got, &err), INSP_E_INTERNAL, err);
}
END_TEST

START_TEST(events_and_errors_survive) {
    const struct insp_progress_event sent = {.kind = INSP_PROGRESS_EPOCH,
                                             .text = "fold 2",
                                             .overall = 0.1,
                                             .done = 3,
                                             .total = 4,
                                             .fold = 2,
                                             .epoch = 5,
                                             .loss = 1.0 / 3,
                                             .accuracy = 0.75,
                                             .seconds = 2.5};
    struct insp_progress_event got;
    json_t *message = insp_job_event_json(&sent);
    ck_assert(insp_job_event_parse(json_object_get(message, "event"), &got));
    ck_assert_int_eq(got.kind, sent.kind);
    ck_assert_str_eq(got.text, sent.text);
    ck_assert_double_eq(got.overall, sent.overall);
    ck_assert_double_eq(got.loss, sent.loss);
    ck_assert_uint_eq(got.fold, 2);
    ck_assert_uint_eq(got.epoch, 5);
    json_decref(message);
    ck_assert(!insp_job_event_parse(NULL, &got));
    struct insp_error error = {.code = INSP_E_DATASET, .detail = "no good images"};
    message = insp_job_error_json(INSP_E_DATASET, &error);
    ck_insp_code(insp_job_error_parse(message, &err), INSP_E_DATASET, err);
    ck_assert_str_eq(err.detail, "no good images");
    json_decref(message);
    ck_insp_code(insp_job_error_parse(NULL, &err), INSP_E_INTERNAL, err);
}
END_TEST

/* A fold's number sizes an array: one that no job has is refused. */
START_TEST(an_event_of_an_impossible_fold_is_refused) {
    struct insp_progress_event event = {.kind = INSP_PROGRESS_EPOCH, .text = "", .fold = 1000000};
    json_t *message = insp_job_event_json(&event);
    ck_assert(!insp_job_event_parse(json_object_get(message, "event"), &event));
    json_decref(message);
}
END_TEST

START_TEST(lines_arrive_whole_however_they_were_cut) {
    _cleanup_(insp_job_inbox_clear) struct insp_job_inbox inbox = {0};
    static char text[300000];
    int pair[2];
    json_t *message;
    memset(text, 'x', sizeof text - 1);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    size_t bytes, got = 0;
    char *line = insp_job_line(json_pack("{s:s}", "long", text), &bytes);
    for (size_t at = 0; at < bytes;) {
        size_t piece = bytes - at < 1000 ? bytes - at : 1000;
        ck_assert_int_eq(send(pair[0], line + at, piece, 0), (ssize_t)piece);
        at += piece;
        ck_assert_int_eq(insp_job_inbox_read(&inbox, pair[1], &err), 1);
        ck_insp_ok(insp_job_inbox_next(&inbox, &message, &err), err);
        ck_assert((message != NULL) == (at == bytes));
        got += message != NULL;
    }
    ck_assert_uint_eq(got, 1);
    ck_assert_str_eq(json_string_value(json_object_get(message, "long")), text);
    json_decref(message);
    free(line);
    ck_assert_int_eq(send(pair[0], "{\"a\":1}\n{\"b\":2}\nnonsense\n", 25, 0), 25);
    ck_assert_int_eq(insp_job_inbox_read(&inbox, pair[1], &err), 1);
    for (int i = 0; i < 2; i++) {
        ck_insp_ok(insp_job_inbox_next(&inbox, &message, &err), err);
        ck_assert_ptr_nonnull(message);
        json_decref(message);
    }
    ck_insp_code(insp_job_inbox_next(&inbox, &message, &err), INSP_E_INTERNAL, err);
    close(pair[0]);
    ck_assert_int_eq(insp_job_inbox_read(&inbox, pair[1], &err), 0);
    close(pair[1]);
}
END_TEST

INSP_TESTS(a_request_arrives_as_it_was_sent, a_request_that_lacks_something_is_refused, events_and_errors_survive,
           an_event_of_an_impossible_fold_is_refused, lines_arrive_whole_however_they_were_cut);
