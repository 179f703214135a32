#include "core/inspect/scoring.h"

#include "core/good_only/good_score.h"
#include "core/inspect/suspect.h"

#include <math.h>
#include <string.h>

enum {
    PASS_IMAGES = 64,
    TAP_IMAGES = 16, /* of a pass with taps, which take 1.4 MB an image */
};

/* Holds one call. */
struct scoring {
    struct insp_trunk *trunk;
    const struct insp_shot *shots;
    float *prob, *cam;
    struct insp_good_answer *good; /* NULL: not asked for */
    float *taps;                   /* [TAP_IMAGES,28,28,448]; made for the first pass that needs them */
    float *features;               /* [TAP_IMAGES,512,14,14]; the same */
    struct insp_good_sample *sample;
};

/* Holds the pictures of one pass: all with a tail, or all without. */
struct pass {
    size_t image[PASS_IMAGES]; /* places in the call */
    size_t count;
    struct insp_picture picture[PASS_IMAGES];
    float prob[PASS_IMAGES], cam[PASS_IMAGES * INSP_MAP_FLOATS];
};

static bool needs_taps(const struct scoring *s, size_t i) {
    const struct insp_model *model = s->shots[i].model;
    return model->logistic || (model->good && (s->good || !model->tail));
}

static int reserve(struct scoring *s, bool features, struct insp_error *reterr) {
    if (features && !s->features)
        s->features = malloc(TAP_IMAGES * INSP_FEATURE_FLOATS * sizeof *s->features);
    if (!s->taps)
        s->taps = malloc(TAP_IMAGES * INSP_TAP_FLOATS * sizeof *s->taps);
    if (!s->sample)
        s->sample = malloc(sizeof *s->sample);
    return s->taps && s->sample && (s->features || !features)
               ? 0
               : insp_fail(reterr, INSP_E_NOMEM, "no memory for the taps of a pass");
}

static int judge(struct scoring *s, size_t i, const float *taps, struct insp_error *reterr) {
    const struct insp_model *model = s->shots[i].model;
    const struct insp_good_only *good = &model->manifest->good_only;
    float map[INSP_TAP_CELLS], score;
    insp_good_sample_values(taps, good->channel, s->sample);
    insp_good_score(model->good, s->sample, map, &score);
    if (!isfinite(score))
        return insp_fail(reterr, INSP_E_MODEL, "the good-only score of image %zu is %f, not a finite number", i,
                         (double)score);
    if (s->good)
        s->good[i] = (struct insp_good_answer){
            .known = true,
            .unlike = score > good->unlike,
            .score = score,
            .percentile = insp_good_percentile(good->quantile, INSP_GOOD_QUANTILES, score)};
    if (!model->tail) {
        s->prob[i] = insp_good_probability(&good->scale, score);
        insp_good_heat_map(&good->scale, model->manifest->heatmap.threshold, map, s->cam + i * INSP_MAP_FLOATS);
    }
    return 0;
}

/* Returns the probability of picture k of a pass, by the tail and the logistic regression. */
static float decide(const struct scoring *s, const struct pass *pass, size_t k) {
    const struct insp_model *model = s->shots[pass->image[k]].model;
    float pooled[INSP_POOLED_FLOATS];
    if (!model->logistic)
        return pass->prob[k];
    insp_pooled_of(s->taps + k * INSP_TAP_FLOATS, s->features + k * INSP_FEATURE_FLOATS, pooled);
    return insp_logistic_probability(model->logistic, model->manifest->logistic.use, pooled, pass->prob[k]);
}

static bool needs_features(const struct scoring *s, const struct pass *pass) {
    for (size_t k = 0; k < pass->count; k++)
        if (s->shots[pass->image[k]].model->logistic)
            return true;
    return false;
}

static int run(struct scoring *s, struct pass *pass, bool taps, struct insp_error *reterr) {
    const bool tail = pass->picture[0].tail != NULL, features = tail && needs_features(s, pass);
    int r = taps ? reserve(s, features, reterr) : 0;
    if (r == 0)
        r = tail ? insp_score_pictures_taps(s->trunk, pass->picture, pass->count, pass->prob, pass->cam,
                                            taps ? s->taps : NULL, features ? s->features : NULL, reterr)
                 : insp_picture_taps(s->trunk, pass->picture, pass->count, s->taps, reterr);
    for (size_t k = 0; k < pass->count && r == 0; k++) {
        size_t i = pass->image[k];
        const struct insp_model *model = s->shots[i].model;
        if (tail) {
            s->prob[i] = decide(s, pass, k);
            memcpy(s->cam + i * INSP_MAP_FLOATS, pass->cam + k * INSP_MAP_FLOATS,
                   INSP_MAP_FLOATS * sizeof *pass->cam);
        }
        if (model->good && (s->good || !tail))
            r = judge(s, i, s->taps + k * INSP_TAP_FLOATS, reterr);
    }
    return r;
}

/* Scores all pictures of one kind. If one of them needs taps, all give them: one pass costs less than two. */
static int score_kind(struct scoring *s, size_t n, bool tail, struct insp_error *reterr) {
    struct pass pass = {.count = 0};
    bool taps = false;
    int r = 0;
    for (size_t i = 0; i < n; i++)
        taps = taps || (!s->shots[i].model->tail == !tail && needs_taps(s, i));
    for (size_t i = 0; i < n && r == 0; i++) {
        const struct insp_model *model = s->shots[i].model;
        if (!model->tail != !tail)
            continue;
        if (!model->tail && !model->good)
            return insp_fail(reterr, INSP_E_INTERNAL,
                             "the model of image %zu has neither a tail nor a good-only model", i);
        pass.picture[pass.count] = (struct insp_picture){model->tail, s->shots[i].rgb, &model->manifest->input};
        pass.image[pass.count++] = i;
        if (pass.count == (taps ? TAP_IMAGES : PASS_IMAGES)) {
            r = run(s, &pass, taps, reterr);
            pass.count = 0;
        }
    }
    return r == 0 && pass.count ? run(s, &pass, taps, reterr) : r;
}

int insp_model_score(struct insp_trunk *trunk, const struct insp_shot *shots, size_t n, float *ret_prob,
                     float *ret_cam, struct insp_good_answer *ret_good, struct insp_error *reterr) {
    struct scoring s = {.trunk = trunk, .shots = shots, .prob = ret_prob, .cam = ret_cam, .good = ret_good};
    if (ret_good)
        memset(ret_good, 0, n * sizeof *ret_good);
    int r = score_kind(&s, n, true, reterr);
    if (r == 0)
        r = score_kind(&s, n, false, reterr);
    free(s.taps);
    free(s.features);
    free(s.sample);
    return r;
}

enum insp_verdict insp_model_verdict(const struct insp_manifest *manifest, float probability,
                                     const struct insp_good_answer *good, uint32_t *suspect) {
    enum insp_verdict verdict = insp_verdict_of(manifest, probability);
    if (verdict == INSP_VERDICT_GOOD && good->unlike && !insp_manifest_good_decides(manifest))
        *suspect |= 1U << INSP_SUSPECT_UNLIKE_GOOD;
    return insp_suspect_verdict(verdict, *suspect);
}
