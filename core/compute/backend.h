/* core/compute/backend.h - define the table of operations that a back end of device.h implements. Only
 * core/compute and the fake device of the tests include this header.
 *
 * device.c does the common work: it cuts a batch into pieces of at most `chunk` images, halves pieces while they
 * do not fit the memory, rejects values that are not finite on the way in and out, and notices a device that no
 * longer works. A back end therefore gets 1..chunk images of finite values, except in training (trainer_step gets
 * a whole batch, unchecked). Each operation has the contract of its function in device.h. */
#ifndef INSP_COMPUTE_BACKEND_H
#define INSP_COMPUTE_BACKEND_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct insp_device;
struct insp_device_usage;
struct insp_picture;
struct insp_tail;
struct insp_tail_buffers;
struct insp_tail_weights;
struct insp_trainer;
struct insp_trainer_config;
struct insp_trunk;
struct insp_trunk_weights;

struct insp_device_ops {
    void (*close)(struct insp_device *device);
    int (*memory)(struct insp_device *device, struct insp_device_usage *ret, struct insp_error *reterr);
    /* Runs a small computation. Fails if the device no longer works; NULL for a device that cannot fail. */
    int (*probe)(struct insp_device *device, struct insp_error *reterr);

    int (*trunk_load)(struct insp_device *device, const struct insp_trunk_weights *weights,
                      struct insp_trunk **ret, struct insp_error *reterr);
    void (*trunk_free)(struct insp_trunk *trunk);
    int (*tail_load)(struct insp_device *device, const struct insp_tail_weights *weights, struct insp_tail **ret,
                     struct insp_error *reterr);
    void (*tail_free)(struct insp_tail *tail);

    /* insp_score_taps and insp_trunk_taps; ret_taps NULL: none are asked for; ret_features may be NULL. */
    int (*score)(struct insp_trunk *trunk, struct insp_tail *const *tails, const float *pixels, size_t n,
                 float *ret_prob, float *ret_cam, float *ret_taps, float *ret_features, struct insp_error *reterr);
    /* insp_score_pictures_taps, and insp_picture_taps: then ret_prob and ret_features are NULL and the tails do
     * not count. NULL: device.c transforms the pictures and calls score or features. */
    int (*score_pictures)(struct insp_trunk *trunk, const struct insp_picture *pictures, size_t n, float *ret_prob,
                          float *ret_cam, float *ret_taps, float *ret_features, struct insp_error *reterr);
    int (*features)(struct insp_trunk *trunk, const float *pixels, size_t n, float *ret_features, float *ret_taps,
                    struct insp_error *reterr);
    int (*tail_score)(struct insp_tail *tail, const float *features, size_t n, float *ret_prob, float *ret_cam,
                      struct insp_error *reterr);

    int (*trainer_new)(struct insp_device *device, const struct insp_tail_weights *initial,
                       const struct insp_trainer_config *config, struct insp_trainer **ret,
                       struct insp_error *reterr);
    void (*trainer_free)(struct insp_trainer *trainer);
    int (*trainer_step)(struct insp_trainer *trainer, const float *features, const uint8_t *labels, size_t n,
                        float *ret_loss, size_t *ret_correct, struct insp_error *reterr);
    int (*trainer_export)(struct insp_trainer *trainer, const struct insp_tail_buffers *buffers,
                          struct insp_error *reterr);
};

/* Is the first member of each back end's own struct. */
struct insp_device {
    const struct insp_device_ops *ops;
    size_t chunk; /* images in one pass; more make nothing faster; loading a trunk may lower it (atomic) */
    bool cuda, packed;
    unsigned host_threads; /* that may work on the CPU beside the passes; 0: one */
    bool failed;           /* used by device.c only, atomically: the probe after an error failed too */
    /* Used by device.c only, atomically: images that fit the memory, 0 while a chunk does; full passes of so many
     * since then. */
    size_t fits, passes_that_fit;
    char name[16];
    char description[192], arithmetic[192];
};
struct insp_trunk {
    struct insp_device *device;
    const char *precision;             /* as insp_trunk_precision; static; NULL: float32 */
    const struct insp_device_ops *ops; /* set by device.c, to free the object even after its device */
};
struct insp_tail {
    struct insp_device *device;
    const struct insp_device_ops *ops; /* set by device.c, to free the object even after its device */
};
struct insp_trainer {
    struct insp_device *device;
    const struct insp_device_ops *ops; /* set by device.c, to free the object even after its device */
};

/* Opens the back end of the packed kernels (packed.c). threads: 1 or more. *ret is the caller's
 * (insp_device_free). Fails with INSP_E_DEVICE if the processor lacks the instructions, INSP_E_NOMEM. */
int insp_packed_open(unsigned threads, struct insp_device **ret, struct insp_error *reterr);

#ifdef __cplusplus
}
#endif
#endif
