/* core/inspect/inspection.h - one inspection: the job that travels loop -> pool -> inference thread -> pool ->
 * loop. It is touched by one thread at a time; each arrow hands the whole job over, so there is no lock in it. */
#ifndef INSP_INSPECT_INSPECTION_H
#define INSP_INSPECT_INSPECTION_H

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
    void (*done)(struct insp_inspection *job); /* loop thread; owns the job again */
    void *data;
    _Atomic bool abandoned; /* loop thread, at any time: nobody waits any more. The pipeline ends the job before
                               its next stage with INSP_E_CANCELLED, nothing stored */

    /* set on the way */
    char id[INSP_UUID_BYTES];
    uint32_t width, height; /* of the posted image */
    char sha256[INSP_SHA256_HEX_BYTES];
    float *pixels; /* network input, owned; freed after the pass */
    struct insp_score score;
    enum insp_verdict verdict;
    struct insp_heat_summary heat;
    char media_type[96]; /* of the body, with parameters for raw */
    int64_t scored_us;   /* monotonic, when the pass was over: the store's time begins */
    int64_t decode_us, queue_us, inference_us, store_us, total_us;
    int code; /* 0 or INSP_E_* */
    struct insp_error error;

    /* the pipeline's */
    uv_work_t work;
    struct insp_pipeline *pipeline;
    struct insp_inspection *next;
};

struct insp_inspection *insp_inspection_new(void); /* zeroed, with an id; NULL without memory */
void insp_inspection_free(struct insp_inspection *job);

/* The row that the store keeps, borrowing from the job. */
void insp_inspection_record(const struct insp_inspection *job, struct insp_record *ret);

DEFINE_CLEANUP(struct insp_inspection, insp_inspection_free);
#endif
