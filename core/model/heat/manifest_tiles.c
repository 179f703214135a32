/* The tiles of a manifest, which concern its heat and its regions too. */
#include "core/model/manifest.h"

int insp_manifest_tile(struct insp_manifest *manifest, struct insp_tiles tiles, struct insp_error *reterr) {
    manifest->tiles = tiles;
    manifest->heatmap.map = insp_tiles_on(tiles) ? insp_tiles_map(tiles) : (struct insp_map_size){0, 0};
    return insp_field_set_tile(manifest->fields, tiles, reterr);
}

int insp_manifest_read_tiles(struct insp_manifest *manifest, const json_t *json, struct insp_error *reterr) {
    struct insp_tiles tiles;
    struct insp_error why = {0};
    int r = insp_tiles_read(json, &tiles, &why);
    if (r == 0 && insp_tiles_on(tiles) && manifest->heatmap.scale != INSP_SCALE_FIXED)
        r = insp_fail(&why, INSP_E_MODEL, "heatmap.scale must be \"fixed\"");
    if (r == 0)
        r = insp_manifest_tile(manifest, tiles, &why);
    return r == 0 ? 0 : insp_fail(reterr, r == INSP_E_NOMEM ? r : INSP_E_MODEL, "tiles: %s", why.detail);
}
