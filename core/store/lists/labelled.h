/* core/store/labelled.h - what people have said about a product's images, each image once. Identical bytes that
 * were posted more than once are one image: the word given last counts. */
#ifndef INSP_STORE_LABELLED_H
#define INSP_STORE_LABELLED_H

#include "core/store/store.h"

enum { INSP_LABELLED_TEXT_BYTES = 65 }; /* a name (insp_name_valid), or a hash in hexadecimal */

struct insp_labelled {
    char id[INSP_UUID_BYTES]; /* the inspection that was labelled last */
    char sha256[INSP_LABELLED_TEXT_BYTES];
    enum insp_label label;
    char defect[INSP_LABELLED_TEXT_BYTES]; /* "" where none was named */
    int64_t labelled_us, received_us;      /* wall */
    /* what the daemon had answered, and which model */
    char model[INSP_LABELLED_TEXT_BYTES];
    enum insp_verdict verdict;
    float probability;
    /* the bytes: kept_id is an inspection whose image file is still there, "" where retention took all of them */
    char kept_id[INSP_UUID_BYTES];
    uint64_t image_bytes;
    char media_type[128], extension[8];
};

/* Return non-zero to stop. */
typedef int insp_labelled_callback(void *arg, const struct insp_labelled *labelled);

/* By rising hash, from behind after_sha256 on (NULL: all), so that a page can end anywhere. One of the read-only
 * connections is taken until the last callback returns: collect first, work then. The pool and jobs. */
int insp_store_labelled(struct insp_store *store, const char *product, const char *after_sha256,
                        insp_labelled_callback *callback, void *arg, struct insp_error *reterr);

/* Where the posted bytes of an inspection lie; the file may be gone. ret_path has INSP_PATH_BYTES bytes.
 * INSP_E_NOT_FOUND for what is no id. */
int insp_store_image_path(const struct insp_store *store, const char *id, const char *extension, char *ret_path,
                          struct insp_error *reterr);

#endif
