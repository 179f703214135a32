/* core/dataset/dataset_name.h - makes file names for images of a dataset, and tells from a name where the image
 * came from. Pure unless said otherwise; any thread. */
#ifndef INSP_DATASET_DATASET_NAME_H
#define INSP_DATASET_DATASET_NAME_H

#include "core/dataset/dataset.h"
#include "core/dataset/dataset_place.h"

/* Names the source of an image: a labelled inspection, whose file is named by 40 hexadecimal digits
 * (from_labels.h), or a file that somebody brought. */
enum insp_source { INSP_SOURCE_FILE, INSP_SOURCE_INSPECTION };
enum insp_source insp_dataset_source_of(const char *name);
const char *insp_source_name(enum insp_source source); /* "file" | "inspection" */

/* Writes a valid name (insp_name_valid) that is like any text, such as the name of a file on a user's computer,
 * with the ending of its format. */
void insp_dataset_like_name(const char *like, enum insp_media media, char ret_name[INSP_NAME_BYTES]);

/* Writes a name with something before and after its stem: "a.png" becomes "<front>a<back>.png". A long stem is cut
 * between two characters, and bytes that are not UTF-8 become '?'. front, back: at most 24 bytes each. */
void insp_dataset_join_name(const char *front, const char *name, const char *back,
                            char ret_name[INSP_FILE_NAME_BYTES]);

/* Writes the name of a place, numbered ("a-2.png") if a listed image has it already, in any case of its letters.
 *   comes_back  false: also numbered if ground_truth has a mask or boxes for such a name (mask_file.h), which
 *               would mark the defects of another image; true: the image returns to its own place, and its mask
 *               and boxes with it
 * Looks at the disk. */
void insp_dataset_free_name(const struct insp_dataset *dataset, const struct insp_dataset_place *place,
                            bool comes_back, char ret_name[INSP_FILE_NAME_BYTES]);

#endif
