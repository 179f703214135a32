#include "core/inspect/pipeline.h"

#include "core/base/clock.h"
#include "core/inspect/frozen.h"
#include "core/inspect/suspect.h"
#include "core/model/model.h"
#include "core/region/look.h"

#include <string.h>

enum { GROUP = 64 };

struct insp_pipeline {
    struct insp_pipeline_config config;
    struct insp_frozen *frozen; /* owned; NULL: not wanted */
    size_t in_flight;
    struct insp_inspection *waiting, **waiting_tail; /* for the store */
    /* the group being stored: the lane's while `storing`, else the loop's */
    struct insp_task store_task;
    bool storing;
    size_t count;
    struct insp_inspection *group[GROUP];
    struct insp_record record[GROUP];
};

int insp_pipeline_new(const struct insp_pipeline_config *config, struct insp_pipeline **ret,
                      struct insp_error *reterr) {
    struct insp_pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (!pipeline)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the pipeline");
    pipeline->config = *config;
    pipeline->waiting_tail = &pipeline->waiting;
    int r = config->frozen_repeats ? insp_frozen_new(config->frozen_repeats, &pipeline->frozen, reterr) : 0;
    if (r < 0)
        free(pipeline);
    else
        *ret = pipeline;
    return r;
}

void insp_pipeline_free(struct insp_pipeline *pipeline) {
    if (pipeline)
        insp_frozen_free(pipeline->frozen);
    free(pipeline);
}

size_t insp_pipeline_in_flight(const struct insp_pipeline *pipeline) {
    return pipeline->in_flight;
}

/* Checks a job before every stage: do not start work whose client has left or whose deadline has passed. */
static bool ended(struct insp_inspection *job, const char *before) {
    if (job->abandoned)
        job->code = insp_fail(&job->error, INSP_E_CANCELLED, "the client left before the %s", before);
    else if (job->deadline_us && insp_mono_us() >= job->deadline_us)
        job->code = insp_fail(&job->error, INSP_E_DEADLINE, "the deadline passed before the %s", before);
    return job->code < 0;
}

/* Ends the pipeline's half of an opinion. Suspect pictures are compared with nothing: no model decides about them.
 */
static void end_opinion(struct insp_inspection *job) {
    struct insp_opinion *opinion = insp_take_ptr(job->opinion);
    if (!opinion)
        return;
    opinion->stored = job->code == 0 && !(job->suspect & ~(1U << INSP_SUSPECT_UNLIKE_GOOD));
    opinion->active = job->verdict;
    memcpy(opinion->id, job->id, sizeof opinion->id);
    insp_opinion_end(opinion);
}

static void finish(struct insp_pipeline *pipeline, struct insp_inspection *job) {
    end_opinion(job);
    free(insp_take_ptr(job->rgb));
    insp_image_budget_return(&job->claim);
    free(insp_take_ptr(job->body));
    if (job->code < 0)
        job->total_us = insp_mono_us() - job->started_us;
    pipeline->in_flight--;
    job->done(job);
}

/* --- decode, on a lane --- */

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

/* Tells the decoder to stop; called while it works and while it waits for the budget. */
static bool too_late(void *arg) {
    const struct insp_inspection *job = arg;
    return job->abandoned || (job->deadline_us && insp_mono_us() >= job->deadline_us);
}

static struct insp_image_limits limits_of(struct insp_inspection *job) {
    struct insp_image_limits limits = job->pipeline->config.image_limits;
    if (!job->large && limits.pixels > INSP_BUDGET_SMALL_PIXELS)
        limits.pixels = INSP_BUDGET_SMALL_PIXELS;
    limits.kept_bytes =
        insp_tiles_on(job->model->manifest->tiles) ? insp_look_bytes(job->model->manifest->tiles) : 0;
    limits.cancelled = too_late;
    limits.cancelled_arg = job;
    return limits;
}

