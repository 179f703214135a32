/* core/jobs/from_labels.h - imports labelled inspections into a product's dataset: good parts into train/good,
 * anomalies into test/<defect>, or test/anomaly if the label names no defect. Each distinct image appears once, in
 * the class of its latest label; if that has changed, the image moves. */
#ifndef INSP_JOBS_FROM_LABELS_H
#define INSP_JOBS_FROM_LABELS_H

#include "core/dataset/dataset_edit.h"
#include "core/store/lists/labelled.h"

enum insp_import {
    INSP_IMPORT_ADDED,
    INSP_IMPORT_MOVED,      /* moved from another class */
    INSP_IMPORT_DUPLICATE,  /* already in its class */
    INSP_IMPORT_GONE,       /* retention has removed the bytes */
    INSP_IMPORT_UNSUPPORTED /* cannot be decoded or placed; ret_why has the reason */
};
const char *insp_import_name(enum insp_import import); /* "added", "moved", "duplicate"... */

/* Sets ret->split and ret->class to those of a label; the strings are static or borrowed from `labelled`. */
void insp_label_place(const struct insp_labelled *labelled, struct insp_dataset_place *ret);

/* Imports one image. New files are named by the first 40 digits of the posted bytes' SHA-256, so that a raw frame,
 * which is stored as PNG, is recognised when it is imported again.
 *   view       of the product's dataset; updated
 *   ret_place  the image's place, "" if it is not in the dataset
 *   ret_why    the reason for GONE and UNSUPPORTED
 * Problems of this image only are outcomes. Errors concern every image: INSP_E_NOSPACE, INSP_E_PERMISSION,
 * INSP_E_IO, INSP_E_FORBIDDEN, INSP_E_NOMEM. Blocks on the disk; any thread but the loop. */
int insp_import_labelled(struct insp_store *store, struct insp_dataset_view *view,
                         const struct insp_labelled *labelled, const struct insp_dataset_limits *limits,
                         enum insp_import *ret, char ret_place[INSP_PLACE_BYTES], struct insp_error *ret_why,
                         struct insp_error *reterr);

#endif
