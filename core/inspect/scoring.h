/* core/inspect/scoring.h - score pictures by served models: by the tail, by the good-only model, or by both in one
 * pass, and derive the verdict. */
#ifndef INSP_INSPECT_SCORING_H
#define INSP_INSPECT_SCORING_H

#include "core/good_only/good_sample.h"
#include "core/model/model.h"
#include "core/model/verdict.h"

/* Holds a picture for a model; all borrowed. */
struct insp_shot {
    struct insp_model *model;       /* on the trunk's device */
    const uint8_t *rgb;             /* interleaved RGB8 [tiles,224,224,3] of insp_look_tiles */
    const struct insp_field *field; /* of the model's manifest, as insp_look got it; NULL: the whole picture */
    bool single; /* rgb is one tile, [224,224,3], of which all cells count; no difference to a model without tiles
                  */
};

/* Holds the answer of a good-only model. */
struct insp_good_answer {
    bool known;              /* false: the model has none, and the rest is 0 */
    bool unlike;             /* the score is beyond 99.9 % of good parts */
    float score, percentile; /* good_threshold.h */
};

/* Scores n pictures, each by its model. A model with a tail answers by it, by its logistic regression, or by both,
 * as its manifest says; its map is the one of manifest->heat. A model without one answers by its good-only model:
 * probability as insp_good_probability, and a map of heat (insp_good_heat), of which each cell is the largest of
 * 2x2. Pictures of models with a tail share their passes, and so do those without. Cells that the field ignores
 * have no heat, and the good-only score leaves them out.
 *
 * All tiles of a picture are scored, in as many passes as they need, but for those that the field ignores. The
 * picture's answer is that of the worst tile: the highest probability, and the highest good-only score. Its map is
 * stitched (insp_tiles_stitch). Blocks; threads as for insp_score.
 *   ret_prob  float32 [n], 0..1
 *   ret_cam   float32, on the scale of each manifest's heatmap, the maps of the pictures one after the other: each
 *             as insp_tiles_map says, 14x14 without tiles and for a single one
 *   ret_good  [n], or NULL: then models with a tail skip their good-only model, unless it shapes their heat
 * Fails as insp_score_pictures_taps does, with INSP_E_MODEL for a good-only score that is not finite, and with
 * INSP_E_INTERNAL for a model that has neither. */
int insp_model_score(struct insp_trunk *trunk, const struct insp_shot *shots, size_t n, float *ret_prob,
                     float *ret_cam, struct insp_good_answer *ret_good, struct insp_error *reterr);

/* Holds the memory of passes, so that each finds that of the one before. Zeroed at first; one call at a time uses
 * it. */
struct insp_scoring_room {
    size_t pass_max; /* most pictures, or tiles, in one pass; 0: as many as are best */
    /* Called between the passes of a call, on its thread. False ends the call with INSP_E_CANCELLED. NULL: nothing
     * is between them. */
    bool (*between)(void *arg);
    void *between_arg;
    float *taps;                      /* [16,28,28,448] */
    float *features;                  /* [16,512,14,14] */
    struct insp_good_sample *samples; /* [16] */
};
void insp_scoring_room_clear(struct insp_scoring_room *room); /* frees it; accepts a zeroed one */

/* Keeps features and taps of a picture, so that another model on the same trunk can answer without a pass. */
struct insp_kept {
    float *features, *taps; /* owned; [512,14,14] and [28,28,448], each NULL until it is wanted */
    bool wants_features, wants_taps, has_features, has_taps;
};

/* Says what a pass for one model shall keep for another one, and makes room. Without memory, with
 * tiles, or if the models transform their pictures differently, it keeps nothing. */
void insp_kept_want(struct insp_kept *kept, const struct insp_model *passing, const struct insp_model *other);
void insp_kept_clear(struct insp_kept *kept); /* frees the arrays; accepts a zeroed one */

/* Scores as insp_model_score does, and keeps of each picture what its insp_kept wants.
 *   room  the caller's, for the next call
 *   kept  [n], each may be NULL */
int insp_model_score_keep(struct insp_trunk *trunk, const struct insp_shot *shots, size_t n,
                          struct insp_scoring_room *room, struct insp_kept *const *kept, float *ret_prob,
                          float *ret_cam, struct insp_good_answer *ret_good, struct insp_error *reterr);

/* Scores a picture as insp_model_score does, from what a pass for another model has kept of it: on the CPU bit for
 * bit the same. If that is not enough it runs separate passes. ret_cam: as there; ret_good: not NULL. Fails as
 * insp_model_score does.
 *   room  the caller's, for passes */
int insp_model_score_kept(struct insp_trunk *trunk, const struct insp_shot *shot, const struct insp_kept *kept,
                          struct insp_scoring_room *room, float *ret_prob, float *ret_cam,
                          struct insp_good_answer *ret_good, struct insp_error *reterr);

/* Derives the verdict from the answer of a picture. A picture that the tail calls good and the good-only model
 * finds unlike good parts gets the reason INSP_SUSPECT_UNLIKE_GOOD. A picture with a reason is never good.
 *   good     of insp_model_score
 *   suspect  reasons (suspect.h), in and out
 * Pure; any thread. */
enum insp_verdict insp_model_verdict(const struct insp_manifest *manifest, float probability,
                                     const struct insp_good_answer *good, uint32_t *suspect);

#endif