static int decode_body(struct insp_inspection *job, struct insp_error *reterr) {
    const struct insp_manifest *manifest = job->model->manifest;
    const struct insp_image_limits limits = limits_of(job);
    _cleanup_(insp_image_freep) struct insp_image *image = NULL;
    struct insp_image_stats stats;
    if (!job->sha256[0])
        insp_sha256_hex(job->body, job->body_bytes, job->sha256);
    if (limits.kept_bytes && !job->large)
        return insp_fail(reterr, INSP_E_IMAGE_LIMIT,
                         "a picture of which tiles are made is decoded as a large one");
    int r = insp_image_decode(job->body, job->body_bytes, &job->type, insp_look_side(manifest->tiles), &limits,
                              &image, reterr);
    if (r < 0)
        return r;
    name_media(job);
    job->width = image->posted_width;
    job->height = image->posted_height;
    job->stray_bytes = image->source.stray_bytes;
    r = insp_look_tiles(image, insp_field_of(manifest->fields, job->camera), manifest->tiles, &stats, &job->rgb,
                        reterr);
    if (r < 0)
        return r;
    if (limits.kept_bytes)
        insp_image_keep_claim(image, limits.kept_bytes, &job->claim);
    job->suspect = insp_suspect_reasons(&stats, &manifest->pictures) | insp_suspect_tiles(manifest->tiles, &stats);
    job->cam = calloc(insp_heat_cells(&manifest->heatmap), sizeof *job->cam);
    return job->cam ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for the map");
}

static void decode_work(struct insp_task *task) {
    struct insp_inspection *job = task->data;
    if (ended(job, "image was decoded"))
        return;
    int64_t begin_us = insp_mono_us();
    job->code = decode_body(job, &job->error);
    job->decode_us += insp_mono_us() - begin_us;
    if (job->code == INSP_E_CANCELLED)
        ended(job, "image was decoded");
}

static void on_scored(struct insp_score *score);

/* Decodes a large image, and one of which tiles are made, in lane LARGE, so that such images hold up no small one:
 * the first attempt allows small images only, and ends at the header of any other. */
static bool try_large(struct insp_inspection *job) {
    if (job->code != INSP_E_IMAGE_LIMIT || job->large ||
        (job->pipeline->config.image_limits.pixels <= INSP_BUDGET_SMALL_PIXELS &&
         !insp_tiles_on(job->model->manifest->tiles)))
        return false;
    job->code = 0;
    job->large = true;
    insp_work_always(job->pipeline->config.lanes, INSP_LANE_LARGE, &job->task);
    return true;
}

static bool same_look(const struct insp_inspection *job, const struct insp_opinion *opinion) {
    const struct insp_field *a = opinion->field, *b = job->score.field;
    return insp_tiles_equal(job->model->manifest->tiles, opinion->model->manifest->tiles) &&
           (a == b || (a && b && !strcmp(a->digest, b->digest)));
}

/* The opinion owns the picture, which may outlive the job. A shadow with another region or grid stays unanswered:
 * the picture has lost what only the shadow would look at. */
static void ask_shadow(struct insp_inspection *job) {
    const struct insp_pipeline_config *config = &job->pipeline->config;
    job->opinion = config->opinion ? config->opinion(config->opinion_arg, job) : NULL;
    if (!job->opinion)
        return;
    job->opinion->field = insp_field_of(job->opinion->model->manifest->fields, job->camera);
    if (!same_look(job, job->opinion))
        return;
    job->opinion->rgb = insp_take_ptr(job->rgb);
    job->opinion->claim = job->claim;
    job->claim = (struct insp_image_claim){0};
    job->score.opinion = job->opinion;
}

static void on_decoded(struct insp_task *task) {
    struct insp_inspection *job = task->data;
    if (try_large(job))
        return;
    if (job->code < 0 || ended(job, "image was scored")) {
        finish(job->pipeline, job);
        return;
    }
    job->score = (struct insp_score){.model = job->model,
                                     .rgb = job->rgb,
                                     .field = insp_field_of(job->model->manifest->fields, job->camera),
                                     .cam = job->cam,
                                     .deadline_us = job->deadline_us,
                                     .done = on_scored,
                                     .data = job};
    ask_shadow(job);
    insp_engine_submit(job->pipeline->config.engine, &job->score);
}

