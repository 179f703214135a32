/* core/dataset/scan.h - records how a folder was read as a dataset: the class folders that were read, the entries
 * that were passed over with the reason, and doubts about the result. Reports show the record, so that a user sees
 * every decision of the reader. Only the JSON functions are used outside core/dataset. One thread per object. */
#ifndef INSP_DATASET_SCAN_H
#define INSP_DATASET_SCAN_H

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/model/manifest.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Why an entry was passed over: X(symbol, wire name, text for people). */
#define INSP_PASSED_TABLE(X)                                                                                      \
    X(INSP_PASSED_HIDDEN, "hidden", "hidden files and folders")                                                   \
    X(INSP_PASSED_SYSTEM, "system", "files and folders of an operating system or a NAS")                          \
    X(INSP_PASSED_LINK, "broken_link", "broken links")                                                            \
    X(INSP_PASSED_FORMAT, "other_format", "images that are neither PNG nor JPEG")                                 \
    X(INSP_PASSED_FILE, "other_file", "files that are not images")                                                \
    X(INSP_PASSED_NESTED, "nested_folder", "folders inside a class")                                              \
    X(INSP_PASSED_LOOSE, "no_class", "images beside the class folders")                                           \
    X(INSP_PASSED_EMPTY, "empty_folder", "class folders without images")                                          \
    X(INSP_PASSED_FOLDER, "other_folder", "folders that are not part of the layout")

enum insp_passed {
#define X(symbol, wire, text) symbol,
    INSP_PASSED_TABLE(X)
#undef X
        INSP_PASSED_REASONS
};

enum { INSP_SCAN_EXAMPLES = 3, INSP_SCAN_FOLDERS_MAX = 200, INSP_SCAN_DOUBTS_MAX = 50 };

/* A class folder that was read. */
struct insp_scan_folder {
    char *path; /* owned; relative to the dataset, UTF-8 */
    char class[INSP_NAME_BYTES];
    size_t images;
};

struct insp_scan {
    struct insp_passed_over {
        size_t count;                      /* entries */
        size_t images;                     /* images inside folders that were passed over */
        char *example[INSP_SCAN_EXAMPLES]; /* owned, may be NULL; paths relative to the dataset, UTF-8 */
    } passed[INSP_PASSED_REASONS];
    struct insp_scan_folder *folder; /* [folder_count], owned */
    size_t folder_count;
    size_t png, jpeg; /* images read, by extension */
    /* Filled by insp_dataset_hash. */
    bool hashed;
    size_t duplicates;                           /* images with the content of an earlier image */
    size_t across_splits;                        /* contents below both train and test */
    size_t across_classes;                       /* contents in more than one class */
    char *duplicate_example[INSP_SCAN_EXAMPLES]; /* owned, may be NULL; "a = b", pairs across classes first */
    /* Filled by insp_mask_count. */
    size_t defective;      /* anomalous images */
    size_t masked;         /* anomalous images with a mask */
    size_t masked_by_name; /* of these, masks named like the image, without "_mask" */
    size_t boxed;          /* anomalous images without a mask, but with boxes */
    size_t unused_marks;   /* PNG and .txt files below ground_truth that belong to no image */
};
void insp_scan_clear(struct insp_scan *scan); /* accepts a zeroed struct */

/* Counts an entry that is passed over and keeps the first INSP_SCAN_EXAMPLES as examples.
 *   relative  path relative to the dataset; copied. Without memory the example is left out.
 *   images    images inside a folder that is passed over; 0 for files */
void insp_scan_pass(struct insp_scan *scan, enum insp_passed reason, const char *relative, size_t images);
/* Adds a class folder. *ret is valid until the next call. Fails with INSP_E_NOMEM. */
int insp_scan_folder(struct insp_scan *scan, const char *relative, const char *class,
                     struct insp_scan_folder **ret, struct insp_error *reterr);
/* Keeps "a = b" as an example of a duplicate. across: the two are in different classes, so the pair goes first. */
void insp_scan_duplicate(struct insp_scan *scan, const char *a, const char *b, bool across);

/* Returns true if the extension is an image format that datasets do not accept: bmp, tif, webp... Pure. */
bool insp_scan_other_format(const char *name);

/* Returns a new reference, or NULL without memory:
 *   {"folders": [{"folder", "class", "images"}], the first INSP_SCAN_FOLDERS_MAX
 *    "formats": {"png", "jpeg"},
 *    "passed_over": [{"reason", "text", "count", "images", "examples"}],
 *    "duplicates": {"images", "across_splits", "across_classes", "examples"}, null before insp_dataset_hash
 *    "masks": {"defective", "with_mask", "by_same_name", "with_boxes", "unused"},
 *    "doubts": [sentence]} */
json_t *insp_scan_json(const struct insp_scan *scan);
/* Returns the doubts alone, as a new reference, or NULL without memory: at most INSP_SCAN_DOUBTS_MAX sentences
 * about points that a person should check, with the remedy. */
json_t *insp_scan_doubts(const struct insp_scan *scan);
/* Returns the text of INSP_PASSED_TABLE for a reason. */
const char *insp_passed_text(enum insp_passed reason);

#endif
