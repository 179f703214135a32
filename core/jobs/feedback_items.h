/* core/jobs/feedback_items.h - the labelled inspections that a new model is held against, from the store. */
#ifndef INSP_JOBS_FEEDBACK_ITEMS_H
#define INSP_JOBS_FEEDBACK_ITEMS_H

#include "core/store/store.h"
#include "core/train/feedback.h"

enum { INSP_FEEDBACK_IMAGES_MAX = 1000 };

/* Collects the product's labelled images whose bytes are still kept: those that were answered wrong first, then
 * the latest words; INSP_FEEDBACK_IMAGES_MAX at most, the rest is counted. *ret is the caller's to clear. Blocks
 * on SQLite: a job, the command line. */
int insp_feedback_collect(struct insp_store *store, const char *product, struct insp_feedback *ret,
                          struct insp_error *reterr);

/* The same for the command line, which has no store open: nothing where the state folder has no database yet. */
int insp_feedback_collect_from(const char *state_dir, const char *product, struct insp_feedback *ret,
                               struct insp_error *reterr);

#endif
