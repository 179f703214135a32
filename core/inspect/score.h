/* core/inspect/score.h - hold an image on its way through the inference thread (engine.h), and lists of such
 * images. One thread at a time per object. */
#ifndef INSP_INSPECT_SCORE_H
#define INSP_INSPECT_SCORE_H

#include "core/inspect/opinion.h"

enum { INSP_BATCH_LIMIT = 64 }; /* most images in one pass */

/* Holds one image to score. The memory is the caller's and must live until done. If a whole pass fails with
 * INSP_E_MODEL, its images are scored again one by one, so that only an image with a result that is not finite
 * fails (then batch is 1 and inference_us the time of all). Without a trunk: INSP_E_NOT_READY. */
struct insp_score {
    struct insp_model *model;       /* in: the caller keeps its reference until done */
    const uint8_t *rgb;             /* in: as in struct insp_shot; transformed as the model's manifest says */
    const struct insp_field *field; /* in: the part of the picture that counts; the model's, NULL: all */
    bool single;                    /* in: as in struct insp_shot */
    float *cam;                     /* in: memory for the map that insp_model_score gives, the caller's; out */
    int64_t deadline_us; /* in: monotonic; 0: none. Expired before its batch forms: INSP_E_DEADLINE, not scored */
    void (*done)(struct insp_score *score); /* in: loop thread */
    void *data;                             /* the caller's */
    /* in: NULL, or the opinion to ask for after the pass. The engine adds and ends its half. `rgb` is the
     * opinion's. */
    struct insp_opinion *opinion;
    float probability;              /* out */
    struct insp_good_answer good;   /* out */
    int64_t queue_us, inference_us; /* out: wait for the device; duration of its pass */
    size_t batch;                   /* out: images in its pass */
    int code;                       /* out: 0 or INSP_E_*, with error filled */
    struct insp_error error;
    struct insp_kept *kept;  /* used by the engine only */
    int64_t submitted_us;    /* used by the engine only */
    struct insp_score *next; /* used by the engine only */
};

/* Scores the images of a pass and fills in their answers, except code, times and batch.
 *   trunk  NULL: fails with INSP_E_NOT_READY
 *   batch  [n], n from 1 to INSP_BATCH_LIMIT
 *   cam    scratch memory for the maps of the batch
 * Fails as insp_model_score_keep does, with INSP_E_MODEL if one image has a result that is not finite. Blocks;
 * inference thread. */
int insp_score_batch(struct insp_trunk *trunk, struct insp_score **batch, size_t n, struct insp_scoring_room *room,
                     float *cam, struct insp_error *reterr);

struct insp_score_list {
    struct insp_score *head, **tail;
};

/* Appends an image. */
static inline void insp_score_push(struct insp_score_list *list, struct insp_score *score) {
    score->next = NULL;
    *list->tail = score;
    list->tail = &score->next;
}

/* Empties a list; returns its first image, to which the others are linked. */
static inline struct insp_score *insp_score_take(struct insp_score_list *list) {
    struct insp_score *head = list->head;
    list->head = NULL;
    list->tail = &list->head;
    return head;
}

#endif
