/* core/compute/device.h - the compute device: loads trunks and tails, scores images, trains tails. Plain float
 * buffers, opaque handles and one insp_error; no tensor type and no exception crosses this border.
 *
 * A back end does the work behind one table of operations (backend.h): the packed kernels (packed.c), libtorch on
 * the CPU or libtorch on CUDA (torch/). To add one, fill in such a table.
 *
 * Threads: every function that takes a device, trunk, tail or trainer is called from one thread at a time per
 * object; in the daemon the inference thread scores and a training has a device of its own. Trunks and tails are
 * immutable once loaded, so two threads may score with the same ones at once. All functions block. */
#ifndef INSP_COMPUTE_DEVICE_H
#define INSP_COMPUTE_DEVICE_H

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/compute/vgg16.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct insp_device;  /* a resolved device and its threads */
struct insp_trunk;   /* frozen blocks 1 to 4 on a device */
struct insp_tail;    /* conv5_1..3 and the head of one product on a device */
struct insp_trainer; /* a tail being trained: parameters, gradients, Adam's moments */

enum insp_cpu_engine {
    INSP_CPU_AUTO,   /* packed kernels where the processor has AVX2 (or better), else libtorch */
    INSP_CPU_PACKED, /* own kernels: weights packed once, Winograd, ReLU and pool fused */
    INSP_CPU_TORCH,  /* libtorch's operators: the reference in benches and parity tests */
};

struct insp_device_config {
    const char *name; /* "auto" | "cpu" | "cuda" | "cuda:N" */
    unsigned threads; /* CPU threads of one forward or training step; 0: all that the process may use */
    enum insp_cpu_engine engine;
    /* CUDA: passes on this device use cuDNN's deterministic algorithms. They are slower; scoring passes on another
     * device of the process do not change. The CPU repeats itself bit for bit with the same threads in any case.
     */
    bool deterministic;
};

/* Opens a device. "cuda" that is absent fails with INSP_E_DEVICE and says why (no driver, CPU-only libtorch,
 * no such number); "auto" takes cuda:0 where it works, else the CPU (insp_device_describe says which and why). */
int insp_device_open(const struct insp_device_config *config, struct insp_device **ret_device,
                     struct insp_error *reterr);
void insp_device_free(struct insp_device *device); /* NULL is fine; after its trunks, tails and trainers */

const char *insp_device_name(const struct insp_device *device); /* "cpu" or "cuda:0"; lives as long as device */
const char *insp_device_describe(
    const struct insp_device *device); /* one line for people: name, threads, engine, libtorch version */
/* Names everything that decides about the bits of a result besides weights and input: kernels and instruction set, the
 * type that is computed in, the library's version, for libtorch's CPU operators the number of threads too. Results of
 * devices with one name are equal bit for bit (CUDA: where the device was opened deterministic). Lives as long as
 * device. */
const char *insp_device_arithmetic(const struct insp_device *device);
bool insp_device_is_cuda(const struct insp_device *device);
/* Own CPU kernels compute: loading a trunk or a tail onto it calls no libtorch. */
bool insp_device_is_packed(const struct insp_device *device);
/* Says whether the device stopped working: after an error a small computation on it failed as well, as after
 * CUDA's sticky errors. It does not recover within this process. Any thread. */
bool insp_device_failed(const struct insp_device *device);

/* Device memory in bytes: in tensors, held by this process's allocator, and the device's free and total. On CPU
 * all 0. */
struct insp_device_usage {
    uint64_t allocated_bytes, reserved_bytes, free_bytes, total_bytes;
};
int insp_device_memory(struct insp_device *device, struct insp_device_usage *ret_memory,
                       struct insp_error *reterr);

/* Copies (and packs) weights to the device; the views may go afterwards. Fails with INSP_E_NOMEM, INSP_E_DEVICE.
 * Any one thread at a time; does not disturb a score that runs on another. */
int insp_trunk_load(struct insp_device *device, const struct insp_trunk_weights *weights,
                    struct insp_trunk **ret_trunk, struct insp_error *reterr);
