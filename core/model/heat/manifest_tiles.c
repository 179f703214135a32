/* The tiles of a manifest, which concern its heat and its regions too, and its heat. */
#include "core/model/manifest.h"

static void set_grid(struct insp_manifest *manifest, struct insp_tiles tiles) {
    manifest->tiles = tiles;
    manifest->heatmap.map = insp_tiles_on(tiles) ? insp_tiles_map(tiles) : (struct insp_map_size){0, 0};
}

int insp_manifest_tile(struct insp_manifest *manifest, struct insp_tiles tiles, struct insp_error *reterr) {
    set_grid(manifest, tiles);
    return insp_field_set_tile(manifest->fields, tiles, reterr);
}

/* Passes a code on, with a detail that names the tiles. */
static int tell(int code, const struct insp_error *why, struct insp_error *reterr) {
    return code == 0 ? 0 : insp_fail(reterr, code == INSP_E_NOMEM ? code : INSP_E_MODEL, "tiles: %s", why->detail);
}

int insp_manifest_read_tiles(struct insp_manifest *manifest, const json_t *json, struct insp_error *reterr) {
    struct insp_tiles tiles;
    struct insp_error why = {0};
    int r = insp_tiles_read(json, &tiles, &why);
    if (r == 0 && insp_tiles_on(tiles) && manifest->heatmap.scale != INSP_SCALE_FIXED)
        r = insp_fail(&why, INSP_E_MODEL, "heatmap.scale must be \"fixed\"");
    if (r == 0)
        set_grid(manifest, tiles);
    return tell(r, &why, reterr);
}

int insp_manifest_tile_fields(struct insp_manifest *manifest, struct insp_error *reterr) {
    struct insp_error why = {0};
    return tell(insp_field_set_tile(manifest->fields, manifest->tiles, &why), &why, reterr);
}

/* Returns the heat at the good-only threshold in bundles without "heat": that of the training, by which their
 * golden maps were made. heatmap.threshold may have been changed since. */
static float old_threshold(const struct insp_manifest *manifest) {
    const json_t *trained = json_object_get(manifest->training, "heatmap_threshold");
    double threshold = json_number_value(trained);
    return json_is_number(trained) && threshold >= 0 && threshold <= 1 ? (float)threshold
                                                                       : manifest->heatmap.threshold;
}

int insp_manifest_read_heat(struct insp_manifest *manifest, const json_t *json, struct insp_error *reterr) {
    return insp_heat_choice_parse(json, *manifest->weights_sha256, manifest->good_only.images != 0,
                                  old_threshold(manifest), &manifest->heat, &manifest->heat_chosen, reterr);
}
