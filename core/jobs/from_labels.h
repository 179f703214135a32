/* core/jobs/from_labels.h - labelled inspections taken into a product's dataset: good parts into train/good,
 * anomalies into test/<defect> (test/anomaly where no defect was named). A content is in the set once, in the
 * class of the last word about it: one that lies in another class is moved. */
#ifndef INSP_JOBS_FROM_LABELS_H
#define INSP_JOBS_FROM_LABELS_H

#include "core/dataset/dataset_edit.h"
#include "core/store/lists/labelled.h"

enum insp_taking {
    INSP_TAKING_ADDED,
    INSP_TAKING_MOVED,      /* was in another class */
    INSP_TAKING_DUPLICATE,  /* is there already, in its class */
    INSP_TAKING_GONE,       /* retention has removed the bytes */
    INSP_TAKING_UNSUPPORTED /* cannot be decoded or placed; detail says why */
};
const char *insp_taking_name(enum insp_taking taking); /* "added", "moved", "duplicate"... */

/* The class that a label puts an image into; *ret borrows from labelled or is static. */
void insp_label_place(const struct insp_labelled *labelled, struct insp_dataset_place *ret);

/* Takes one image. New files are named by the first 40 digits of the posted bytes' SHA-256, so that a raw frame,
 * which goes in as PNG, is known again too.
 *   view       of the product's set; kept in step
 *   ret_place  where it is now, "" where it is not there
 *   ret_why    the detail of GONE and UNSUPPORTED
 * Errors are those that would befall every image: INSP_E_NOSPACE, INSP_E_PERMISSION, INSP_E_IO, INSP_E_FORBIDDEN,
 * INSP_E_NOMEM. Blocks on the disk; any thread. */
int insp_take_labelled(struct insp_store *store, struct insp_dataset_view *view,
                       const struct insp_labelled *labelled, const struct insp_dataset_limits *limits,
                       enum insp_taking *ret, char ret_place[INSP_PLACE_BYTES], struct insp_error *ret_why,
                       struct insp_error *reterr);

#endif
