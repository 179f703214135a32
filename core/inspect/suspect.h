/* core/inspect/suspect.h - decide whether a picture is suspect: a picture whose content was lost on the way
 * (lamp off, cap on the lens, wrong bit depth, alpha of 0) must never get the verdict good. A pure rule over
 * the numbers of core/image/stats.h; any thread. */
#ifndef INSP_INSPECT_SUSPECT_H
#define INSP_INSPECT_SUSPECT_H

#include "core/image/stats.h"
#include "core/model/verdict.h"
#include "core/region/tiles.h"

/* X(symbol, name): bit 1 << symbol in a set of reasons. The names are a public contract (openapi.yaml), and
 * the database stores the bits: append new reasons. */
#define INSP_SUSPECT_TABLE(X)                                                                                     \
    X(INSP_SUSPECT_BLACK, "black")                                                                                \
    X(INSP_SUSPECT_WHITE, "white")                                                                                \
    X(INSP_SUSPECT_FLAT, "flat")           /* one level everywhere */                                             \
    X(INSP_SUSPECT_SATURATED, "saturated") /* overexposed */                                                      \
    X(INSP_SUSPECT_BIT_DEPTH,                                                                                     \
      "bit_depth")                   /* 16-bit PNG with values of fewer bits than in training, or guessed */      \
    X(INSP_SUSPECT_ALPHA, "alpha")   /* transparent where the training pictures are not */                        \
    X(INSP_SUSPECT_COLOUR, "colour") /* grey in place of colour, or the other way round */                        \
    X(INSP_SUSPECT_RANGE, "range")   /* far darker, brighter or flatter than the training pictures */             \
    X(INSP_SUSPECT_SHAPE, "shape")   /* another aspect ratio */                                                   \
    X(INSP_SUSPECT_SIZE, "size")     /* shorter side below the network's and below half of that in training */    \
    X(INSP_SUSPECT_UNLIKE_GOOD, "unlike_good")       /* by the good-only model (scoring.h), not by this rule */   \
    X(INSP_SUSPECT_OUT_OF_FOCUS, "out_of_focus")     /* far less sharp than the training pictures */              \
    X(INSP_SUSPECT_UNLIKE_PRODUCT, "unlike_product") /* another part, or the camera has moved */                  \
    X(INSP_SUSPECT_FROZEN, "frozen") /* the bytes of the camera's last picture (frozen.h), not by this rule */

enum insp_suspect_reason {
#define X(symbol, name) symbol,
    INSP_SUSPECT_TABLE(X)
#undef X
        INSP_SUSPECT_COUNT
};

/* Returns the name of a reason: "black"... */
const char *insp_suspect_name(enum insp_suspect_reason reason);

/* Returns the set of reasons, 0 for a trusted picture. `ranges` are those of the good training pictures: a
 * product that is dark, flat, grey or transparent by nature stays inspectable, because the limits move with
 * its pictures. Without ranges (count 0: an older bundle) only limits apply that no part is likely to reach. */
uint32_t insp_suspect_reasons(const struct insp_image_stats *stats, const struct insp_stat_ranges *ranges);

/* Returns the reason `size` as such a set if a tile of a picture has fewer pixels than the network sees, else 0.
 */
uint32_t insp_suspect_tiles(struct insp_tiles tiles, const struct insp_image_stats *stats);

/* Returns the verdict that stands: review in place of good if there is a reason. */
enum insp_verdict insp_suspect_verdict(enum insp_verdict verdict, uint32_t reasons);

#endif
