/* core/image/stats.h - measure a picture, to tell a picture of a part from one whose content was lost on the
 * way: how dark, bright, flat and colourful it is, and how it was encoded. Pure functions; any thread. */
#ifndef INSP_IMAGE_STATS_H
#define INSP_IMAGE_STATS_H

#include "core/image/layout.h"

/* X(symbol, name in manifest.json). Levels are 0..255, shares 0..1. To add a number, append a row here and set
 * it in insp_image_stats; older manifests stay readable. */
#define INSP_STAT_TABLE(X)                                                                                        \
    X(INSP_STAT_SIDE, "side")                   /* shorter side of the posted image, pixels */                    \
    X(INSP_STAT_ASPECT, "aspect")               /* width / height, upright */                                     \
    X(INSP_STAT_BITS, "bits")                   /* bits that carry a sample */                                    \
    X(INSP_STAT_BITS_GUESSED, "bits_guessed")   /* 1: `bits` is derived from the values alone */                  \
    X(INSP_STAT_ALPHA_IGNORED, "alpha_ignored") /* 1: every pixel was fully transparent */                        \
    X(INSP_STAT_TRANSPARENT, "transparent")     /* share of pixels that are not opaque */                         \
    X(INSP_STAT_DARK, "dark")                   /* 0.5 % quantile of the levels, least of the channels */         \
    X(INSP_STAT_BRIGHT, "bright")               /* 99.5 % quantile, greatest of the channels */                   \
    X(INSP_STAT_SPREAD, "spread")               /* 99.5 % less 0.5 % quantile, greatest of the channels */        \
    X(INSP_STAT_MEAN, "mean")                   /* mean level of (red + 2 green + blue) / 4 */                    \
    X(INSP_STAT_SATURATED, "saturated")         /* share of pixels with a channel at 254 or 255 */                \
    X(INSP_STAT_CHROMA, "chroma")               /* mean of a pixel's greatest less least channel */               \
    X(INSP_STAT_SHARP, "sharp")                 /* insp_sharpness_of at the network's size; NaN: not measured */

enum insp_stat {
#define X(symbol, name) symbol,
    INSP_STAT_TABLE(X)
#undef X
        INSP_STAT_COUNT
};

/* Returns the name in manifest.json: "side", "aspect"... */
const char *insp_stat_name(enum insp_stat stat);

struct insp_image_stats {
    float value[INSP_STAT_COUNT];
    bool laid_out;             /* layout is measured */
    struct insp_layout layout; /* at the network's size */
};

/* Measures a decoded image by some 30 000 of its pixels on a regular grid, and its layout and sharpness by all
 * pixels of `small`, in less than 0.5 ms. Never fails.
 *   small  the same image at the network's size; NULL: layout and sharpness are not measured */
void insp_image_stats(const struct insp_image *image, const struct insp_image *small,
                      struct insp_image_stats *ret);

/* Writes 1 for each pixel of row y of a width x height picture that counts, else 0; ret_row: [width]. */
typedef void insp_keep_row(const void *arg, uint32_t width, uint32_t height, uint32_t y, uint8_t *ret_row);

/* Measures as above the pixels that count alone; at least one does. The layout covers the whole of `small`.
 *   keep  NULL: all pixels count
 * Fails with INSP_E_NOMEM. */
int insp_image_stats_within(const struct insp_image *image, const struct insp_image *small, insp_keep_row *keep,
                            const void *arg, struct insp_image_stats *ret, struct insp_error *reterr);

/* Holds the least and greatest value of each number over some pictures; low > high: unknown. */
struct insp_stat_ranges {
    unsigned count; /* pictures; 0: all ranges are unknown */
    float low[INSP_STAT_COUNT], high[INSP_STAT_COUNT];
    struct insp_layout_range layout;
};

/* Returns the ranges of no picture. */
struct insp_stat_ranges insp_stat_ranges_none(void);
/* Extends the ranges by one picture. A known range of layouts gets its distance as the largest one if it is
 * larger; insp_layout_range_of makes it known. */
void insp_stat_ranges_add(struct insp_stat_ranges *ranges, const struct insp_image_stats *stats);
/* Says whether the range of a number is known. */
bool insp_stat_known(const struct insp_stat_ranges *ranges, enum insp_stat stat);

#endif
