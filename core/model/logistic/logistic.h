/* core/model/logistic/logistic.h - decide by a logistic regression on statistics of the trunk's four pools, alone
 * or together with the tail. It is trained in a second, and below some 150 images it often beats the tail.
 *
 *   statistics  of each channel over the cells of its pool: its mean, maximum and standard deviation. Pools 1 to 3
 *               count as taps (vgg16.h), so that one pass of the trunk gives statistics, verdict and good-only
 *               score. [mean of 960 channels | maximum | standard deviation], channels in the order of the pools
 *   manifest    "logistic": {"file": "logistic.safetensors", "sha256": "...", "use": "alone" | "averaged"};
 *               averaged: its logit and the tail's are averaged
 *   the file    "weight" [2880] and "bias" [1], for statistics as they are, 12 KB
 *
 * Reading and writing the file blocks on the disk. Any thread. */
#ifndef INSP_MODEL_LOGISTIC_LOGISTIC_H
#define INSP_MODEL_LOGISTIC_LOGISTIC_H

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/compute/vgg16.h"

#include <jansson.h>

#define INSP_LOGISTIC_FILE "logistic.safetensors"

enum {
    INSP_POOLED_CHANNELS = INSP_TAP_CHANNELS + INSP_CHANNELS,
    INSP_POOLED_FLOATS = 3 * INSP_POOLED_CHANNELS,
};

/* Says how a version decides. */
enum insp_logistic_use {
    INSP_LOGISTIC_NONE,     /* by its tail; the bundle has no logistic regression */
    INSP_LOGISTIC_ALONE,    /* by the logistic regression; the tail gives the map */
    INSP_LOGISTIC_AVERAGED, /* by the mean of both logits */
};

struct insp_logistic {
    float weight[INSP_POOLED_FLOATS], bias;
};

/* Describes the logistic regression of a bundle. */
struct insp_logistic_entry {
    enum insp_logistic_use use;
    char sha256[INSP_SHA256_HEX_BYTES]; /* unset with INSP_LOGISTIC_NONE */
};

/* Computes the statistics of one image.
 *   taps      float32 [28,28,448], features float32 [512,14,14], both of one pass and finite; borrowed
 *   ret       [INSP_POOLED_FLOATS] */
void insp_pooled_of(const float *taps, const float *features, float *ret);

/* Returns the probability of an anomaly, 0..1. tail_probability: the tail's, which counts with
 * INSP_LOGISTIC_AVERAGED; with INSP_LOGISTIC_NONE it is the result, and logistic may be NULL. Equal numbers give
 * equal results bit for bit. */
float insp_logistic_probability(const struct insp_logistic *logistic, enum insp_logistic_use use,
                                const float pooled[INSP_POOLED_FLOATS], float tail_probability);
/* Returns the probability of the mean of two logits. */
float insp_logistic_average(float one, float other);

/* Parses the manifest's object; NULL or null gives INSP_LOGISTIC_NONE. Fails with INSP_E_MODEL, which names the
 * field. */
int insp_logistic_parse(const json_t *object, struct insp_logistic_entry *ret, struct insp_error *reterr);
/* Returns the object, or null for none; a new reference, NULL without memory. */
json_t *insp_logistic_json(const struct insp_logistic_entry *entry);

/* Writes the file, whole or not at all. Fails as insp_safetensors_write does. */
int insp_logistic_write(const char *path, const struct insp_logistic *logistic, struct insp_error *reterr);
/* Reads the file. Both tensors must have their shape and finite values. *ret is the caller's (free). Fails with
 * INSP_E_MODEL, which names the tensor and its fault, INSP_E_NOMEM and the codes of insp_fail_errno. */
int insp_logistic_read(const char *path, struct insp_logistic **ret, struct insp_error *reterr);

#endif
