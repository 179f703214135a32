/* core/inspect/inspection.h - one inspection: the job that travels loop -> lane -> inference thread -> lane ->
 * loop. One thread at a time owns it; each step hands the whole job over, so there is no lock in it. */
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
    /* set by whoever submits */
    char camera[INSP_TAG_BYTES], part[INSP_TAG_BYTES]; /* "" where not given */
    struct insp_media_type type;
    uint8_t *body; /* the posted bytes, owned; freed once stored */
    size_t body_bytes;
    int64_t received_us;                       /* wall */
    int64_t started_us;                        /* monotonic, when the headers came */
    int64_t deadline_us;                       /* monotonic; 0 none */
    struct insp_model *model;                  /* owned reference */
    bool wants_png;                            /* render the heatmap's threshold view for the answer */
    void (*done)(struct insp_inspection *job); /* loop thread; owns the job again */
    void *data;                                /* the caller's: who waits for the answer */
    void *owner;                               /* the caller's: who keeps count of inspections */

    /* set on the way */
    char id[INSP_UUID_BYTES];
    uint32_t width, height; /* of the posted image */
    char sha256[INSP_SHA256_HEX_BYTES];
    float *pixels; /* network input, owned; freed after the pass */
    struct insp_score score;
    uint32_t stray_bytes;      /* passed over in a JPEG */
    uint32_t suspect;          /* reasons not to trust the picture: suspect.h */
    enum insp_verdict verdict; /* never good where suspect */
    struct insp_heat_summary heat;
    unsigned char *png; /* where it was wanted, owned */
    size_t png_bytes;
    char media_type[96]; /* of the body, with parameters for raw */
    /* The stages, in this order; pipeline.h says what each one is. Their sum is total_us. */
    int64_t receive_us, wait_us, decode_us, queue_us, inference_us, store_us, total_us;
    int64_t commit_us; /* of the transaction that the record is in; not part of total_us */
    int code;          /* 0 or INSP_E_* */
    struct insp_error error;

    /* the pipeline's */
    struct insp_task task;
    struct insp_pipeline *pipeline;
    struct insp_inspection *next;
    int64_t submitted_us;   /* monotonic */
    bool large;             /* it is decoded as a heavy task */
    bool judged;            /* it has its verdict */
    bool storing;           /* loop thread: in a group whose commit is under way */
    _Atomic bool abandoned; /* nobody waits for it any more: it ends before its next stage */
};

struct insp_inspection *insp_inspection_new(void); /* zeroed, with an id; NULL without memory */
void insp_inspection_free(struct insp_inspection *job);

/* The row that the store keeps, borrowing from the job. */
void insp_inspection_record(const struct insp_inspection *job, struct insp_record *ret);

DEFINE_CLEANUP(struct insp_inspection, insp_inspection_free);
#endif
