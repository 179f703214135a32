/* core/inspect/inspection.h - hold one inspection: the job that travels from the loop to a lane, the inference
 * thread, a lane and back to the loop. One thread at a time owns it; each hand-over passes the whole job, so
 * it needs no lock. */
#ifndef INSP_INSPECT_INSPECTION_H
#define INSP_INSPECT_INSPECTION_H

#include "core/base/lanes/work.h"
#include "core/base/sha256.h"
#include "core/base/uuid.h"
#include "core/heat/heatmap.h"
#include "core/image/image.h"
#include "core/inspect/engine.h"
#include "core/store/store.h"

enum { INSP_TAG_BYTES = 129 }; /* camera, part: up to 128 bytes of UTF-8 */

struct insp_inspection {
    /* set before insp_pipeline_submit */
    char camera[INSP_TAG_BYTES], part[INSP_TAG_BYTES]; /* "" if not given */
    struct insp_media_type type;
    uint8_t *body; /* the posted bytes, owned; freed once stored */
    size_t body_bytes;
    int64_t received_us;                       /* wall */
    int64_t started_us;                        /* monotonic, when the headers arrived */
    int64_t deadline_us;                       /* monotonic; 0 none */
    int64_t takt_us;                           /* of the product; 0 none */
    struct insp_model *model;                  /* owned reference */
    bool wants_png;                            /* render the heatmap's threshold view for the answer */
    void (*done)(struct insp_inspection *job); /* loop thread; owns the job again */
    const struct insp_watched *watched;        /* borrowed: the file that it came from; NULL: none */
    void *data;                                /* the caller's: the request that waits for the answer */
    void *owner;                               /* the caller's: the counter of inspections */

    /* set by the stages */
    char id[INSP_UUID_BYTES];
    uint32_t width, height; /* of the posted image */
    char sha256[INSP_SHA256_HEX_BYTES];
    uint8_t *rgb; /* as in struct insp_shot, owned; freed after the pass */
    float *cam;   /* the map, insp_heat_cells of the model's heatmap, owned */
    struct insp_score score;
    struct insp_opinion *opinion; /* of the shadow; its pipeline half, ended with the job; NULL: none */
    uint32_t stray_bytes;         /* stray bytes skipped in a JPEG */
    uint32_t suspect;             /* reasons why the picture is suspect: suspect.h */
    enum insp_verdict verdict;    /* never good for a suspect picture */
    struct insp_heat_summary heat;
    unsigned char *png; /* if wants_png, owned */
    size_t png_bytes;
    char media_type[96]; /* of the body, with parameters for raw */
    /* The stages, in this order; pipeline.h describes them. Their sum is total_us. */
    int64_t receive_us, wait_us, decode_us, queue_us, inference_us, store_us, total_us;
    int64_t commit_us;    /* commit of the transaction with its record; not part of total_us */
    int64_t committed_us; /* monotonic: the end of that commit */
    int code;             /* 0 or INSP_E_* */
    struct insp_error error;

    /* used by the pipeline only */
    struct insp_task task;
    struct insp_pipeline *pipeline;
    struct insp_inspection *next;
    struct insp_image_claim claim; /* the share of the budget that the tiles of rgb hold */
    int64_t submitted_us;          /* monotonic */
    bool large;                    /* decoded as a heavy task */
    bool judged;                   /* has its verdict */
    bool storing;                  /* loop thread: in a group that is being committed */
    _Atomic bool abandoned;        /* its client has left: it ends before its next stage */
};

/* Returns a zeroed inspection with an id, the caller's; NULL without memory. Any thread. */
struct insp_inspection *insp_inspection_new(void);
void insp_inspection_free(struct insp_inspection *job); /* accepts NULL */

/* Describes the row of a job for the store; the record borrows from the job. */
void insp_inspection_record(const struct insp_inspection *job, struct insp_record *ret);

DEFINE_CLEANUP(struct insp_inspection, insp_inspection_free);
#endif
