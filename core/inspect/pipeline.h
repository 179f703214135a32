/* core/inspect/pipeline.h - the way of an image: decode (pool) -> engine (inference thread) -> verdict, store
 * (pool, group commit: all jobs that wait for the store go into one transaction) -> done (loop).
 *
 * Store, then answer: done with code 0 means that the record and the posted bytes survive kill -9.
 * Threads: all functions on the loop thread. */
#ifndef INSP_INSPECT_PIPELINE_H
#define INSP_INSPECT_PIPELINE_H

#include "core/inspect/inspection.h"

struct insp_pipeline;

struct insp_pipeline_config {
    struct insp_image_limits image_limits;
    struct insp_engine *engine;    /* borrowed */
    struct insp_store *store;      /* borrowed */
    void (*on_nospace)(void *arg); /* may be NULL: a record met INSP_E_NOSPACE; loop thread, before its done */
    void *on_nospace_arg;
};

int insp_pipeline_new(uv_loop_t *loop, const struct insp_pipeline_config *config, struct insp_pipeline **ret,
                      struct insp_error *reterr);
void insp_pipeline_free(struct insp_pipeline *pipeline); /* only when nothing is in flight */

/* Times: job->store_us and total_us are true when done runs (from the end of the pass, from started_us, to the
 * commit); the row, written before its own commit ends, holds them up to the moment the commit began. A group that
 * cannot be committed is tried again one by one, so that a record fails for its own fault only. */

/* Takes the job; job->done comes exactly once, never from inside submit. A deadline that passes in any stage ends
 * the job there with INSP_E_DEADLINE, nothing stored. */
void insp_pipeline_submit(struct insp_pipeline *pipeline, struct insp_inspection *job);
size_t insp_pipeline_in_flight(const struct insp_pipeline *pipeline);

#endif
