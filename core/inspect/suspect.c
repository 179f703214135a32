#include "core/inspect/suspect.h"

#include "core/compute/vgg16.h"

#include <math.h>

/* Limits without training pictures. With them BLACK_BELOW, WHITE_ABOVE and FLAT_BELOW bound how strict the
 * limits can become. */
#define BLACK_BELOW 17.0F      /* bright: 12-bit values read as 16-bit reach 15 */
#define WHITE_ABOVE 249.0F     /* dark */
#define FLAT_BELOW 9.0F        /* spread: noise of a sensor without a scene */
#define SATURATED_ABOVE 0.95F  /* saturated, without training pictures */
#define TRANSPARENT_ABOVE 0.9F /* transparent, without training pictures */
/* Distances from the training pictures. */
#define TRANSPARENT_MORE 0.1F
#define MEAN_AWAY 40.0F
#define CHROMA_MORE 12.0F
#define CHROMA_SOME 6.0F /* training pictures above this are coloured */
#define ASPECT_AWAY 1.5F
#define SHARP_SHARE 0.5F         /* of the least sharp one */
#define LAYOUT_AWAY 1.5F         /* times the largest distance of a training picture from the others */
#define LAYOUT_DISTANCE_MIN 2.0F /* pictures that are all alike do not make the limit stricter than this */

const char *insp_suspect_name(enum insp_suspect_reason reason) {
    static const char *const names[] = {
#define X(symbol, name) name,
        INSP_SUSPECT_TABLE(X)
#undef X
    };
    return names[reason];
}

/* Holds a number of the picture and its range in training. */
struct question {
    float value, low, high;
    bool known;
};

static struct question ask(const struct insp_image_stats *stats, const struct insp_stat_ranges *ranges,
                           enum insp_stat stat) {
    bool known = insp_stat_known(ranges, stat);
    return (struct question){stats->value[stat], known ? ranges->low[stat] : 0, known ? ranges->high[stat] : 0,
                             known};
}

static float smaller(float a, float b) {
    return a < b ? a : b;
}

static float larger(float a, float b) {
    return a > b ? a : b;
}

static bool is_black(struct question bright) {
    return bright.value < (bright.known ? smaller(BLACK_BELOW, bright.low / 2) : BLACK_BELOW);
}

static bool is_white(struct question dark) {
    return dark.value > (dark.known ? larger(WHITE_ABOVE, (255 + dark.high) / 2) : WHITE_ABOVE);
}

static bool is_flat(struct question spread) {
    return spread.value < (spread.known ? smaller(FLAT_BELOW, spread.low / 2) : FLAT_BELOW);
}

static bool is_saturated(struct question saturated) {
    return saturated.value > (saturated.known ? (1 + saturated.high) / 2 : SATURATED_ABOVE);
}

static bool is_outside(struct question q) {
    return q.known && (q.value < q.low || q.value > q.high);
}

static bool is_wrong_depth(struct question bits, struct question guessed) {
    return is_outside(bits) || (guessed.known ? is_outside(guessed) : guessed.value > 0);
}

static bool is_transparent(struct question ignored, struct question transparent) {
    if (ignored.known ? is_outside(ignored) : ignored.value > 0)
        return true;
    return transparent.value > (transparent.known ? transparent.high + TRANSPARENT_MORE : TRANSPARENT_ABOVE);
}

static bool is_other_colour(struct question chroma) {
    bool greyer = chroma.low >= CHROMA_SOME && chroma.value < chroma.low / 4;
    return chroma.known && (greyer || chroma.value > 2 * chroma.high + CHROMA_MORE);
}

static bool is_other_range(struct question bright, struct question spread, struct question mean) {
    return (bright.known && bright.value < bright.low / 2) || (spread.known && spread.value < spread.low / 2) ||
           (mean.known && (mean.value < mean.low - MEAN_AWAY || mean.value > mean.high + MEAN_AWAY));
}

static bool is_other_shape(struct question aspect) {
    return aspect.known && (aspect.value < aspect.low / ASPECT_AWAY || aspect.value > aspect.high * ASPECT_AWAY);
}

static bool is_too_small(struct question side) {
    return side.known && side.value < INSP_INPUT_SIDE && side.value < side.low / 2;
}

static bool is_out_of_focus(struct question sharp) {
    return sharp.known && sharp.value < sharp.low * SHARP_SHARE;
}

static bool is_unlike_product(const struct insp_image_stats *stats, const struct insp_layout_range *range) {
    return range->known && stats->laid_out &&
           insp_layout_distance(range, &stats->layout) > larger(LAYOUT_AWAY * range->largest, LAYOUT_DISTANCE_MIN);
}

uint32_t insp_suspect_reasons(const struct insp_image_stats *stats, const struct insp_stat_ranges *ranges) {
#define ASK(name) ask(stats, ranges, INSP_STAT_##name)
    const uint32_t lost = (uint32_t)is_black(ASK(BRIGHT)) << INSP_SUSPECT_BLACK |
                          (uint32_t)is_white(ASK(DARK)) << INSP_SUSPECT_WHITE |
                          (uint32_t)is_flat(ASK(SPREAD)) << INSP_SUSPECT_FLAT |
                          (uint32_t)is_saturated(ASK(SATURATED)) << INSP_SUSPECT_SATURATED;
    uint32_t reasons = lost;
    /* A picture without content differs from the training pictures in everything; one reason is enough. */
    if (!lost)
        reasons |= (uint32_t)is_other_colour(ASK(CHROMA)) << INSP_SUSPECT_COLOUR |
                   (uint32_t)is_other_range(ASK(BRIGHT), ASK(SPREAD), ASK(MEAN)) << INSP_SUSPECT_RANGE |
                   (uint32_t)is_out_of_focus(ASK(SHARP)) << INSP_SUSPECT_OUT_OF_FOCUS |
                   (uint32_t)is_unlike_product(stats, &ranges->layout) << INSP_SUSPECT_UNLIKE_PRODUCT;
    return reasons | (uint32_t)is_wrong_depth(ASK(BITS), ASK(BITS_GUESSED)) << INSP_SUSPECT_BIT_DEPTH |
           (uint32_t)is_transparent(ASK(ALPHA_IGNORED), ASK(TRANSPARENT)) << INSP_SUSPECT_ALPHA |
           (uint32_t)is_other_shape(ASK(ASPECT)) << INSP_SUSPECT_SHAPE |
           (uint32_t)is_too_small(ASK(SIDE)) << INSP_SUSPECT_SIZE;
#undef ASK
}

uint32_t insp_suspect_tiles(struct insp_tiles tiles, const struct insp_image_stats *stats) {
    const float side = stats->value[INSP_STAT_SIDE], aspect = stats->value[INSP_STAT_ASPECT];
    const float longer = aspect >= 1 ? side * aspect : side / aspect;
    const uint32_t shorter = (uint32_t)side, other = (uint32_t)lroundf(longer);
    return insp_tiles_fit(tiles, aspect >= 1 ? other : shorter, aspect >= 1 ? shorter : other)
               ? 0
               : 1U << INSP_SUSPECT_SIZE;
}

enum insp_verdict insp_suspect_verdict(enum insp_verdict verdict, uint32_t reasons) {
    return reasons && verdict == INSP_VERDICT_GOOD ? INSP_VERDICT_REVIEW : verdict;
}