void insp_trunk_free(struct insp_trunk *trunk);
int insp_tail_load(struct insp_device *device, const struct insp_tail_weights *weights,
                   struct insp_tail **ret_tail, struct insp_error *reterr);
void insp_tail_free(struct insp_tail *tail);

/* Scores n images in one pass: the trunk once, then each run of equal tails[i] together.
 *   pixels    float32 NCHW [n,3,224,224], transformed as each product's manifest says; borrowed
 *   tails     [n], the tail of image i; equal pointers need not be adjacent; borrowed
 *   ret_prob  float32 [n], 0..1, softmax probability of class anomaly
 *   ret_cam   float32 [n,14,14], unscaled class activation, higher is more anomalous
 * Fails with INSP_E_NOMEM, INSP_E_DEVICE, INSP_E_MODEL (a value that is not finite, naming the image's place);
 * where it fails the arrays may hold results of a part of the images. */
int insp_score(struct insp_trunk *trunk, struct insp_tail *const *tails, const float *pixels, size_t n,
               float *ret_prob, float *ret_cam, struct insp_error *reterr);

/* The trunk alone: pixels as above -> ret_features float32 NCHW [n,512,14,14]. */
int insp_trunk_features(struct insp_trunk *trunk, const float *pixels, size_t n, float *ret_features,
                        struct insp_error *reterr);

/* A tail alone, on features from insp_trunk_features: evaluation on the cache. ret_cam may be NULL. */
int insp_tail_score(struct insp_tail *tail, const float *features, size_t n, float *ret_prob, float *ret_cam,
                    struct insp_error *reterr);

/* Training: cross-entropy with class weights (mean weighted as torch.nn.CrossEntropyLoss: divided by the sum of
 * the weights of the batch's labels) and Adam (Kingma & Ba 2015, bias-corrected, eps 1e-8 outside the root). */
struct insp_trainer_config {
    float class_weights[INSP_CLASSES];
    float learning_rate, beta1, beta2, epsilon;
};

int insp_trainer_new(struct insp_device *device, const struct insp_tail_weights *initial,
                     const struct insp_trainer_config *config, struct insp_trainer **ret_trainer,
                     struct insp_error *reterr);
void insp_trainer_free(struct insp_trainer *trainer);

/* One mini-batch forward, backward and update.
 *   features float32 [n,512,14,14]; labels [n] of 0..1; both borrowed
 *   ret_loss the weighted mean before the update; ret_correct how many of n were classified right by then
 * Fails with INSP_E_MODEL where the loss is not finite (the parameters stay as they were), INSP_E_NOMEM,
 * INSP_E_DEVICE. */
int insp_trainer_step(struct insp_trainer *trainer, const float *features, const uint8_t *labels, size_t n,
                      float *ret_loss, size_t *ret_correct, struct insp_error *reterr);

/* Forward only, with the present parameters: as insp_tail_score. */
int insp_trainer_score(struct insp_trainer *trainer, const float *features, size_t n, float *ret_prob,
                       float *ret_cam, struct insp_error *reterr);

/* Copies the present parameters out. The arrays have the sizes of vgg16.h and are the caller's. */
struct insp_tail_buffers {
    float *conv_weight[INSP_TAIL_CONVS]; /* [512,512,3,3] */
    float *conv_bias[INSP_TAIL_CONVS];   /* [512] */
    float *classifier_weight;            /* [2,512] */
    float *classifier_bias;              /* [2] */
};
int insp_trainer_export(struct insp_trainer *trainer, const struct insp_tail_buffers *buffers,
                        struct insp_error *reterr);

/* "1.13.1" - the libtorch this binary runs with. */
const char *insp_torch_version(void);

#ifdef __cplusplus
}
#endif

DEFINE_CLEANUP(struct insp_device, insp_device_free);
DEFINE_CLEANUP(struct insp_trunk, insp_trunk_free);
DEFINE_CLEANUP(struct insp_tail, insp_tail_free);
DEFINE_CLEANUP(struct insp_trainer, insp_trainer_free);

#endif
