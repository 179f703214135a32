#include "core/inspect/inspection.h"

#include "core/inspect/drift_place.h"
#include "core/model/model.h"

struct insp_inspection *insp_inspection_new(void) {
    struct insp_inspection *job = calloc(1, sizeof *job);
    if (job)
        insp_uuid7(job->id);
    return job;
}

void insp_inspection_free(struct insp_inspection *job) {
    if (!job)
        return;
    insp_opinion_end(job->opinion); /* never submitted */
    free(job->body);
    free(job->rgb);
    free(job->cam);
    insp_image_budget_return(&job->claim);
    free(job->png);
    insp_model_unref(job->model);
    free(job);
}

void insp_inspection_record(const struct insp_inspection *job, struct insp_record *ret) {
    const struct insp_manifest *manifest = job->model->manifest;
    *ret = (struct insp_record){
        .id = job->id,
        .product = manifest->product,
        .model = manifest->version,
        .camera = job->camera,
        .part = job->part,
        .verdict = job->verdict,
        .suspect = job->suspect,
        .probability = job->score.probability,
        .good_decided = insp_manifest_good_decides(manifest),
        .good_known = job->score.good.known,
        .good_score = job->score.good.score,
        .good_threshold = job->score.good.known ? manifest->good_only.scale.threshold : 0,
        .good_percentile = job->score.good.percentile,
        .threshold = manifest->threshold,
        .heat_max = job->heat.max,
        .heat_area = job->heat.area,
        .heat_threshold = manifest->heatmap.threshold,
        .heat_low = manifest->heatmap.low,
        .heat_high = manifest->heatmap.high,
        .heat_per_image = manifest->heatmap.scale == INSP_SCALE_PER_IMAGE,
        .heat_kind = (int)(insp_manifest_good_decides(manifest) ? INSP_HEAT_GOOD_ONLY : manifest->heat.kind),
        .box = job->heat.box,
        .box_count = job->heat.box_count,
        .cam = job->cam,
        .map = insp_heat_map(&manifest->heatmap),
        .width = job->width,
        .height = job->height,
        .sha256 = job->sha256,
        .media_type = job->media_type,
        .extension = insp_media_extension(job->type.media),
        .image_bytes = job->body_bytes,
        .image_kept = true,
        .received_us = job->received_us,
        .receive_us = job->receive_us,
        .wait_us = job->wait_us,
        .decode_us = job->decode_us,
        .queue_us = job->queue_us,
        .inference_us = job->inference_us,
        .store_us = job->store_us,
        .total_us = job->total_us,
        .takt_us = job->takt_us,
        .label_defect = "",
        .label_note = "",
        .labelled_by = "",
        .drift = insp_model_drift_place(manifest, job->score.probability, job->score.good.score),
        .image = job->body,
        .watched = job->watched,
    };
}
