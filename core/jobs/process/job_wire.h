/* core/jobs/process/job_wire.h - the conversation between the daemon and the process that does a job: JSON
 * documents, one a line, over a socket pair. Both ends are the same binary.
 *
 *   daemon -> job   {"request": ...}, then {"cancel": true} and {"activated": error or null} as they come
 *   job -> daemon   {"event": ...}..., {"activate": version}, at the end {"result": report} or {"failed": error}
 *
 * Paths may hold bytes that are no UTF-8: each byte travels as the code point of its value. Any thread. */
#ifndef INSP_JOBS_PROCESS_JOB_WIRE_H
#define INSP_JOBS_PROCESS_JOB_WIRE_H

#include "core/base/progress.h"
#include "core/jobs/job_rows.h"
#include "core/jobs/process/job_machine.h"
#include "core/train/feedback.h"

#include <jansson.h>

enum {
    INSP_JOB_LINE_MAX = 64 << 20, /* bytes of one message; a report is below 1 MiB */
    INSP_JOB_FOLDS_MAX = 20,      /* as job_params.h */
};

/* A job as it goes to its process. */
struct insp_job_request {
    struct insp_job_row row;
    struct insp_job_machine machine; /* its strings are owned by `owned` where the request was parsed */
    struct insp_feedback feedback;
    char *owned[4];
};
void insp_job_request_clear(struct insp_job_request *request); /* what parse filled in; zeroed is fine */

/* {"request": ...} as a new reference; NULL without memory. */
json_t *insp_job_request_json(const struct insp_job_row *row, const struct insp_job_machine *machine,
                              const struct insp_feedback *feedback);
/* The value of "request". INSP_E_INTERNAL for one that is none, INSP_E_NOMEM; nothing to clear then. */
int insp_job_request_parse(const json_t *value, struct insp_job_request *ret, struct insp_error *reterr);

/* {"event": ...} as a new reference; NULL without memory. */
json_t *insp_job_event_json(const struct insp_progress_event *event);
/* The value of "event"; ret->text borrows from it. False for one that is none. */
bool insp_job_event_parse(const json_t *value, struct insp_progress_event *ret);

/* {"code", "detail"} as a new reference. */
json_t *insp_job_error_json(int code, const struct insp_error *error);
/* The code, negative, with *reterr filled. */
int insp_job_error_parse(const json_t *value, struct insp_error *reterr);

/* Messages that arrive in pieces. */
struct insp_job_inbox {
    char *buffer; /* owned */
    size_t bytes, room, looked;
};
void insp_job_inbox_clear(struct insp_job_inbox *inbox); /* zeroed is fine */
/* Reads what the socket has, one recv(2); blocks only where the socket does. 1, or 0 at the end of the stream.
 * INSP_E_INTERNAL for a line that is too long, INSP_E_NOMEM, INSP_E_IO. */
int insp_job_inbox_read(struct insp_job_inbox *inbox, int fd, struct insp_error *reterr);
/* The next whole message as a new reference in *ret, NULL where none is whole. INSP_E_INTERNAL for a line that is
 * no JSON object. */
int insp_job_inbox_next(struct insp_job_inbox *inbox, json_t **ret, struct insp_error *reterr);

/* The message as a line, the caller's to free; drops the reference. NULL without memory (also for message NULL).
 */
char *insp_job_line(json_t *message, size_t *ret_bytes);

#endif
