#include "core/train/tiles/tile_golden.h"

#include <string.h>

int insp_golden_worst(struct insp_trunk *trunk, struct insp_model *model, const struct insp_field *field,
                      struct insp_golden_sample *sample, struct insp_error *reterr) {
    const struct insp_tiles tiles = model->manifest->tiles;
    struct insp_field_cells cells;
    size_t worst = 0;
    sample->probability = -1;
    for (size_t t = 0; t < insp_tiles_count(tiles); t++) {
        const struct insp_shot shot = {.model = model,
                                       .rgb = sample->rgb + t * INSP_GOLDEN_RGB_BYTES,
                                       .field = field,
                                       .single = insp_tiles_on(tiles)};
        float probability, map[INSP_MAP_FLOATS];
        if (field && insp_tiles_on(tiles) && !insp_field_cells_of(field, tiles, t, &cells))
            continue;
        int r = insp_model_score(trunk, &shot, 1, &probability, map, NULL, reterr);
        if (r < 0)
            return r;
        if (probability <= sample->probability)
            continue;
        worst = t;
        sample->probability = probability;
        memcpy(sample->map, map, sizeof map);
    }
    memmove(sample->rgb, sample->rgb + worst * INSP_GOLDEN_RGB_BYTES, INSP_GOLDEN_RGB_BYTES);
    return 0;
}
