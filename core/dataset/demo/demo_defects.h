/* core/dataset/demo/demo_defects.h - what can be wrong with the demo carpet. Pure functions of a key; any thread.
 * Coordinates as in demo_texture.h. */
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
    double x, y;                             /* its middle */
    double radius;                           /* hole, stain: mean radius; thread: half its width */
    double stretch, sine, cosine;            /* hole, stain: an ellipse, turned */
    double path[INSP_DEMO_THREAD_POINTS][2]; /* thread: where it lies */
    double rgb[3];                           /* thread, stain: its colour */
};

/* Draws place, size and form from the key; nothing for INSP_DEMO_GOOD. */
struct insp_demo_flaw insp_demo_flaw_new(enum insp_demo_defect kind, uint64_t key);

/* Changes one pixel's colour. True where the pixel belongs to the defect's mask. */
bool insp_demo_flaw_apply(const struct insp_demo_flaw *flaw, const struct insp_demo_carpet *carpet, double x,
                          double y, double rgb[3]);

#endif
