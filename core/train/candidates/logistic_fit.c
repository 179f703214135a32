#include "core/train/candidates/logistic_fit.h"

#include "core/base/cleanup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS = INSP_POOLED_FLOATS, NEWTON_STEPS = 30, GRADIENT_STEPS = 200, HALVINGS = 30, LANES = 8 };

/* A vector of weights, the bias last, which the ridge leaves alone. */
typedef double vector[NUMBERS + 1];

struct problem {
    const float *x; /* [count,NUMBERS], standardised */
    const uint8_t *label;
    size_t count;
    double weight_of[INSP_CLASSES]; /* of an image by its class; the sum over all images is 1 */
    double *score, *curvature;      /* [count] */
    vector w, gradient, step, residual, direction, product, tried;
};

/* Sums in lanes, so that the compiler may use vectors without changing the order of additions. */
static double dot_image(const float *x, const double *w) {
    double lane[LANES] = {0}, sum = w[NUMBERS];
    for (size_t i = 0; i < NUMBERS; i += LANES)
        for (size_t l = 0; l < LANES; l++)
            lane[l] += (double)x[i + l] * w[i + l];
    for (size_t l = 0; l < LANES; l++)
        sum += lane[l];
    return sum;
}

static void add_image(const float *x, double factor, double *to) {
    for (size_t i = 0; i < NUMBERS; i++)
        to[i] += factor * (double)x[i];
    to[NUMBERS] += factor;
}

static double dot(const double *a, const double *b) {
    double sum = 0;
    for (size_t i = 0; i <= NUMBERS; i++)
        sum += a[i] * b[i];
    return sum;
}

static double ridge_of(const double *w) {
    return INSP_LOGISTIC_RIDGE * (dot(w, w) - w[NUMBERS] * w[NUMBERS]);
}

static double margin(const struct problem *p, size_t i, double score) {
    return p->label[i] == INSP_CLASS_ANOMALY ? score : -score;
}

static double loss_at(const struct problem *p, const double *w) {
    double loss = ridge_of(w) / 2;
    for (size_t i = 0; i < p->count; i++) {
        double m = margin(p, i, dot_image(p->x + i * NUMBERS, w));
        loss += p->weight_of[p->label[i]] * (m > 0 ? log1p(exp(-m)) : log1p(exp(m)) - m);
    }
    return loss;
}

/* Computes gradient and curvature at w. */
static void expand(struct problem *p) {
    for (size_t i = 0; i < NUMBERS; i++)
        p->gradient[i] = INSP_LOGISTIC_RIDGE * p->w[i];
    p->gradient[NUMBERS] = 0;
    for (size_t i = 0; i < p->count; i++) {
        double probability = 1 / (1 + exp(-dot_image(p->x + i * NUMBERS, p->w)));
        double weight = p->weight_of[p->label[i]], wanted = p->label[i] == INSP_CLASS_ANOMALY;
        p->curvature[i] = weight * fmax(probability * (1 - probability), 1e-12);
        add_image(p->x + i * NUMBERS, weight * (probability - wanted), p->gradient);
    }
}

/* product = Hessian * direction */
static void curve(struct problem *p) {
    for (size_t i = 0; i < NUMBERS; i++)
        p->product[i] = INSP_LOGISTIC_RIDGE * p->direction[i];
    p->product[NUMBERS] = 1e-9 * p->direction[NUMBERS];
    for (size_t i = 0; i < p->count; i++)
        add_image(p->x + i * NUMBERS, p->curvature[i] * dot_image(p->x + i * NUMBERS, p->direction), p->product);
}

/* Solves Hessian * step = -gradient, the less exactly the farther the minimum is. */
static void solve(struct problem *p) {
    double length = dot(p->gradient, p->gradient), least = length * fmin(0.01, length), before = length;
    memset(p->step, 0, sizeof p->step);
    for (size_t i = 0; i <= NUMBERS; i++)
        p->direction[i] = p->residual[i] = -p->gradient[i];
    for (size_t k = 0; k < GRADIENT_STEPS && before > least && before > 0; k++) {
        curve(p);
        double along = before / dot(p->direction, p->product), after;
        for (size_t i = 0; i <= NUMBERS; i++) {
            p->step[i] += along * p->direction[i];
            p->residual[i] -= along * p->product[i];
        }
        after = dot(p->residual, p->residual);
        for (size_t i = 0; i <= NUMBERS; i++)
            p->direction[i] = p->residual[i] + after / before * p->direction[i];
        before = after;
    }
}

