#include "core/inspect/opinion.h"

#include "core/base/clock.h"

#include <stdlib.h>

struct insp_opinion *insp_opinion_new(struct insp_model *shadow) {
    struct insp_opinion *opinion = calloc(1, sizeof *opinion);
    if (!opinion)
        return NULL;
    opinion->model = insp_model_ref(shadow);
    opinion->halves = 1;
    return opinion;
}

void insp_opinion_free(struct insp_opinion *opinion) {
    if (!opinion)
        return;
    insp_model_unref(opinion->model);
    free(opinion->rgb);
    insp_image_budget_return(&opinion->claim);
    free(opinion);
}

void insp_opinion_end(struct insp_opinion *opinion) {
    if (opinion && --opinion->halves == 0)
        opinion->done(opinion);
}

enum insp_verdict insp_opinion_verdict(const struct insp_opinion *opinion) {
    uint32_t suspect = opinion->suspect;
    return insp_model_verdict(opinion->model->manifest, opinion->probability, &opinion->good, &suspect);
}

/* --- asking, on the inference thread --- */

void insp_opinions_begin(struct insp_opinions *opinions) {
    opinions->lent = opinions->count = opinions->next = 0;
}

struct insp_kept *insp_opinions_lend(struct insp_opinions *opinions, const struct insp_model *passing,
                                     struct insp_opinion *opinion) {
    if (!opinion || opinions->lent == INSP_OPINIONS)
        return NULL;
    opinion->kept = &opinions->kept[opinions->lent++];
    insp_kept_want(opinion->kept, passing, opinion->model);
    return opinion->kept;
}

bool insp_opinions_take(struct insp_opinions *opinions, struct insp_opinion *opinion, int code) {
    if (!opinion || !opinion->kept || code < 0)
        return false;
    opinions->at[opinions->count++] = opinion;
    return true;
}

struct insp_opinion *insp_opinions_next(struct insp_opinions *opinions) {
    return opinions->next < opinions->count ? opinions->at[opinions->next++] : NULL;
}

void insp_opinion_ask(struct insp_opinion *opinion, struct insp_trunk *trunk, struct insp_scoring_room *room) {
    const struct insp_shot shot = {.model = opinion->model, .rgb = opinion->rgb, .field = opinion->field};
    float cam[INSP_TILES_MAP_MAX];
    int64_t begin_us = insp_mono_us();
    int r = insp_model_score_kept(trunk, &shot, opinion->kept, room, &opinion->probability, cam, &opinion->good,
                                  &opinion->error);
    opinion->answered = r == 0;
    opinion->code = r == INSP_E_CANCELLED ? 0 : r; /* the engine stops: for want of time */
    opinion->took_us = insp_mono_us() - begin_us;
}

void insp_opinions_clear(struct insp_opinions *opinions) {
    for (size_t i = 0; i < INSP_OPINIONS; i++)
        insp_kept_clear(&opinions->kept[i]);
}
