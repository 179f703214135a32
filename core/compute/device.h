/* core/compute/device.h - use the compute device: load trunks and tails, score images, train tails. Plain
 * float buffers, opaque handles and one insp_error; no tensor type and no exception crosses this border.
 *
 * A back end does the work behind one table of operations (backend.h): the packed kernels (packed.c), libtorch
 * on the CPU or libtorch on CUDA (torch/). To add one, implement that table.
 *
 * Threads: trunks and tails are immutable once loaded; several threads may score on one device, with the same
 * trunk and tails, at once. A trainer serves one thread at a time. In the daemon the inference thread scores;
 * a job trains in a separate process. All functions block but those that only read a property. */
#ifndef INSP_COMPUTE_DEVICE_H
#define INSP_COMPUTE_DEVICE_H

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/compute/vgg16.h"
#include "core/image/transform.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct insp_device;  /* a device and its threads */
struct insp_trunk;   /* frozen blocks 1 to 4 on a device */
struct insp_tail;    /* conv5_1..3 and the head of one product on a device */
struct insp_trainer; /* a tail being trained: parameters, gradients, Adam's moments */

enum insp_cpu_engine {
    INSP_CPU_AUTO,   /* packed kernels if the processor has AVX2, AVX-512 or NEON, else libtorch */
    INSP_CPU_PACKED, /* packed kernels (conv_cpu.h); INSP_E_DEVICE if the processor lacks the instructions */
    INSP_CPU_TORCH,  /* libtorch's operators: the reference in benches and parity tests */
};

struct insp_device_config {
    const char *name; /* "auto" | "cpu" | "cuda" | "cuda:N" */
    unsigned threads; /* CPU threads of one pass, at most 1024; 0: as many as the process may use */
    enum insp_cpu_engine engine;
    /* CUDA: use cuDNN's deterministic, slower algorithms on this device; scoring on other devices of the
     * process does not change. On the CPU results are always the same, bit for bit, for the same number of
     * threads. */
    bool deterministic;
    /* CUDA: images of the largest batch, 1..64; loading a trunk prepares this size and those below it. 0: 64. */
    size_t batch_max;
};

/* Opens a device. "auto" opens cuda:0 if it works, else the CPU; insp_device_describe says which and why.
 * *ret_device is the caller's. Fails with
 *   INSP_E_DEVICE     "cuda" is unusable (no driver, CPU-only libtorch, no such number), an unknown name,
 *                     Debian's slow reference BLAS, libtorch cannot be loaded (torch/later.c)
 *   INSP_E_PARAMETER  more than 1024 threads
 *   INSP_E_NOMEM */
int insp_device_open(const struct insp_device_config *config, struct insp_device **ret_device,
                     struct insp_error *reterr);
/* Closes a device. Accepts NULL. Trunks, tails and trainers may outlive it; only free them afterwards. */
void insp_device_free(struct insp_device *device);

const char *insp_device_name(const struct insp_device *device); /* "cpu" or "cuda:N"; lives as long as device */
/* Describes the device in one line for people: name, threads, engine, libtorch if it is loaded. Lives as long as
 * device. */
const char *insp_device_describe(const struct insp_device *device);
/* Identifies the arithmetic of the device: everything besides weights and input that decides about the bits of
 * a result, as kernels and instruction set, number type, library version, and the number of threads of
 * libtorch's CPU operators. Devices with equal texts give equal results, bit for bit (CUDA: if opened
 * deterministic). Lives as long as device. */
const char *insp_device_arithmetic(const struct insp_device *device);
bool insp_device_is_cuda(const struct insp_device *device); /* computes on a GPU */
/* Says whether the packed kernels compute: then loading a trunk or tail calls no libtorch. */
bool insp_device_is_packed(const struct insp_device *device);
/* Says whether the device stopped working: after an error a small computation on it failed too, as after
 * CUDA's sticky errors. It does not recover within this process. Any thread. */
bool insp_device_failed(const struct insp_device *device);

