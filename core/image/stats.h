/* core/image/stats.h - numbers that tell a picture of a part from a picture whose content was lost on the way: how
 * dark, bright, flat, colourful it is, and how it was encoded. Pure functions; any thread. */
#ifndef INSP_IMAGE_STATS_H
#define INSP_IMAGE_STATS_H

#include "core/image/image.h"

/* X(symbol, name in manifest.json): one number each. Levels are 0..255, shares 0..1. A number is added at the end
 * here and in insp_image_stats; manifests without it stay readable. */
#define INSP_STAT_TABLE(X)                                                                                        \
    X(INSP_STAT_SIDE, "side")                   /* shorter side of the posted image, pixels */                    \
    X(INSP_STAT_ASPECT, "aspect")               /* width / height, upright */                                     \
    X(INSP_STAT_BITS, "bits")                   /* that carry a sample */                                         \
    X(INSP_STAT_BITS_GUESSED, "bits_guessed")   /* 1: nothing but the values says how many */                     \
    X(INSP_STAT_ALPHA_IGNORED, "alpha_ignored") /* 1: every pixel was fully transparent */                        \
    X(INSP_STAT_TRANSPARENT, "transparent")     /* share of pixels that are not opaque */                         \
    X(INSP_STAT_DARK, "dark")           /* level that 0.5 % are below, in the channel where it is least */        \
    X(INSP_STAT_BRIGHT, "bright")       /* level that 0.5 % are above, where it is greatest */                    \
    X(INSP_STAT_SPREAD, "spread")       /* from one to the other, in the channel where it is widest */            \
    X(INSP_STAT_MEAN, "mean")           /* mean level of (red + 2 green + blue) / 4 */                            \
    X(INSP_STAT_SATURATED, "saturated") /* share of pixels with a channel at 254 or 255 */                        \
    X(INSP_STAT_CHROMA, "chroma")       /* mean of greatest - least channel of a pixel, levels */

enum insp_stat {
#define X(symbol, name) symbol,
    INSP_STAT_TABLE(X)
#undef X
        INSP_STAT_COUNT
};

/* "side", "aspect"... */
const char *insp_stat_name(enum insp_stat stat);

struct insp_image_stats {
    float value[INSP_STAT_COUNT];
};

/* Measures a decoded image, from at most about 33 000 of its pixels on a regular grid: below 0.3 ms. Never fails.
 */
void insp_image_stats(const struct insp_image *image, struct insp_image_stats *ret);

/* Least and greatest value of each number over some pictures; low > high where it is not known. */
struct insp_stat_ranges {
    unsigned count; /* pictures; 0: nothing is known */
    float low[INSP_STAT_COUNT], high[INSP_STAT_COUNT];
};

/* No picture yet. */
struct insp_stat_ranges insp_stat_ranges_none(void);
void insp_stat_ranges_add(struct insp_stat_ranges *ranges, const struct insp_image_stats *stats);
bool insp_stat_known(const struct insp_stat_ranges *ranges, enum insp_stat stat);

#endif
