#include "core/inspect/pipeline.h"

#include "core/base/clock.h"
#include "core/image/transform.h"
#include "core/model/model.h"

enum { GROUP = 64 };

struct insp_pipeline {
    uv_loop_t *loop;
    struct insp_pipeline_config config;
    size_t in_flight;
    struct insp_inspection *waiting, **waiting_tail; /* for the store */
    /* the group that is being stored: the pool's while storing, else the loop's */
    uv_work_t store_work;
    bool storing;
    size_t count;
    struct insp_inspection *group[GROUP];
    struct insp_record record[GROUP];
};

int insp_pipeline_new(uv_loop_t *loop, const struct insp_pipeline_config *config, struct insp_pipeline **ret,
                      struct insp_error *reterr) {
    struct insp_pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (!pipeline)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the pipeline");
    pipeline->loop = loop;
    pipeline->config = *config;
    pipeline->waiting_tail = &pipeline->waiting;
    pipeline->store_work.data = pipeline;
    *ret = pipeline;
    return 0;
}

void insp_pipeline_free(struct insp_pipeline *pipeline) {
    free(pipeline);
}

size_t insp_pipeline_in_flight(const struct insp_pipeline *pipeline) {
    return pipeline->in_flight;
}

/* Asked at every arrow: work for nobody, or for an answer that comes too late, is not begun. */
static bool ended(struct insp_inspection *job, const char *before) {
    if (job->abandoned)
        job->code = insp_fail(&job->error, INSP_E_CANCELLED, "the client left before the %s", before);
    else if (job->deadline_us && insp_mono_us() >= job->deadline_us)
        job->code = insp_fail(&job->error, INSP_E_DEADLINE, "the deadline passed before the %s", before);
    return job->code < 0;
}

static void finish(struct insp_pipeline *pipeline, struct insp_inspection *job) {
    free(insp_take_ptr(job->pixels));
    free(insp_take_ptr(job->body));
    if (job->code < 0)
        job->total_us = insp_mono_us() - job->started_us;
    pipeline->in_flight--;
    job->done(job);
}

/* --- decode: pool --- */

static void name_media(struct insp_inspection *job) {
    static const char *const format[] = {
        [INSP_RAW_MONO8] = "mono8", [INSP_RAW_RGB8] = "rgb8", [INSP_RAW_BGR8] = "bgr8"};
    if (job->type.media == INSP_MEDIA_UNKNOWN)
        job->type.media = insp_image_sniff(job->body, job->body_bytes);
    if (job->type.media == INSP_MEDIA_RAW)
        snprintf(job->media_type, sizeof job->media_type, "image/x-raw;format=%s;width=%u;height=%u",
                 format[job->type.raw_format], job->type.raw_width, job->type.raw_height);
    else
        snprintf(job->media_type, sizeof job->media_type, "%s", insp_media_name(job->type.media));
}

static int decode_body(struct insp_inspection *job, struct insp_error *reterr) {
    const struct insp_transform *transform = &job->model->manifest->input;
    _cleanup_(insp_image_freep) struct insp_image *image = NULL, *small = NULL;
    insp_sha256_hex(job->body, job->body_bytes, job->sha256);
    int r = insp_image_decode(job->body, job->body_bytes, &job->type, INSP_INPUT_SIDE,
                              &job->pipeline->config.image_limits, &image, reterr);
    if (r < 0)
        return r;
    name_media(job);
    job->width = image->posted_width;
    job->height = image->posted_height;
    r = insp_image_resize(image, INSP_INPUT_SIDE, INSP_INPUT_SIDE, &small, reterr);
    if (r < 0)
        return r;
    job->pixels = malloc(INSP_INPUT_FLOATS * sizeof *job->pixels);
    if (!job->pixels)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the network's input");
    insp_transform_apply(transform, small->rgb, job->pixels);
    return 0;
}

static void decode_work(uv_work_t *work) {
    struct insp_inspection *job = work->data;
    if (ended(job, "image was decoded"))
        return;
    int64_t begin_us = insp_mono_us();
    job->code = decode_body(job, &job->error);
    job->decode_us = insp_mono_us() - begin_us;
}

static void on_scored(struct insp_score *score);