/* Holds device memory in bytes: in tensors, held by this process's allocator, and the device's free and total.
 * All 0 on the CPU. */
struct insp_device_usage {
    uint64_t allocated_bytes, reserved_bytes, free_bytes, total_bytes;
};
/* Reads the use of device memory. Fails with INSP_E_DEVICE. */
int insp_device_memory(struct insp_device *device, struct insp_device_usage *ret_memory,
                       struct insp_error *reterr);

/* Copy and pack weights onto the device; the caller may free the views afterwards. The result is the caller's.
 * One thread at a time per device; scoring on another thread continues. Fail with INSP_E_NOMEM, INSP_E_DEVICE. */
int insp_trunk_load(struct insp_device *device, const struct insp_trunk_weights *weights,
                    struct insp_trunk **ret_trunk, struct insp_error *reterr);
void insp_trunk_free(struct insp_trunk *trunk);
/* Returns how many threads may work on the CPU with the results of a pass: those of the configuration. */
unsigned insp_trunk_host_threads(const struct insp_trunk *trunk);

/* "float32", "float16" or "bfloat16": the type that its convolutions compute in. Lives as long as the trunk. */
const char *insp_trunk_precision(const struct insp_trunk *trunk);
int insp_tail_load(struct insp_device *device, const struct insp_tail_weights *weights,
                   struct insp_tail **ret_tail, struct insp_error *reterr);
void insp_tail_free(struct insp_tail *tail);

/* Scores n images: runs the trunk once per piece of the batch, then each distinct tail over its images.
 *   pixels    float32 NCHW [n,3,224,224], transformed by each product's manifest; borrowed
 *   tails     [n], the tail of image i, on the trunk's device; equal pointers need not be adjacent; borrowed
 *   ret_prob  float32 [n], 0..1, softmax probability of class anomaly
 *   ret_cam   float32 [n,14,14], unscaled class activation, higher is more anomalous
 * A batch that does not fit the device's memory is computed in halves. Fails with
 *   INSP_E_MODEL     a pixel or result that is not finite; the detail names the image's place in the batch
 *   INSP_E_INTERNAL  a tail on another device
 *   INSP_E_NOMEM, INSP_E_DEVICE
 * On failure the arrays may contain results for some of the images. */
int insp_score(struct insp_trunk *trunk, struct insp_tail *const *tails, const float *pixels, size_t n,
               float *ret_prob, float *ret_cam, struct insp_error *reterr);
/* Scores as insp_score does, and returns the taps of the same pass, which cost it some 2 %.
 *   ret_taps  float32 [n,28,28,448] (vgg16.h) */
int insp_score_taps(struct insp_trunk *trunk, struct insp_tail *const *tails, const float *pixels, size_t n,
                    float *ret_prob, float *ret_cam, float *ret_taps, struct insp_error *reterr);

/* A picture to score: its pixels as they were decoded and resized; all borrowed. */
struct insp_picture {
    struct insp_tail *tail;             /* on the trunk's device */
    const uint8_t *rgb;                 /* interleaved RGB8 [224,224,3] */
    const struct insp_transform *input; /* of the product's manifest */
};

/* Scores n pictures as insp_score scores their transformed pixels: on the CPU bit for bit the same. The device
 * transforms them, so that a quarter of the bytes travels. ret_prob, ret_cam and errors: as insp_score. */
int insp_score_pictures(struct insp_trunk *trunk, const struct insp_picture *pictures, size_t n, float *ret_prob,
                        float *ret_cam, struct insp_error *reterr);
/* Does the same, and returns the taps of the same pass, as insp_score_taps does, and its features, float32
 * [n,512,14,14]. ret_taps and ret_features may each be NULL. */
int insp_score_pictures_taps(struct insp_trunk *trunk, const struct insp_picture *pictures, size_t n,
                             float *ret_prob, float *ret_cam, float *ret_taps, float *ret_features,
                             struct insp_error *reterr);
