/* core/dataset/image_loader.h - files to network inputs, in order, on helper threads a few images ahead of the
 * reader, so that decoding is hidden behind the trunk. */
#ifndef INSP_DATASET_IMAGE_LOADER_H
#define INSP_DATASET_IMAGE_LOADER_H

#include "core/base/cleanup.h"
#include "core/image/image.h"
#include "core/image/transform.h"

#include <stddef.h>

/* Reads, decodes, resizes and transforms one file exactly as the daemon does with a posted image.
 *   sha256         of the bytes as hashed before, or NULL: a file that changed since is INSP_E_IMAGE
 *   type           what the bytes are, needed for raw frames; NULL: by their first bytes
 *   ret_pixels     float32 [3, height, width] of the transform
 * INSP_E_IMAGE, INSP_E_IMAGE_LIMIT, INSP_E_IO..., each naming the file. Any thread; blocks on the disk. */
int insp_load_image(const char *path, const char *sha256, const struct insp_media_type *type,
                    const struct insp_transform *transform, const struct insp_image_limits *limits,
                    float *ret_pixels, struct insp_error *reterr);

struct insp_image_loader;

struct insp_image_loader_config {
    size_t count;
    const char *const *path;                   /* [count], borrowed */
    const char *const *sha256;                 /* [count], borrowed */
    const struct insp_media_type *const *type; /* [count], borrowed; NULL: all by their first bytes */
    struct insp_transform transform;
    struct insp_image_limits limits;
    unsigned threads; /* >= 1 */
    size_t ahead;     /* images in memory at once, >= threads; 600 KB each */
};

/* Starts the helper threads. The config's arrays must live until the loader is freed. INSP_E_NOMEM. */
int insp_image_loader_new(const struct insp_image_loader_config *config, struct insp_image_loader **ret,
                          struct insp_error *reterr);
/* Stops the threads after the image that each has in hand, and joins them. */
void insp_image_loader_free(struct insp_image_loader *loader);

/* The next image in the order of `path`, at most `count` times; waits for it. The error is that image's alone: the
 * next call goes on behind it. One reading thread. */
int insp_image_loader_next(struct insp_image_loader *loader, float *ret_pixels, struct insp_error *reterr);

DEFINE_CLEANUP(struct insp_image_loader, insp_image_loader_free);
#endif
