/* core/jobs/process/job_wire.h - encodes and decodes the messages between the daemon and the process of a job:
 * JSON objects, one per line, over a socket pair. Both ends are the same binary.
 *
 *   daemon -> job   {"request": ...} first, then {"cancel": true} and {"activated": error or null}
 *   job -> daemon   {"event": ...}..., {"activate": version}, last {"result": report} or {"failed": error}
 *
 * Paths may have bytes that are not UTF-8: each byte is sent as the code point of its value. Any thread; one
 * thread per object. */
#ifndef INSP_JOBS_PROCESS_JOB_WIRE_H
#define INSP_JOBS_PROCESS_JOB_WIRE_H

#include "core/base/progress.h"
#include "core/jobs/job_rows.h"
#include "core/jobs/process/job_machine.h"
#include "core/train/feedback.h"

#include <jansson.h>

enum {
    INSP_JOB_LINE_MAX = 64 << 20, /* bytes of one message; a report is smaller than 1 MiB */
    INSP_JOB_FOLDS_MAX = 20,      /* largest value of the parameter `folds` (job_params.c) */
};

/* The content of a request. */
struct insp_job_request {
    struct insp_job_row row;
    struct insp_job_machine machine; /* its strings point into `owned` */
    struct insp_feedback feedback;
    char *owned[4];
};
void insp_job_request_clear(struct insp_job_request *request); /* accepts a zeroed struct */

/* Returns {"request": ...} as a new reference, or NULL without memory. */
json_t *insp_job_request_json(const struct insp_job_row *row, const struct insp_job_machine *machine,
                              const struct insp_feedback *feedback);
/* Reads the value of "request"; insp_job_request_clear releases *ret. Fails with INSP_E_INTERNAL. */
int insp_job_request_parse(const json_t *value, struct insp_job_request *ret, struct insp_error *reterr);

/* Returns {"event": ...} as a new reference, or NULL without memory. */
json_t *insp_job_event_json(const struct insp_progress_event *event);
/* Reads the value of "event"; ret->text borrows from it. Returns false if it is not an event. */
bool insp_job_event_parse(const json_t *value, struct insp_progress_event *ret);

/* Returns {"code", "detail"} as a new reference, or NULL without memory. */
json_t *insp_job_error_json(int code, const struct insp_error *error);
/* Reads an error into *reterr and returns its code, which is negative; INSP_E_INTERNAL if the value is not an
 * error. */
int insp_job_error_parse(const json_t *value, struct insp_error *reterr);

/* Joins messages that arrive in pieces. */
struct insp_job_inbox {
    char *buffer;       /* owned */
    size_t bytes, room; /* used and allocated */
    size_t looked;      /* bytes that have been searched for a line's end */
};
void insp_job_inbox_clear(struct insp_job_inbox *inbox); /* accepts a zeroed struct */
/* Reads from the socket with one recv(2); blocks if the socket does. Returns 1, or 0 at the end of the stream.
 * Errors: INSP_E_INTERNAL (the line is too long), INSP_E_NOMEM, errno codes. */
int insp_job_inbox_read(struct insp_job_inbox *inbox, int fd, struct insp_error *reterr);
/* Returns the next complete message as a new reference in *ret, or NULL in *ret if there is none yet. Fails with
 * INSP_E_INTERNAL if a line is not a JSON object. */
int insp_job_inbox_next(struct insp_job_inbox *inbox, json_t **ret, struct insp_error *reterr);

/* Returns the message as a line, NUL-terminated after the line feed, which the caller frees; *ret_bytes does not
 * count the NUL. Drops the reference. Returns NULL without memory, and for NULL. */
char *insp_job_line(json_t *message, size_t *ret_bytes);

#endif
