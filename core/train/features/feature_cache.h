/* core/train/features/feature_cache.h - caches the trunk's output per image, and the statistics of its pools
 * (insp_pooled_of), in memory-mapped files under
 * <state>/cache/features/, so that training, all folds and later jobs run the trunk once per distinct image. Each
 * combination of trunk hash, arithmetic of the device, input transform, tiles, element type and decoding of 16-bit
 * PNG files has its own file, so a training never mixes features of two engines, compute types or instruction
 * sets, which differ in the last bits or more. A file has one entry per hash of an image's bytes and field
 * (insp_slot_key): moved and renamed images are found, and copies are computed once. feature_store.h describes
 * limits, crashes and full disks. One thread per cache object, one process per file. */
#ifndef INSP_TRAIN_FEATURES_FEATURE_CACHE_H
#define INSP_TRAIN_FEATURES_FEATURE_CACHE_H

#include "core/base/cleanup.h"
#include "core/base/progress.h"
#include "core/compute/device.h"
#include "core/dataset/dataset.h"
#include "core/image/image.h"

struct insp_feature_cache;

struct insp_feature_cache_config {
    const char *folder; /* created if missing; NULL: a temporary file, nothing is kept */
    bool beside;        /* another file than the usual one, which a cache of this process has open */
    uint64_t bytes_max; /* as for insp_feature_store_open */
    bool half;          /* store float16, else float32 */
    const char *trunk_sha256;
    const char *arithmetic; /* insp_device_arithmetic of the trunk's device */
    struct insp_transform input;
    struct insp_tiles tiles; /* an entry has the features of all tiles of an image; {0, 0}: of the image */
    const struct insp_field_set *fields; /* borrowed; must outlive the cache; NULL: the whole pictures */
    struct insp_image_limits limits;
};

/* Opens the cache; the config is copied. Errors: INSP_E_PARAMETER (the input is not 224x224) and those of
 * insp_feature_store_open. */
int insp_feature_cache_open(const struct insp_feature_cache_config *config, struct insp_feature_cache **ret,
                            struct insp_error *reterr);
void insp_feature_cache_close(struct insp_feature_cache *cache); /* accepts NULL */

/* Computes the features that the cache lacks. Helper threads decode while the trunk computes. Reserves space for
 * all missing images before it computes the first, and replaces the item numbers of the previous fill.
 *   dataset         items without sha256 count as unreadable
 *   progress        may be NULL; receives steps and is asked for cancellation before each image
 *   ret_skipped     [dataset->count], true for unreadable images; NULL: the first image that fails to load fails
 *                   the call
 *   skip_small      an image with fewer pixels than its tiles need counts as unreadable
 *   ret_trunk_runs  number of images that this call ran through the trunk, however many tiles they have
 * Errors:
 *   INSP_E_IMAGE, INSP_E_IMAGE_LIMIT, errno codes  the image cannot be loaded; the detail names the file
 *   INSP_E_DATASET    an image has fewer pixels than its tiles need
 *   INSP_E_NOSPACE    the detail gives the size that is needed
 *   INSP_E_MODEL      a feature is not finite
 *   INSP_E_CANCELLED  features computed so far are kept
 *   INSP_E_NOMEM, INSP_E_DEVICE */
int insp_feature_cache_fill(struct insp_feature_cache *cache, struct insp_trunk *trunk,
                            const struct insp_dataset *dataset, const struct insp_progress *progress,
                            bool *ret_skipped, bool skip_small, size_t *ret_trunk_runs, struct insp_error *reterr);

/* Copies the features of an item of the last fill, which must not have been skipped.
 *   tile          0 without tiles; those of a tile that the image's field ignores mean nothing
 *   ret_features  float32 [512,14,14], converted if they are stored as float16 */
void insp_feature_cache_get(struct insp_feature_cache *cache, size_t item, size_t tile, float *ret_features);
/* Copies the statistics of the same pools, float32 [INSP_POOLED_FLOATS], always as they were computed. */
void insp_feature_cache_pooled(struct insp_feature_cache *cache, size_t item, size_t tile, float *ret);

DEFINE_CLEANUP(struct insp_feature_cache, insp_feature_cache_close);
#endif