/* --- verdict and store, on a lane --- */

static void judge(struct insp_inspection *job) {
    const struct insp_manifest *manifest = job->model->manifest;
    job->verdict = insp_model_verdict(manifest, job->score.probability, &job->score.good, &job->suspect);
    job->code = insp_heat_summarise(&manifest->heatmap, job->verdict != INSP_VERDICT_GOOD, job->cam, job->width,
                                    job->height, &job->heat, &job->error);
}

static void judge_once(struct insp_inspection *job) {
    if (!job->judged)
        judge(job);
    job->judged = true;
}

/* Sets the record's times, up to the moment at which the commit begins. */
static void stamp(struct insp_inspection *job, int64_t begun_us) {
    int64_t now_us = insp_mono_us();
    job->store_us += now_us - begun_us;
    job->total_us = now_us - job->started_us;
    job->wait_us =
        job->total_us - job->receive_us - job->decode_us - job->queue_us - job->inference_us - job->store_us;
}

/* Stores records that are in one transaction. */
static int put(struct insp_pipeline *pipeline, struct insp_inspection **jobs, size_t count,
               struct insp_error *reterr) {
    struct insp_store *store = pipeline->config.store;
    int64_t begun_us = insp_mono_us();
    for (size_t i = 0; i < count; i++)
        insp_inspection_record(jobs[i], &pipeline->record[i]);
    int r = insp_store_put_images(store, pipeline->record, count, reterr);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        stamp(jobs[i], begun_us);
        insp_inspection_record(jobs[i], &pipeline->record[i]);
    }
    int64_t begin_us = insp_mono_us();
    r = insp_store_put_rows(store, pipeline->record, count, reterr);
    int64_t end_us = insp_mono_us();
    for (size_t i = 0; i < count; i++) {
        jobs[i]->commit_us = end_us - begin_us;
        jobs[i]->committed_us = end_us;
    }
    if (r == 0)
        insp_store_add_commit(store, end_us - begin_us);
    return r;
}

static void put_group(struct insp_pipeline *pipeline, struct insp_inspection **jobs, size_t count) {
    struct insp_error error;
    int r = count ? put(pipeline, jobs, count, &error) : 0;
    for (size_t i = 0; i < count; i++) {
        jobs[i]->code = r;
        if (r < 0 && count > 1)
            jobs[i]->code = put(pipeline, &jobs[i], 1, &jobs[i]->error);
        else if (r < 0)
            jobs[i]->error = error;
    }
}

static void store_work(struct insp_task *task) {
    struct insp_pipeline *pipeline = task->data;
    struct insp_inspection *fit[GROUP];
    size_t count = 0;
    for (size_t i = 0; i < pipeline->count; i++) {
        struct insp_inspection *job = pipeline->group[i];
        judge_once(job);
        if (job->code == 0)
            fit[count++] = job;
    }
    put_group(pipeline, fit, count);
}

static void store_next(struct insp_pipeline *pipeline);

static void on_stored(struct insp_task *task) {
    struct insp_pipeline *pipeline = task->data;
    struct insp_inspection *group[GROUP];
    size_t count = pipeline->count;
    bool full = false;
    for (size_t i = 0; i < count; i++) {
        group[i] = pipeline->group[i];
        full |= group[i]->code == INSP_E_NOSPACE;
    }
    pipeline->storing = false;
    store_next(pipeline); /* the disk works while answers are sent */
    if (full && pipeline->config.on_nospace)
        pipeline->config.on_nospace(pipeline->config.on_nospace_arg);
    for (size_t i = 0; i < count; i++)
        finish(pipeline, group[i]);
}

/* Commits a group: all jobs that gathered while the last group was being stored. Decides whether a job may
 * still be stored here, on the loop, where it also would be abandoned; from here on it is answered. */
