#include "core/serving/prove.h"

#include "core/inspect/scoring.h"

#include <math.h>
#include <string.h>

enum { SIDE = INSP_INPUT_SIDE };

static void draw_first(int x, int y, uint8_t *p) {
    bool spot = (x - 150) * (x - 150) + (y - 80) * (y - 80) < 400;
    p[0] = (uint8_t)(x / 8 % 2 ? 190 : 110);
    p[1] = (uint8_t)(y / 6 % 2 ? 170 : 90);
    p[2] = (uint8_t)(spot ? 20 : (x + y) / 2);
}

static void draw_second(int x, int y, uint8_t *p) {
    bool bar = x > 40 && x < 90 && y > 120 && y < 200;
    p[0] = (uint8_t)(bar ? 250 : 30 + y / 4);
    p[1] = (uint8_t)(bar ? 240 : 60);
    p[2] = (uint8_t)((x + 2 * y) / 24 % 2 ? 90 : 40);
}

void insp_prove_draw(unsigned number, uint8_t *ret_rgb) {
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            (number ? draw_second : draw_first)(x, y, ret_rgb + 3 * ((size_t)y * SIDE + (size_t)x));
}

/* The square root of a product magnifies the rounding of a heat near 0: 1e-4 becomes 0.01. Its square does not. */
static float comparable(enum insp_heat_kind kind, float heat) {
    return kind == INSP_HEAT_PRODUCT ? heat * fabsf(heat) : heat;
}

int insp_prove_compare(const struct insp_golden_sample *expected, size_t number, enum insp_heat_kind kind,
                       float probability, const float *map, float tolerance, struct insp_error *reterr) {
    const char *class = expected->label == INSP_CLASS_ANOMALY ? "anomaly" : "good";
    float largest = 1, furthest = 0;
    for (size_t i = 0; i < INSP_MAP_FLOATS; i++) {
        const float trained = comparable(kind, expected->map[i]), off = fabsf(comparable(kind, map[i]) - trained);
        largest = fmaxf(largest, fabsf(trained));
        furthest = isnan(off) ? INFINITY : fmaxf(furthest, off);
    }
    if (!(fabsf(probability - expected->probability) <= tolerance))
        return insp_fail(reterr, INSP_E_SELF_TEST,
                         "golden sample %zu (%s) has probability %g, it had %g when trained", number, class,
                         (double)probability, (double)expected->probability);
    if (!(furthest <= tolerance * largest))
        return insp_fail(
            reterr, INSP_E_SELF_TEST,
            "the %smap of golden sample %zu (%s) differs by %g (of at most %g) from the map when trained",
            kind == INSP_HEAT_PRODUCT ? "squared " : "", number, class, (double)furthest, (double)largest);
    return 0;
}

static int prove_golden(const struct insp_prover *prover, struct insp_model *model,
                        const struct insp_golden *golden, struct insp_error *reterr) {
    float tolerance = prover->cuda || golden->cuda ? INSP_PROVE_TOLERANCE_CUDA : INSP_PROVE_TOLERANCE_CPU;
    for (size_t i = 0; i < golden->count; i++) {
        float probability, map[INSP_MAP_FLOATS];
        int r = prover->score(prover->arg, model, golden->sample[i].rgb, &probability, map, reterr);
        if (r == 0)
            r = insp_prove_compare(&golden->sample[i], i + 1, model->manifest->heat.kind, probability, map,
                                   tolerance, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

struct answer {
    float probability, map[INSP_MAP_FLOATS];
};

/* Draws and scores; rgb is memory for the picture. */
static int score_picture(const struct insp_prover *prover, struct insp_model *model, unsigned number, uint8_t *rgb,
                         struct answer *ret, struct insp_error *reterr) {
    insp_prove_draw(number, rgb);
    int r = prover->score(prover->arg, model, rgb, &ret->probability, ret->map, reterr);
    if (r == 0 && !(ret->probability >= 0 && ret->probability <= 1))
        r = insp_fail(reterr, INSP_E_SELF_TEST, "the self-test gave probability %g, expected 0 to 1",
                      (double)ret->probability);
    return r;
}

static bool same_answer(const struct answer *a, const struct answer *b) {
    bool same = a->probability == b->probability;
    for (size_t i = 0; i < INSP_MAP_FLOATS && same; i++)
        same = a->map[i] == b->map[i];
    return same;
}

/* Detects a network that ignores its input: it answers all pictures alike, bit for bit. */
static int prove_alive(const struct insp_prover *prover, struct insp_model *model, const struct answer *first,
                       uint8_t *rgb, struct insp_error *reterr) {
    struct answer second;
    int r = score_picture(prover, model, 1, rgb, &second, reterr);
    if (r == 0 && same_answer(&second, first))
        r = insp_fail(
            reterr, INSP_E_SELF_TEST,
            "two different pictures get the same probability (%g) and the same map: the network ignores its input",
            (double)first->probability);
    return r;
}

int insp_prove_by(const struct insp_prover *prover, struct insp_model *model, const struct insp_golden *golden,
                  struct insp_error *reterr) {
    struct answer first;
    _cleanup_free_ uint8_t *rgb = malloc(INSP_PROVE_RGB_BYTES);
    if (!rgb)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the self-test");
    int r = score_picture(prover, model, 0, rgb, &first, reterr);
    if (r == 0)
        r = golden ? prove_golden(prover, model, golden, reterr) : prove_alive(prover, model, &first, rgb, reterr);
    if (r < 0) {
        insp_error_prefix(reterr, "model %s of product %s", model->manifest->version, model->manifest->product);
        return r;
    }
    model->answer = first.probability;
    model->sampled = golden != NULL;
    model->proved = true;
    return 0;
}

static int score_here(void *arg, struct insp_model *model, const uint8_t *rgb, float *ret_probability,
                      float *ret_map, struct insp_error *reterr) {
    const struct insp_shot shot = {
        .model = model, .rgb = rgb, .field = insp_field_of(model->manifest->fields, NULL), .single = true};
    return insp_model_score(arg, &shot, 1, ret_probability, ret_map, NULL, reterr);
}

int insp_prove(struct insp_trunk *trunk, bool cuda, struct insp_model *model, const struct insp_golden *golden,
               struct insp_error *reterr) {
    const struct insp_prover prover = {.score = score_here, .arg = trunk, .cuda = cuda};
    return insp_prove_by(&prover, model, golden, reterr);
}
