/* core/dataset/demo/demo_defects.h - draws the defects of the demo carpet. Pure functions of a key; any thread.
 * Coordinates are as in demo_texture.h. */
#ifndef INSP_DATASET_DEMO_DEMO_DEFECTS_H
#define INSP_DATASET_DEMO_DEMO_DEFECTS_H

#include "core/base/cleanup.h"
#include "core/dataset/demo/demo_texture.h"

#include <stdbool.h>
#include <stdint.h>

enum insp_demo_defect { INSP_DEMO_GOOD, INSP_DEMO_HOLE, INSP_DEMO_THREAD, INSP_DEMO_STAIN };
enum { INSP_DEMO_THREAD_POINTS = 40 };

struct insp_demo_flaw {
    enum insp_demo_defect kind;
    uint64_t key;
    double x, y;                             /* centre */
    double radius;                           /* hole, stain: mean radius; thread: half its width */
    double stretch, sine, cosine;            /* hole, stain: the ellipse and its rotation */
    double path[INSP_DEMO_THREAD_POINTS][2]; /* thread: x and y of its middle line */
    double rgb[3];                           /* thread: colour, 0..255; stain: factor per channel, 0..1 */
};

/* Chooses place, size and shape from the key. INSP_DEMO_GOOD gives a flaw that changes no pixel. */
struct insp_demo_flaw insp_demo_flaw_new(enum insp_demo_defect kind, uint64_t key);

/* Applies the flaw to the colour at (x, y). Returns true if the point belongs to the defect's mask.
 *   rgb  as insp_demo_carpet_colour writes it; changed in place */
bool insp_demo_flaw_apply(const struct insp_demo_flaw *flaw, const struct insp_demo_carpet *carpet, double x,
                          double y, double rgb[3]);

#endif
