/* core/dataset/scan.h - the record of how a folder was read as a dataset: what was read as what, what was passed
 * over and why, and what is doubtful. Everything that the reading decides stands here, so that a report can tell
 * it. Internal to core/dataset but for the JSON. One thread per object. */
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
    X(INSP_PASSED_LINK, "broken_link", "links that lead nowhere")                                                 \
    X(INSP_PASSED_FORMAT, "other_format", "images that are neither PNG nor JPEG")                                 \
    X(INSP_PASSED_FILE, "other_file", "files that are no images")                                                 \
    X(INSP_PASSED_NESTED, "nested_folder", "folders inside a class")                                              \
    X(INSP_PASSED_LOOSE, "no_class", "images beside the class folders")                                           \
    X(INSP_PASSED_EMPTY, "empty_folder", "class folders without images")                                          \
    X(INSP_PASSED_FOLDER, "other_folder", "folders that are no part of the layout")

enum insp_passed {
#define X(symbol, wire, text) symbol,
    INSP_PASSED_TABLE(X)
#undef X
        INSP_PASSED_REASONS
};

enum { INSP_SCAN_EXAMPLES = 3, INSP_SCAN_FOLDERS_MAX = 200, INSP_SCAN_DOUBTS_MAX = 50 };

/* One class folder that was read. */
struct insp_scan_folder {
    char *path; /* owned; relative to the set, UTF-8 */
    char class[INSP_NAME_BYTES];
    size_t images;
};

struct insp_scan {
    struct insp_passed_over {
        size_t count, images;              /* images: that lie in the folders which were passed over */
        char *example[INSP_SCAN_EXAMPLES]; /* owned; relative to the set, UTF-8 */
    } passed[INSP_PASSED_REASONS];
    struct insp_scan_folder *folder; /* owned */
    size_t folder_count;
    size_t png, jpeg; /* images read, by extension */
    /* By content, once the set is hashed (insp_dataset_hash). */
    bool hashed;
    size_t duplicates;                           /* images whose content an image before them has */
    size_t across_splits;                        /* contents that lie below train and below test */
    size_t across_classes;                       /* contents that lie in more than one class */
    char *duplicate_example[INSP_SCAN_EXAMPLES]; /* owned; "a = b"; those across classes first */
    /* Masks below ground_truth. */
    size_t defective, masked, masked_by_name, unused_masks;
};
void insp_scan_clear(struct insp_scan *scan); /* zeroed is fine */

/* Counts an entry, with its path relative to the set as an example. images: 0 but for a folder. Without memory the
 * example is left out. */
void insp_scan_pass(struct insp_scan *scan, enum insp_passed reason, const char *relative, size_t images);
/* Notes a class folder; *ret stays valid until the next one is noted. INSP_E_NOMEM. */
int insp_scan_folder(struct insp_scan *scan, const char *relative, const char *class,
                     struct insp_scan_folder **ret, struct insp_error *reterr);
/* Keeps "a = b" as an example of a duplicate; across: in another class. */
void insp_scan_duplicate(struct insp_scan *scan, const char *a, const char *b, bool across);

/* An image by its extension, of a format that is not read: bmp, tif, webp... Pure. */
bool insp_scan_other_format(const char *name);

/* {"folders": [{"folder", "class", "images"}], "formats": {"png", "jpeg"}, "passed_over": [{"reason", "text",
 *  "count", "images", "examples"}], "duplicates": {"images", "across_splits", "across_classes", "examples"} or
 * null, "masks": {"defective", "with_mask", "by_same_name", "unused"}, "doubts": [text]} as a new reference; NULL
 * without memory. doubts: what somebody should look at, as sentences with the way out. */
json_t *insp_scan_json(const struct insp_scan *scan);
/* The doubts alone. */
json_t *insp_scan_doubts(const struct insp_scan *scan);
const char *insp_passed_text(enum insp_passed reason);

#endif
