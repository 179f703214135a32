/* core/store/lists/labelled.h - list the labelled images of a product, each image once. Identical bytes that were
 * posted more than once are one image; its latest label counts. */
#ifndef INSP_STORE_LISTS_LABELLED_H
#define INSP_STORE_LISTS_LABELLED_H

#include "core/store/store.h"

enum {
    INSP_LABELLED_TEXT_BYTES = 65,    /* a name (insp_name_valid), or a hash in hexadecimal */
    INSP_LABELLED_CAMERA_BYTES = 129, /* up to 128 bytes of UTF-8 */
};

struct insp_labelled {
    char id[INSP_UUID_BYTES]; /* inspection with the latest label */
    char sha256[INSP_LABELLED_TEXT_BYTES];
    char camera[INSP_LABELLED_CAMERA_BYTES]; /* of that inspection; "" if it was not given */
    enum insp_label label;
    char defect[INSP_LABELLED_TEXT_BYTES]; /* "" if none was given */
    int64_t labelled_us, received_us;      /* wall */
    /* the answer of the daemon, and the model that gave it */
    char model[INSP_LABELLED_TEXT_BYTES];
    enum insp_verdict verdict;
    float probability;
    /* the bytes: kept_id is an inspection whose image file still exists, "" if retention removed all */
    char kept_id[INSP_UUID_BYTES];
    uint64_t image_bytes;
    char media_type[128], extension[8];
};

/* Receives one labelled image, valid during the call; returns non-zero to stop. */
typedef int insp_labelled_callback(void *arg, const struct insp_labelled *labelled);

/* Lists by rising hash, after after_sha256 (NULL: all), so that a page can end anywhere. Holds one of the
 * read-only connections until the last callback returns: collect first, work afterwards. Blocks on SQLite; any
 * thread but the loop. Fails with the codes of insp_sql_fail. */
int insp_store_labelled(struct insp_store *store, const char *product, const char *after_sha256,
                        insp_labelled_callback *callback, void *arg, struct insp_error *reterr);

/* Formats the path of the posted bytes of an inspection; the file may be gone. ret_path has INSP_PATH_BYTES
 * bytes. Fails with INSP_E_NOT_FOUND for a text that is not an id, INSP_E_IO. */
int insp_store_image_path(const struct insp_store *store, const char *id, const char *extension, char *ret_path,
                          struct insp_error *reterr);

#endif
