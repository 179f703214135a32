/* core/dataset/image_loader.h - loads image files as network inputs, in order. Helper threads stay a few images
 * ahead of the reader, so that images decode while the trunk computes. */
#ifndef INSP_DATASET_IMAGE_LOADER_H
#define INSP_DATASET_IMAGE_LOADER_H

#include "core/base/cleanup.h"
#include "core/image/image.h"
#include "core/image/transform.h"
#include "core/region/field.h"

#include <stddef.h>

/* Reads, decodes, masks, resizes and transforms one file exactly as the daemon does with a posted image.
 *   sha256      expected hash of the file's bytes, or NULL for no check
 *   type        format of the bytes, needed for raw frames; NULL: detected from the first bytes
 *   field       the part of the picture that counts; NULL: all
 *   ret_pixels  float32 [3, height, width] of the transform; the caller's memory
 * Errors, with the file's name in the detail:
 *   INSP_E_IMAGE        the bytes do not decode, or their hash is not `sha256`
 *   INSP_E_IMAGE_LIMIT  the file or the image exceeds `limits`
 *   INSP_E_NOMEM, errno codes
 * Any thread; blocks on the disk. */
int insp_load_image(const char *path, const char *sha256, const struct insp_media_type *type,
                    const struct insp_field *field, const struct insp_transform *transform,
                    const struct insp_image_limits *limits, float *ret_pixels, struct insp_error *reterr);

struct insp_image_loader;

struct insp_image_loader_config {
    size_t count;
    const char *const *path;                   /* [count], borrowed */
    const char *const *sha256;                 /* [count], borrowed; NULL entries: not checked */
    const struct insp_media_type *const *type; /* [count], borrowed; NULL: detected from the first bytes */
    const struct insp_field *const
        *field;              /* [count], borrowed; NULL: the whole pictures; NULL entries: the same */
    struct insp_tiles tiles; /* each image gives so many inputs; with a grid the transform is 224x224 */
    struct insp_transform transform;
    struct insp_image_limits limits;
    unsigned threads; /* >= 1; at most 16 are started */
    size_t ahead;     /* images in memory at once, >= threads; 600 KB for each input */
};

/* Starts the helper threads. The config's arrays must outlive the loader. Errors: INSP_E_NOMEM, an errno code if a
 * thread cannot be started. */
int insp_image_loader_new(const struct insp_image_loader_config *config, struct insp_image_loader **ret,
                          struct insp_error *reterr);
/* Stops and joins the threads; each finishes its current image first. Accepts NULL. */
void insp_image_loader_free(struct insp_image_loader *loader);

/* Waits for the next image in the order of `path` and copies it to ret_pixels (float32 [tiles, 3, height, width];
 * tiles that the field ignores are black). Call it at most `count` times, always from the same thread. Fails with
 * the errors of insp_load_image, and with INSP_E_DATASET for an image whose tiles have fewer pixels than the
 * network sees; a failure concerns one image only, and the next call returns the image after it. */
int insp_image_loader_next(struct insp_image_loader *loader, float *ret_pixels, struct insp_error *reterr);

DEFINE_CLEANUP(struct insp_image_loader, insp_image_loader_free);
#endif
