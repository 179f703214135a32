/* core/inspect/pipeline.h - run an inspection through its stages: decode (lane LINE) -> score (inference
 * thread) -> judge, store (lane LINE, group commit: all jobs that wait for the store share one transaction) ->
 * done (loop).
 *
 * Store, then answer: done with code 0 means that the record and the posted bytes survive kill -9. A record is
 * stored if and only if its done has code 0: a deadline or a departed client no longer ends a job in a group
 * that is being committed, and a job that ended before is in no group.
 *
 * Stages and times of a job, in microseconds:
 *   receive    from the headers to the whole body (started_us to insp_pipeline_submit)
 *   wait       the rest: for a thread of the lane, for the loop and for the commit of the group before
 *   decode     hash, decode and resize the image
 *   queue      for the device
 *   inference  the pass that contained the image
 *   store      verdict, boxes, PNG of the answer if wanted, image file
 *   commit     rows and their commit, of the whole group
 * total is the sum of all but commit: the record holds the same figures as the answer, and is written before
 * its own commit has ended.
 *
 * Threads: all functions on the loop thread. */
#ifndef INSP_INSPECT_PIPELINE_H
#define INSP_INSPECT_PIPELINE_H

#include "core/inspect/inspection.h"

struct insp_pipeline;

struct insp_pipeline_config {
    struct insp_image_limits image_limits;
    struct insp_lanes *lanes;   /* borrowed */
    struct insp_engine *engine; /* borrowed */
    struct insp_store *store;   /* borrowed */
    unsigned frozen_repeats;    /* as insp_frozen_new; 0: frozen cameras are not noticed */
    void (*on_nospace)(
        void *arg); /* may be NULL; called on the loop if a record fails with INSP_E_NOSPACE, before its done */
    void *on_nospace_arg;
    /* Returns an opinion to ask for about a decoded picture, or NULL; loop thread. NULL: never. The pipeline ends
     * its half when the job ends. */
    struct insp_opinion *(*opinion)(void *arg, const struct insp_inspection *job);
    void *opinion_arg;
};

/* Makes a pipeline. *ret is the caller's. Fails with INSP_E_NOMEM. */
int insp_pipeline_new(const struct insp_pipeline_config *config, struct insp_pipeline **ret,
                      struct insp_error *reterr);
void insp_pipeline_free(struct insp_pipeline *pipeline); /* accepts NULL; only with nothing in flight */

/* Takes the job over and runs it through the stages. job->done is called exactly once, never from inside this
 * function. A suspect picture (suspect.h) gets the verdict review in place of good. A deadline that passes in
 * any stage before the commit ends the job there with INSP_E_DEADLINE, nothing stored. If a group cannot be
 * committed its jobs are stored one by one, so that a record fails only by its own fault. Fails with
 * INSP_E_QUEUE_FULL; then the job stays the caller's. */
int insp_pipeline_submit(struct insp_pipeline *pipeline, struct insp_inspection *job, struct insp_error *reterr);

/* Abandons a job whose client has left: it ends before its next stage with INSP_E_CANCELLED, nothing stored.
 * Returns false if its record is already being stored: then done is called with the verdict, within the time
 * of a commit. */
bool insp_pipeline_abandon(struct insp_inspection *job);

/* Returns the number of jobs between submit and done. */
size_t insp_pipeline_in_flight(const struct insp_pipeline *pipeline);

#endif
