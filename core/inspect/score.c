#include "core/inspect/score.h"

#include <string.h>

int insp_score_batch(struct insp_trunk *trunk, struct insp_score **batch, size_t n, struct insp_scoring_room *room,
                     float *cam, struct insp_error *reterr) {
    struct insp_shot shot[INSP_BATCH_LIMIT] = {0}; /* GCC does not see under the sanitizers that n >= 1 */
    struct insp_good_answer good[INSP_BATCH_LIMIT];
    struct insp_kept *kept[INSP_BATCH_LIMIT] = {NULL};
    float probability[INSP_BATCH_LIMIT];
    if (!trunk)
        return insp_fail(reterr, INSP_E_NOT_READY,
                         "no trunk is loaded: run `inspectd trunk import` or `inspectd trunk bank`");
    for (size_t i = 0; i < n; i++) {
        shot[i] = (struct insp_shot){
            .model = batch[i]->model, .rgb = batch[i]->rgb, .field = batch[i]->field, .single = batch[i]->single};
        kept[i] = batch[i]->kept;
    }
    int r = insp_model_score_keep(trunk, shot, n, room, kept, probability, cam, good, reterr);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        const size_t cells =
            batch[i]->single ? INSP_MAP_FLOATS : insp_map_cells(insp_tiles_map(batch[i]->model->manifest->tiles));
        batch[i]->probability = probability[i];
        batch[i]->good = good[i];
        memcpy(batch[i]->cam, cam, cells * sizeof *cam);
        cam += cells;
    }
    return 0;
}