/* Runs the trunk for the taps of n pictures, whose tails it ignores: it stops after its third block. Fails as
 * insp_score does. */
int insp_picture_taps(struct insp_trunk *trunk, const struct insp_picture *pictures, size_t n, float *ret_taps,
                      struct insp_error *reterr);

/* Runs the trunk alone: pixels as above -> ret_features float32 NCHW [n,512,14,14]. Fails as insp_score does. */
int insp_trunk_features(struct insp_trunk *trunk, const float *pixels, size_t n, float *ret_features,
                        struct insp_error *reterr);
/* Runs the trunk for its taps: pixels as above -> ret_taps float32 [n,28,28,448], and features of the same pass.
 * ret_features may be NULL: then the trunk stops after its third block. Fails as insp_score does. */
int insp_trunk_taps(struct insp_trunk *trunk, const float *pixels, size_t n, float *ret_features, float *ret_taps,
                    struct insp_error *reterr);

/* Scores features of insp_trunk_features with one tail, as evaluation does on cached features. ret_cam may be
 * NULL. Fails as insp_score does. */
int insp_tail_score(struct insp_tail *tail, const float *features, size_t n, float *ret_prob, float *ret_cam,
                    struct insp_error *reterr);

/* Configures a trainer: cross-entropy with class weights (weighted mean as in torch.nn.CrossEntropyLoss:
 * divided by the sum of the weights of the batch's labels) and Adam (Kingma & Ba 2015, bias-corrected, epsilon
 * added outside the root). */
struct insp_trainer_config {
    float class_weights[INSP_CLASSES];
    float learning_rate, beta1, beta2, epsilon;
};

/* Starts to train a copy of `initial`. *ret_trainer is the caller's. Fails with INSP_E_NOMEM, INSP_E_DEVICE. */
int insp_trainer_new(struct insp_device *device, const struct insp_tail_weights *initial,
                     const struct insp_trainer_config *config, struct insp_trainer **ret_trainer,
                     struct insp_error *reterr);
void insp_trainer_free(struct insp_trainer *trainer);

/* Trains on one mini-batch: forward, backward and update.
 *   features     float32 [n,512,14,14], n >= 1; borrowed
 *   labels       [n], 0 or 1; borrowed
 *   ret_loss     weighted mean before the update
 *   ret_correct  number of the n images that were classified right before the update
 * Fails with
 *   INSP_E_MODEL  the loss is not finite; the parameters are unchanged
 *   INSP_E_USAGE  a label that is not 0 or 1, or (packed kernels) class weights that sum to 0
 *   INSP_E_NOMEM, INSP_E_DEVICE: do not use the trainer any further, some parameters may be updated */
int insp_trainer_step(struct insp_trainer *trainer, const float *features, const uint8_t *labels, size_t n,
                      float *ret_loss, size_t *ret_correct, struct insp_error *reterr);

/* Holds arrays for the parameters of a tail, with the sizes of vgg16.h. */
struct insp_tail_buffers {
    float *conv_weight[INSP_TAIL_CONVS]; /* [512,512,3,3] */
    float *conv_bias[INSP_TAIL_CONVS];   /* [512] */
    float *classifier_weight;            /* [2,512] */
    float *classifier_bias;              /* [2] */
};
/* Copies the present parameters into the caller's arrays. Fails with INSP_E_DEVICE. */
int insp_trainer_export(struct insp_trainer *trainer, const struct insp_tail_buffers *buffers,
                        struct insp_error *reterr);

/* Returns the version of libtorch that this binary was built with, as "1.13.1". */
const char *insp_torch_version(void);

#ifdef __cplusplus
}
#endif

DEFINE_CLEANUP(struct insp_device, insp_device_free);
DEFINE_CLEANUP(struct insp_trunk, insp_trunk_free);
DEFINE_CLEANUP(struct insp_tail, insp_tail_free);
DEFINE_CLEANUP(struct insp_trainer, insp_trainer_free);

#endif