static void store_next(struct insp_pipeline *pipeline) {
    if (pipeline->storing)
        return;
    pipeline->count = 0;
    while (pipeline->waiting && pipeline->count < GROUP) {
        struct insp_inspection *job = pipeline->waiting;
        pipeline->waiting = job->next;
        if (!pipeline->waiting)
            pipeline->waiting_tail = &pipeline->waiting;
        if (ended(job, "result was stored")) {
            finish(pipeline, job);
            continue;
        }
        job->storing = true;
        pipeline->group[pipeline->count++] = job;
    }
    if (!pipeline->count)
        return;
    pipeline->storing = true;
    pipeline->store_task =
        (struct insp_task){.run = store_work, .done = on_stored, .data = pipeline, .weight = INSP_WORK_URGENT};
    insp_work_always(pipeline->config.lanes, INSP_LANE_LINE, &pipeline->store_task);
}

static void enqueue(struct insp_pipeline *pipeline, struct insp_inspection *job) {
    job->next = NULL;
    *pipeline->waiting_tail = job;
    pipeline->waiting_tail = &job->next;
    store_next(pipeline);
}

/* --- the answer's picture: on a lane, before the store, so that a deadline that passes meanwhile stores
 * nothing --- */

static void render_work(struct insp_task *task) {
    struct insp_inspection *job = task->data;
    int64_t begun_us = insp_mono_us();
    if (ended(job, "heatmap was rendered"))
        return;
    judge_once(job);
    const struct insp_image_limits limits = limits_of(job);
    if (job->code == 0)
        job->code = insp_heat_render(&job->model->manifest->heatmap, job->verdict != INSP_VERDICT_GOOD, job->cam,
                                     INSP_VIEW_THRESHOLD, NULL, job->width, job->height, &limits, &job->png,
                                     &job->png_bytes, &job->error);
    if (job->code == INSP_E_CANCELLED)
        ended(job, "heatmap was rendered");
    job->store_us += insp_mono_us() - begun_us;
}

static void on_rendered(struct insp_task *task) {
    struct insp_inspection *job = task->data;
    if (job->code < 0)
        finish(job->pipeline, job);
    else
        enqueue(job->pipeline, job);
}

static void render(struct insp_pipeline *pipeline, struct insp_inspection *job) {
    bool large = (uint64_t)job->width * job->height > INSP_BUDGET_SMALL_PIXELS;
    job->task = (struct insp_task){.run = render_work, .done = on_rendered, .data = job};
    insp_work_always(pipeline->config.lanes, large ? INSP_LANE_LARGE : INSP_LANE_LINE, &job->task);
}

/* --- the loop --- */

/* Counts scored pictures only: one that a full queue or a deadline refused may be sent again. */
static void notice_frozen(struct insp_pipeline *pipeline, struct insp_inspection *job) {
    if (pipeline->frozen &&
        insp_frozen_note(pipeline->frozen, job->model->manifest->product, job->camera, job->sha256))
        job->suspect |= 1U << INSP_SUSPECT_FROZEN;
}

static void on_scored(struct insp_score *score) {
    struct insp_inspection *job = score->data;
    struct insp_pipeline *pipeline = job->pipeline;
    free(insp_take_ptr(job->rgb));
    insp_image_budget_return(&job->claim);
    job->queue_us = score->queue_us;
    job->inference_us = score->inference_us;
    job->code = score->code;
    if (score->code == 0)
        notice_frozen(pipeline, job);
    if (score->code < 0) {
        job->error = score->error;
        finish(pipeline, job);
    } else if (job->wants_png) {
        render(pipeline, job);
    } else {
        enqueue(pipeline, job);
    }
}

int insp_pipeline_submit(struct insp_pipeline *pipeline, struct insp_inspection *job, struct insp_error *reterr) {
    job->pipeline = pipeline;
    job->code = 0;
    job->submitted_us = insp_mono_us();
    job->receive_us = job->submitted_us - job->started_us;
    job->task = (struct insp_task){.run = decode_work, .done = on_decoded, .data = job};
    int r = insp_work(pipeline->config.lanes, INSP_LANE_LINE, &job->task, reterr);
    if (r == 0)
        pipeline->in_flight++;
    return r;
}

bool insp_pipeline_abandon(struct insp_inspection *job) {
    if (job->storing)
        return false;
    job->abandoned = true;
    return true;
}