/* Goes along the step as far as the loss falls. Says whether it fell. */
static bool advance(struct problem *p, double *loss) {
    double share = 1, slope = dot(p->gradient, p->step);
    for (size_t k = 0; k < HALVINGS; k++, share /= 2) {
        for (size_t i = 0; i <= NUMBERS; i++)
            p->tried[i] = p->w[i] + share * p->step[i];
        double now = loss_at(p, p->tried);
        if (now <= *loss + 1e-4 * share * slope) {
            bool fell = *loss - now > 1e-10 * (1 + fabs(*loss));
            memcpy(p->w, p->tried, sizeof p->w);
            *loss = now;
            return fell;
        }
    }
    return false;
}

/* Brings each number to mean 0 and deviation 1. A number that never changes becomes 0. */
static void standardise(float *x, size_t count, double *ret_mean, double *ret_deviation) {
    for (size_t n = 0; n < NUMBERS; n++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < count; i++)
            sum += (double)x[i * NUMBERS + n];
        double mean = sum / (double)count;
        for (size_t i = 0; i < count; i++) {
            double off = (double)x[i * NUMBERS + n] - mean;
            squares += off * off;
        }
        double deviation = sqrt(squares / (double)count);
        bool constant = deviation <= 1e-6 * fabs(mean) + 1e-12;
        for (size_t i = 0; i < count; i++)
            x[i * NUMBERS + n] = constant ? 0 : (float)(((double)x[i * NUMBERS + n] - mean) / deviation);
        ret_mean[n] = mean;
        ret_deviation[n] = constant ? 0 : deviation;
    }
}

/* Turns weights of standardised numbers into those of the numbers as they are. */
static int finish(const struct problem *p, const double *mean, const double *deviation, struct insp_logistic *ret,
                  struct insp_error *reterr) {
    double bias = p->w[NUMBERS];
    bool finite = true;
    for (size_t n = 0; n < NUMBERS; n++) {
        double weight = deviation[n] > 0 ? p->w[n] / deviation[n] : 0;
        ret->weight[n] = (float)weight;
        bias -= (double)ret->weight[n] * mean[n];
        finite = finite && isfinite(ret->weight[n]);
    }
    ret->bias = (float)bias;
    return finite && isfinite(ret->bias)
               ? 0
               : insp_fail(reterr, INSP_E_MODEL, "the weights of the logistic regression are not finite");
}

int insp_logistic_fit(float *pooled, const uint8_t *label, size_t count, struct insp_logistic *ret,
                      struct insp_error *reterr) {
    _cleanup_free_ struct problem *p = calloc(1, sizeof *p);
    _cleanup_free_ double *scratch = calloc(2 * NUMBERS + 2 * count, sizeof *scratch);
    if (!p || !scratch)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a logistic regression on %zu images", count);
    double *mean = scratch, *deviation = scratch + NUMBERS;
    size_t anomalies = 0;
    for (size_t i = 0; i < count; i++)
        anomalies += label[i] == INSP_CLASS_ANOMALY;
    p->x = pooled;
    p->label = label;
    p->count = count;
    p->score = scratch + 2 * NUMBERS;
    p->curvature = p->score + count;
    p->weight_of[INSP_CLASS_GOOD] = 0.5 / (double)(count - anomalies);
    p->weight_of[INSP_CLASS_ANOMALY] = 0.5 / (double)anomalies;
    standardise(pooled, count, mean, deviation);
    double loss = loss_at(p, p->w);
    for (size_t k = 0; k < NEWTON_STEPS; k++) {
        expand(p);
        solve(p);
        if (!advance(p, &loss))
            break;
    }
    return finish(p, mean, deviation, ret, reterr);
}
