/* core/heat/heatmap.c - scale the class activation map to heat 0..1. */
#include "core/heat/heatmap.h"

#include "core/compute/vgg16.h"

#include <math.h>
#include <string.h>

/* Differences below this share of the map's magnitude come from rounding sums over 512 channels, not from the
 * picture. */
static const float FLAT = 1e-6f;

bool insp_heat_view_parse(const char *text, enum insp_heat_view *ret) {
    static const char *const NAME[] = {
        [INSP_VIEW_THRESHOLD] = "threshold", [INSP_VIEW_OVERLAY] = "overlay", [INSP_VIEW_RAW] = "raw"};
    for (size_t i = 0; i < INSP_COUNT(NAME); i++) {
        if (!strcmp(text, NAME[i])) {
            *ret = (enum insp_heat_view)i;
            return true;
        }
    }
    return false;
}

/* Finds the range of the finite values of a map; returns false if the map is flat or has none. */
static bool map_range(const float *cam, size_t cells, float *ret_low, float *ret_high) {
    float low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < cells; i++) {
        if (!isfinite(cam[i]))
            continue;
        low = fminf(low, cam[i]);
        high = fmaxf(high, cam[i]);
    }
    *ret_low = low;
    *ret_high = high;
    return high - low > FLAT * fmaxf(fabsf(low), fabsf(high));
}

struct insp_map_size insp_heat_map(const struct insp_heat_params *params) {
    return params->map.columns ? params->map : (struct insp_map_size){INSP_MAP_SIDE, INSP_MAP_SIDE};
}

size_t insp_heat_cells(const struct insp_heat_params *params) {
    return insp_map_cells(insp_heat_map(params));
}

void insp_heat_scale(const struct insp_heat_params *params, const float *cam, float *out) {
    const size_t cells = insp_heat_cells(params);
    float low, high;
    bool flat = !map_range(cam, cells, &low, &high);
    if (params->scale == INSP_SCALE_FIXED) {
        low = params->low;
        high = params->high;
    }
    if (flat || !(high > low)) {
        memset(out, 0, cells * sizeof *out);
        return;
    }
    for (size_t i = 0; i < cells; i++) {
        float heat = (cam[i] - low) / (high - low);
        out[i] = heat > 0 ? fminf(heat, 1) : 0; /* a NaN is not above 0 */
    }
}