static void on_decoded(uv_work_t *work, int status) {
    (void)status; /* UV_ECANCELED only: nobody cancels */
    struct insp_inspection *job = work->data;
    if (job->code < 0 || ended(job, "image was scored")) {
        finish(job->pipeline, job);
        return;
    }
    job->score = (struct insp_score){.model = job->model,
                                     .pixels = job->pixels,
                                     .deadline_us = job->deadline_us,
                                     .done = on_scored,
                                     .data = job};
    insp_engine_submit(job->pipeline->config.engine, &job->score);
}

/* --- store: pool --- */

static void judge(struct insp_inspection *job) {
    const struct insp_manifest *manifest = job->model->manifest;
    job->verdict = insp_verdict_of(manifest, job->score.probability);
    job->code = insp_heat_summarise(&manifest->heatmap, job->verdict != INSP_VERDICT_GOOD, job->score.cam,
                                    job->width, job->height, &job->heat, &job->error);
}

static void stamp(struct insp_inspection *job) {
    int64_t now_us = insp_mono_us();
    job->store_us = now_us - job->scored_us;
    job->total_us = now_us - job->started_us;
}

static void put_group(struct insp_pipeline *pipeline, struct insp_inspection **jobs, size_t count) {
    struct insp_store *store = pipeline->config.store;
    struct insp_error error;
    for (size_t i = 0; i < count; i++) {
        stamp(jobs[i]);
        insp_inspection_record(jobs[i], &pipeline->record[i]);
    }
    int r = count ? insp_store_put(store, pipeline->record, count, &error) : 0;
    for (size_t i = 0; i < count; i++) {
        jobs[i]->code = r;
        if (r < 0 && count > 1)
            jobs[i]->code = insp_store_put(store, &pipeline->record[i], 1, &jobs[i]->error);
        else if (r < 0)
            jobs[i]->error = error;
        stamp(jobs[i]);
    }
}

static void store_work(uv_work_t *work) {
    struct insp_pipeline *pipeline = work->data;
    struct insp_inspection *fit[GROUP];
    size_t count = 0;
    for (size_t i = 0; i < pipeline->count; i++) {
        struct insp_inspection *job = pipeline->group[i];
        if (!ended(job, "result was stored"))
            judge(job);
        if (job->code == 0)
            fit[count++] = job;
    }
    put_group(pipeline, fit, count);
}

static void store_next(struct insp_pipeline *pipeline);

static void on_stored(uv_work_t *work, int status) {
    (void)status;
    struct insp_pipeline *pipeline = work->data;
    struct insp_inspection *group[GROUP];
    size_t count = pipeline->count;
    bool full = false;
    for (size_t i = 0; i < count; i++) {
        group[i] = pipeline->group[i];
        full |= group[i]->code == INSP_E_NOSPACE;
    }
    pipeline->storing = false;
    store_next(pipeline); /* the disk works while the answers go out */
    if (full && pipeline->config.on_nospace)
        pipeline->config.on_nospace(pipeline->config.on_nospace_arg);
    for (size_t i = 0; i < count; i++)
        finish(pipeline, group[i]);
}

/* Group commit: whatever gathered while the last group was being stored goes into the next one. */
static void store_next(struct insp_pipeline *pipeline) {
    if (pipeline->storing || !pipeline->waiting)
        return;
    pipeline->count = 0;
    while (pipeline->waiting && pipeline->count < GROUP) {
        pipeline->group[pipeline->count++] = pipeline->waiting;
        pipeline->waiting = pipeline->waiting->next;
    }
    if (!pipeline->waiting)
        pipeline->waiting_tail = &pipeline->waiting;
    pipeline->storing = true;
    uv_queue_work(pipeline->loop, &pipeline->store_work, store_work, on_stored);
}

static void on_scored(struct insp_score *score) {
    struct insp_inspection *job = score->data;
    struct insp_pipeline *pipeline = job->pipeline;
    free(insp_take_ptr(job->pixels));
    job->queue_us = score->queue_us;
    job->inference_us = score->inference_us;
    job->scored_us = insp_mono_us();
    job->code = score->code;
    if (score->code < 0) {
        job->error = score->error;
        finish(pipeline, job);
        return;
    }
    job->next = NULL;
    *pipeline->waiting_tail = job;
    pipeline->waiting_tail = &job->next;
    store_next(pipeline);
}

void insp_pipeline_submit(struct insp_pipeline *pipeline, struct insp_inspection *job) {
    pipeline->in_flight++;
    job->pipeline = pipeline;
    job->code = 0;
    job->work.data = job;
    uv_queue_work(pipeline->loop, &job->work, decode_work, on_decoded); /* fails without a callback only */
}
