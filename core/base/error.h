/* core/base/error.h - report errors: one error object and one table of codes.
 *
 * Contract (crun's, with libgit2's rule): a function that can fail returns 0 or a negative enum insp_code and
 * takes `struct insp_error *reterr` as its last argument. It writes `ret_*` arguments only on success and
 * `reterr` only on failure. reterr may be NULL. The object owns no memory, so it can be copied and travels
 * with an inspection or a job from thread to thread. */
#ifndef INSP_BASE_ERROR_H
#define INSP_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(symbol, number, HTTP status, wire name, title). Wire names are a public contract: application/problem+json
 * carries them as `code`, and they never change their meaning. */
#define INSP_ERROR_TABLE(X)                                                                                       \
    X(INSP_E_INTERNAL, -1, 500, "internal", "Internal error")                                                     \
    X(INSP_E_NOMEM, -2, 503, "out_of_memory", "Out of memory")                                                    \
    X(INSP_E_IO, -3, 500, "io_error", "Input/output error")                                                       \
    X(INSP_E_NOSPACE, -4, 507, "storage_full", "No space left in the state folder")                               \
    X(INSP_E_PERMISSION, -5, 500, "permission_denied", "Permission denied on the server's disk")                  \
    X(INSP_E_USAGE, -6, 400, "usage", "Wrong usage")                                                              \
    X(INSP_E_REQUEST, -7, 400, "malformed_request", "Malformed request")                                          \
    X(INSP_E_QUERY, -8, 400, "invalid_query", "Invalid query value")                                              \
    X(INSP_E_PARAMETER, -9, 422, "invalid_parameter", "Invalid parameter")                                        \
    X(INSP_E_EMPTY_BODY, -10, 400, "empty_body", "Empty body")                                                    \
    X(INSP_E_UNAUTHORIZED, -11, 401, "unauthorized", "A bearer token is required")                                \
    X(INSP_E_FORBIDDEN, -12, 403, "forbidden", "Not allowed")                                                     \
    X(INSP_E_NOT_FOUND, -13, 404, "not_found", "Not found")                                                       \
    X(INSP_E_UNKNOWN_PRODUCT, -14, 404, "unknown_product", "Unknown product")                                     \
    X(INSP_E_METHOD, -15, 405, "method_not_allowed", "Method not allowed")                                        \
    X(INSP_E_TIMEOUT, -16, 408, "request_timeout", "The request did not arrive in time")                          \
    X(INSP_E_CONFLICT, -17, 409, "conflict", "Conflict with the current state")                                   \
    X(INSP_E_TOO_LARGE, -18, 413, "body_too_large", "Body too large")                                             \
    X(INSP_E_MEDIA_TYPE, -19, 415, "unsupported_media_type", "Unsupported media type")                            \
    X(INSP_E_IMAGE, -20, 422, "image_undecodable", "The image cannot be decoded")                                 \
    X(INSP_E_IMAGE_LIMIT, -21, 422, "image_too_large", "The image exceeds a limit")                               \
    X(INSP_E_DATASET, -22, 422, "dataset_invalid", "The dataset cannot be used")                                  \
    X(INSP_E_MODEL, -23, 500, "model_invalid", "The model cannot be used")                                        \
    X(INSP_E_DEVICE, -24, 503, "device_unavailable", "The compute device is unavailable")                         \
    X(INSP_E_QUEUE_FULL, -25, 503, "queue_full", "Too many requests in flight")                                   \
    X(INSP_E_NOT_READY, -26, 503, "not_ready", "Not ready")                                                       \
    X(INSP_E_SHUTTING_DOWN, -27, 503, "shutting_down", "The daemon is shutting down")                             \
    X(INSP_E_DEADLINE, -28, 504, "deadline_exceeded", "The deadline passed before the verdict")                   \
    X(INSP_E_CANCELLED, -29, 409, "cancelled", "Cancelled")                                                       \
    X(INSP_E_INTERRUPTED, -30, 500, "interrupted", "Interrupted by a restart")                                    \
    X(INSP_E_CONFIG, -31, 500, "configuration", "Configuration error")                                            \
    X(INSP_E_GONE, -32, 410, "gone", "No longer kept")                                                            \
    X(INSP_E_SELF_TEST, -33, 409, "self_test_failed", "The model failed its self-test")                           \
    X(INSP_E_STORE_LOST, -34, 503, "storage_lost", "The state folder or its database is gone")                    \
    X(INSP_E_IMAGE_DAMAGED, -35, 500, "image_damaged", "The stored image is damaged")                             \
    X(INSP_E_JOB_CRASHED, -36, 500, "job_crashed", "The job's process ended without a report")                    \
    X(INSP_E_HOST, -37, 403, "host_not_allowed", "The daemon does not answer to this name")                       \
    X(INSP_E_ORIGIN, -38, 403, "origin_not_allowed", "A page of another site may not do this")                    \
    X(INSP_E_TARGET_LONG, -39, 414, "target_too_long", "Path and query are too long")                             \
    X(INSP_E_HEADERS_LARGE, -40, 431, "headers_too_large", "The request's headers are too large")                 \
    X(INSP_E_HTTP_VERSION, -41, 505, "http_version_not_supported", "HTTP version not supported")                  \
    X(INSP_E_SINK_AWAY, -42, 502, "sink_away", "The peer of a sink is away or refuses a message")                 \
    X(INSP_E_CAMERA_AWAY, -43, 503, "camera_away", "The camera or its grabber is away")

