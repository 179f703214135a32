/* core/serving/prove.h - the self-test of a model before it serves. It must answer its bundle's golden samples as
 * it did when it was trained. A bundle without golden samples must at least tell two drawn pictures apart, which a
 * dead network does not; that proves little, and model->sampled stays false. The passes are its warm-up too. */
#ifndef INSP_SERVING_PROVE_H
#define INSP_SERVING_PROVE_H

#include "core/model/model.h"

/* How far an answer may lie from the one that was stored: in probability, and in the map as a share of the stored
 * map's largest magnitude (at least 1). Float32 on CPUs: instruction sets and libtorch round sums of 4608 products
 * otherwise, three convolutions deep; tests/bench/bench_forward.py holds them to 1e-4 of each other. Half
 * precision, where either side was a GPU: 11 bits of mantissa. */
#define INSP_PROVE_TOLERANCE_CPU 1e-3F
#define INSP_PROVE_TOLERANCE_CUDA 5e-2F

/* Draws a picture, transformed: [3,224,224]. number 0: stripes, a gradient and a spot; 1: other shapes in other
 * colours. INSP_E_NOMEM. Any thread. */
int insp_prove_picture(const struct insp_transform *transform, unsigned number, float *ret_pixels,
                       struct insp_error *reterr);

/* How a prover gets an answer: pixels [3,224,224] -> probability, map [14,14]. Fails as insp_score does. */
struct insp_prover {
    int (*score)(void *arg, struct insp_model *model, const float *pixels, float *ret_probability, float *ret_map,
                 struct insp_error *reterr);
    void *arg;
    bool cuda;
};

/* Scores the first picture and the golden samples (NULL: none, then the second picture) and sets model->proved,
 * model->sampled and model->answer. Blocks on the device; its thread. INSP_E_SELF_TEST says which sample answered
 * what, or that two pictures were answered alike; INSP_E_MODEL for a result that is not finite, INSP_E_NOMEM,
 * INSP_E_DEVICE; the model is not proved then. */
int insp_prove_by(const struct insp_prover *prover, struct insp_model *model, const struct insp_golden *golden,
                  struct insp_error *reterr);
/* The same, all of it on the calling thread. */
int insp_prove(struct insp_trunk *trunk, bool cuda, struct insp_model *model, const struct insp_golden *golden,
               struct insp_error *reterr);

/* Pure: is an answer to a golden sample well? Else INSP_E_SELF_TEST with both. number: 1.. for the message. */
int insp_prove_compare(const struct insp_golden_sample *expected, size_t number, float probability,
                       const float *map, float tolerance, struct insp_error *reterr);

#endif
