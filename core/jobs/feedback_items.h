/* core/jobs/feedback_items.h - collects labelled inspections from the store for a job (core/train/feedback.h). */
#ifndef INSP_JOBS_FEEDBACK_ITEMS_H
#define INSP_JOBS_FEEDBACK_ITEMS_H

#include "core/store/store.h"
#include "core/train/feedback.h"

enum { INSP_FEEDBACK_IMAGES_MAX = 1000 };

/* Collects the product's labelled images whose bytes are still stored: images with a wrong verdict first, then the
 * most recently labelled. At most INSP_FEEDBACK_IMAGES_MAX are returned; left_out counts the rest.
 * insp_feedback_clear releases *ret. Blocks on SQLite; any thread but the loop. Errors: INSP_E_NOMEM and those of
 * the store. */
int insp_feedback_collect(struct insp_store *store, const char *product, struct insp_feedback *ret,
                          struct insp_error *reterr);

/* Opens the store of a state folder and collects from it, for the command line. *ret is empty if the folder has no
 * database yet. */
int insp_feedback_collect_from(const char *state_dir, const char *product, struct insp_feedback *ret,
                               struct insp_error *reterr);

#endif