enum insp_code {
    INSP_OK = 0,
#define X(symbol, number, http, wire, title) symbol = (number),
    INSP_ERROR_TABLE(X)
#undef X
};

enum { INSP_ERROR_DETAIL_BYTES = 512 };

struct insp_error {
    int code;                             /* enum insp_code; 0 while unset */
    char detail[INSP_ERROR_DETAIL_BYTES]; /* names the object and the remedy; UTF-8, cut at a character */
};

/* Fills *err (unless NULL) and returns code, so that `return insp_fail(err, INSP_E_IMAGE, "...")` is one step.
 * It overwrites an earlier detail: call it at the deepest place and pass the code on everywhere else. Any
 * thread. */
int insp_fail(struct insp_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
int insp_failv(struct insp_error *err, int code, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* Fills *err as insp_fail does, appends ": strerror(errnum)" and returns the code for errnum:
 *   ENOSPC, EDQUOT        INSP_E_NOSPACE
 *   ENOMEM                INSP_E_NOMEM
 *   EACCES, EPERM, EROFS  INSP_E_PERMISSION
 *   others                INSP_E_IO */
int insp_fail_errno(struct insp_error *err, int errnum, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Tell the compiler that the result is never 0. Without these macros it warns that variables which are set
 * only on success may be uninitialised. */
#define insp_fail(err, code, ...)                                                                                 \
    ({                                                                                                            \
        int insp_failed = (code);                                                                                 \
        insp_fail((err), insp_failed, __VA_ARGS__);                                                               \
        insp_failed;                                                                                              \
    })
#define insp_fail_errno(err, errnum, ...)                                                                         \
    ({                                                                                                            \
        int insp_failed = insp_fail_errno((err), (errnum), __VA_ARGS__);                                          \
        if (insp_failed >= 0)                                                                                     \
            __builtin_unreachable();                                                                              \
        insp_failed;                                                                                              \
    })

/* Puts "prefix: " (a file name, a product) before the present detail and keeps the code. Does nothing for
 * NULL. */
void insp_error_prefix(struct insp_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Return a code's columns of the table, as static strings; an unknown code has those of INSP_E_INTERNAL. Any
 * thread. */
const char *insp_code_wire(int code);
const char *insp_code_title(int code);
int insp_code_http(int code);

#ifdef __cplusplus
}
#endif

#endif
