/* core/inspect/pipeline.h - the stages of an inspection: decode (lane LINE) -> score (inference thread) -> judge,
 * store (lane LINE, group commit: all jobs that wait for the store go into one transaction) -> done (loop).
 *
 * Store, then answer: done with code 0 means that the record and the posted bytes survive kill -9. A record is
 * stored exactly when its done has code 0: a job that is in a group being committed is no longer ended by its
 * deadline or by its client, and one that was ended before is in no group.
 *
 * Stages and times of a job, in microseconds:
 *   receive    from the headers to the whole body (started_us to insp_pipeline_submit)
 *   wait       for a thread of the lane, for the loop and for the commit of the group before: all that is in no
 * other stage decode     hash, decode, resize and transform the image queue      for the device inference  the
 * pass that the image was part of store      verdict, boxes, the answer's PNG where one is wanted, image file
 *   commit     rows and their commit, of the whole group
 * total is the sum of all but commit: the record holds the same figures as the answer, and is written before its
 * own commit has ended.
 *
 * Threads: all functions on the loop thread. */
#ifndef INSP_INSPECT_PIPELINE_H
#define INSP_INSPECT_PIPELINE_H

#include "core/inspect/inspection.h"

struct insp_pipeline;

struct insp_pipeline_config {
    struct insp_image_limits image_limits;
    struct insp_lanes *lanes;      /* borrowed */
    struct insp_engine *engine;    /* borrowed */
    struct insp_store *store;      /* borrowed */
    void (*on_nospace)(void *arg); /* may be NULL: a record met INSP_E_NOSPACE; loop thread, before its done */
    void *on_nospace_arg;
};

int insp_pipeline_new(const struct insp_pipeline_config *config, struct insp_pipeline **ret,
                      struct insp_error *reterr);
void insp_pipeline_free(struct insp_pipeline *pipeline); /* only when nothing is in flight */

/* Takes the job; a suspect picture (suspect.h) gets the verdict review in place of good. job->done comes exactly
 * once, never from inside submit. A deadline that passes in any stage before the commit ends the job there with
 * INSP_E_DEADLINE, nothing stored. A group that cannot be committed is tried again one by one, so that a record
 * fails for its own fault only. INSP_E_QUEUE_FULL: the job stays the caller's. */
int insp_pipeline_submit(struct insp_pipeline *pipeline, struct insp_inspection *job, struct insp_error *reterr);

/* Nobody waits for the job any more: it ends before its next stage with INSP_E_CANCELLED, nothing stored. False
 * when it is too late, because its record is being stored: then its done comes with the verdict, within the time
 * of a commit. */
bool insp_pipeline_abandon(struct insp_inspection *job);

size_t insp_pipeline_in_flight(const struct insp_pipeline *pipeline);

#endif
