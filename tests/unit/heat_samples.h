/* tests/unit/heat_samples.h - maps for the tests of the heatmap. */
#ifndef INSP_TESTS_HEAT_SAMPLES_H
#define INSP_TESTS_HEAT_SAMPLES_H

#include "core/compute/vgg16.h"
#include "core/heat/heatmap.h"

#include <string.h>

/* Heat as it is: fixed, 0..1. */
static const struct insp_heat_params SAMPLE_PARAMS = {
    .scale = INSP_SCALE_FIXED, .threshold = 0.7f, .low = 0, .high = 1};

/* All 0 but for the given cells, which are 1: "3,4 3,5". */
static inline void sample_map(float map[INSP_MAP_FLOATS], const unsigned (*cell)[2], size_t cells) {
    memset(map, 0, INSP_MAP_FLOATS * sizeof *map);
    for (size_t i = 0; i < cells; i++)
        map[cell[i][0] * INSP_MAP_SIDE + cell[i][1]] = 1;
}

#endif
