/* core/inspect/opinion.h - hold what a shadow, a version that runs beside the active one, says of an inspection.
 * It has two halves that end in any order: the engine's, with the shadow's answer, and the pipeline's, with the
 * active version's verdict, once that is stored. The verdict that a client gets never waits for the first half. */
#ifndef INSP_INSPECT_OPINION_H
#define INSP_INSPECT_OPINION_H

#include "core/base/uuid.h"
#include "core/inspect/scoring.h"

struct insp_opinion {
    struct insp_model *model; /* the shadow; owned reference */
    int64_t since_us;         /* wall; names the shadow's run (core/store/lists/shadow_rows.h) */
    /* Called on the loop when both halves have ended; owns the opinion then. */
    void (*done)(struct insp_opinion *opinion);
    void *data;   /* the caller's */
    uint8_t *rgb; /* the picture, as in struct insp_shot, owned; the active version reads it too */
    struct insp_image_claim claim;  /* the share of the image budget that rgb holds */
    const struct insp_field *field; /* of the model, for the picture's camera; NULL: the whole picture */
    unsigned halves;                /* that have not ended; loop thread */
    uint32_t suspect;               /* reasons that concern the picture, not its judgement; 0 */
    struct insp_kept *kept;         /* used by the engine only: what the pass has kept of the picture */
    struct insp_opinion *next;      /* used by the engine only */

    /* the pipeline's half */
    bool stored; /* the inspection has a verdict and is stored */
    char id[INSP_UUID_BYTES];
    enum insp_verdict active;

    /* the engine's half */
    bool answered;           /* false: the line had no time for the shadow, or it failed */
    int code;                /* INSP_E_*: it failed, with error filled; else 0 */
    struct insp_error error; /* of the shadow */
    float probability;
    struct insp_good_answer good;
    int64_t took_us; /* on the inference thread */
};

/* Makes an opinion with one half, the pipeline's. Adds a reference to the model. NULL without memory. */
struct insp_opinion *insp_opinion_new(struct insp_model *shadow);
void insp_opinion_free(struct insp_opinion *opinion); /* accepts NULL */

/* Ends a half; the last one calls done. Loop thread. Accepts NULL. */
void insp_opinion_end(struct insp_opinion *opinion);

/* Returns the verdict that the shadow would have given; valid if answered. Pure. */
enum insp_verdict insp_opinion_verdict(const struct insp_opinion *opinion);

/* Holds the opinions of one pass, and room for what it keeps. Inference thread. */
enum { INSP_OPINIONS = 8 }; /* of one pass; each keeps up to 1.8 MB */
struct insp_opinions {
    struct insp_kept kept[INSP_OPINIONS];
    size_t lent, count, next; /* next: of `at`, to be asked or ended */
    struct insp_opinion *at[INSP_OPINIONS];
};

/* Begins a pass. */
void insp_opinions_begin(struct insp_opinions *opinions);
/* Lends room for what the pass for `passing` keeps of the opinion's picture. NULL if there is none left, and for
 * no opinion: it stays unanswered. */
struct insp_kept *insp_opinions_lend(struct insp_opinions *opinions, const struct insp_model *passing,
                                     struct insp_opinion *opinion);
/* Takes an opinion whose picture was scored and has room; returns whether it did. */
bool insp_opinions_take(struct insp_opinions *opinions, struct insp_opinion *opinion, int code);
/* Returns the next one that was taken and not yet returned, NULL at the end. */
struct insp_opinion *insp_opinions_next(struct insp_opinions *opinions);
/* Asks the shadow about the picture of one of them. Blocks for the time of a tail, or of passes, between which it
 * calls room->between; if that ends them, the opinion stays unanswered. */
void insp_opinion_ask(struct insp_opinion *opinion, struct insp_trunk *trunk, struct insp_scoring_room *room);
void insp_opinions_clear(struct insp_opinions *opinions); /* frees the room */

#endif
