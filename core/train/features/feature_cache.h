/* core/train/features/feature_cache.h - the trunk's output per image, kept in memory-mapped files under
 * <state>/cache/features/, so that training, all folds and later jobs run the trunk once per distinct image. One
 * file per (trunk hash, arithmetic of the device, input transform, element type), in it one entry per hash of an
 * image's bytes: moved and renamed images hit, and images that are there twice are computed once. So no training
 * sees features that another engine, compute type or instruction set made: they differ in the last bits, or more.
 * Limits, crashes and full disks: feature_store.h. One thread per cache object, one process per file. */
#ifndef INSP_TRAIN_FEATURES_FEATURE_CACHE_H
#define INSP_TRAIN_FEATURES_FEATURE_CACHE_H

#include "core/base/cleanup.h"
#include "core/base/progress.h"
#include "core/compute/device.h"
#include "core/dataset/dataset.h"
#include "core/image/image.h"

struct insp_feature_cache;

struct insp_feature_cache_config {
    const char *folder; /* made where missing; NULL: an unlinked temporary file (nothing is kept) */
    uint64_t bytes_max; /* older entries of other sets go first; 0: no limit */
    bool half;          /* store float16 */
    const char *trunk_sha256;
    const char *arithmetic; /* insp_device_arithmetic of the trunk's device */
    struct insp_transform input;
    struct insp_image_limits limits;
};

int insp_feature_cache_open(const struct insp_feature_cache_config *config, struct insp_feature_cache **ret,
                            struct insp_error *reterr);
void insp_feature_cache_close(struct insp_feature_cache *cache);

/* Makes sure that every item's features are there (decode on helper threads overlapped with the trunk); items need
 * their sha256. Space for all of them is taken before the first is computed. Items of the fill before are
 * forgotten. ret_skipped     [count], set where the image was unreadable; NULL: the first unreadable one fails the
 * call ret_trunk_runs  images that went through the trunk now INSP_E_IMAGE and the like name the file;
 * INSP_E_NOSPACE gives the estimate; INSP_E_CANCELLED: what is computed by then stays. INSP_E_MODEL where a
 * feature is not finite. */
int insp_feature_cache_fill(struct insp_feature_cache *cache, struct insp_trunk *trunk,
                            const struct insp_dataset *dataset, const struct insp_progress *progress,
                            bool *ret_skipped, size_t *ret_trunk_runs, struct insp_error *reterr);

/* float32 [512,14,14] of one item of the last fill (not one that was skipped), converted where stored as float16.
 */
void insp_feature_cache_get(struct insp_feature_cache *cache, size_t item, float *ret_features);

DEFINE_CLEANUP(struct insp_feature_cache, insp_feature_cache_close);
#endif
