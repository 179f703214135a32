/* core/serving/prove.h - prove a model before it serves (its self-test). It must reproduce the stored answers
 * to its golden samples. A bundle without golden samples must at least tell two drawn pictures apart, which a
 * dead network does not; that proves little, and model->sampled stays false. The passes also warm the model
 * up. */
#ifndef INSP_SERVING_PROVE_H
#define INSP_SERVING_PROVE_H

#include "core/model/model.h"

/* Limit the deviation of an answer from the stored one: in probability, and in the map as a share of the
 * stored map's largest magnitude (at least 1); of a product of two heats, in the squares of the map, whose root
 * magnifies the rounding of cells near 0. CPUs compute in float32: instruction sets and libtorch round
 * sums of 4608 products differently, through three convolutions; tests/bench/bench_forward.py keeps them
 * within 1e-4 of each other. A GPU on either side computes in bfloat16 or float16, with 8 or 11 bits of
 * significand. */
#define INSP_PROVE_TOLERANCE_CPU 1e-3F
#define INSP_PROVE_TOLERANCE_CUDA 5e-2F

enum { INSP_PROVE_RGB_BYTES = 3 * INSP_INPUT_SIDE * INSP_INPUT_SIDE };

/* Draws picture `number` of the self-test, interleaved RGB8 [224,224,3]. number 0: stripes, a gradient and a spot;
 * 1: other shapes in other colours. Any thread. */
void insp_prove_draw(unsigned number, uint8_t *ret_rgb);

/* Scores a picture for the self-test: RGB8 [224,224,3] -> probability, map [14,14]. score fails as
 * insp_model_score does. cuda: the device is a GPU. */
struct insp_prover {
    int (*score)(void *arg, struct insp_model *model, const uint8_t *rgb, float *ret_probability, float *ret_map,
                 struct insp_error *reterr);
    void *arg;
    bool cuda;
};

/* Scores the first drawn picture, then the golden samples (NULL: the second drawn picture), and sets
 * model->proved, model->sampled and model->answer. Blocks on the device; one thread at a time per model. On
 * failure the model is not proved. Fails with
 *   INSP_E_SELF_TEST  a sample's answer differs (the detail has both), or two pictures have equal answers
 *   INSP_E_MODEL      a result is not finite
 *   INSP_E_NOMEM, INSP_E_DEVICE */
int insp_prove_by(const struct insp_prover *prover, struct insp_model *model, const struct insp_golden *golden,
                  struct insp_error *reterr);
/* Proves a model as above, with all passes on the calling thread. cuda: the trunk is on a GPU. */
int insp_prove(struct insp_trunk *trunk, bool cuda, struct insp_model *model, const struct insp_golden *golden,
               struct insp_error *reterr);

/* Checks the answer to a golden sample; fails with INSP_E_SELF_TEST and both answers. number: 1.., for the
 * detail. kind: of the map that the version shows. Pure. */
int insp_prove_compare(const struct insp_golden_sample *expected, size_t number, enum insp_heat_kind kind,
                       float probability, const float *map, float tolerance, struct insp_error *reterr);

#endif
