#include "api/inspections/inspection_json.h"

#include "api/http/response.h"
#include "core/inspect/suspect.h"
#include "core/model/heat/heat_choice.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *api_label_name(enum insp_label label) {
    return label == INSP_LABEL_GOOD ? "good" : label == INSP_LABEL_ANOMALY ? "anomaly" : NULL;
}

/* Rounds heat to four decimals, as the database stores it, so that a fresh record looks like a stored one. */
static json_t *boxes(const struct insp_record *record) {
    json_t *list = json_array();
    for (size_t i = 0; i < record->box_count; i++) {
        const struct insp_box *box = &record->box[i];
        json_t *item = json_pack("{s:I,s:I,s:I,s:I,s:f}", "x", (json_int_t)box->x, "y", (json_int_t)box->y,
                                 "width", (json_int_t)box->width, "height", (json_int_t)box->height, "max",
                                 (double)lroundf(box->max * 10000) / 10000);
        if (json_array_append_new(list, item)) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* A number of a newer schema, which no version of this one writes, is no map that it could name. */
static const char *heat_map(const struct insp_record *record) {
    bool known = record->heat_kind >= 0 && record->heat_kind < INSP_HEAT_KINDS;
    return insp_heat_kind_name(known ? (enum insp_heat_kind)record->heat_kind : INSP_HEAT_ACTIVATION);
}

static json_t *heatmap(const struct insp_record *record) {
    char href[96];
    snprintf(href, sizeof href, "/v1/inspections/%s/heatmap.png", record->id);
    return json_pack("{s:s,s:s,s:o,s:s,s:o,s:o,s:o}", "href", href, "map", heat_map(record), "threshold",
                     api_json_float(record->heat_threshold), "scale",
                     record->heat_per_image ? "per_image" : "fixed", "max", api_json_float(record->heat_max),
                     "area", api_json_float(record->heat_area), "boxes", boxes(record));
}

static json_t *image(const struct insp_record *record) {
    char href[96];
    snprintf(href, sizeof href, "/v1/inspections/%s/image", record->id);
    return json_pack("{s:s,s:I,s:I,s:s,s:s,s:I,s:b}", "href", href, "width", (json_int_t)record->width, "height",
                     (json_int_t)record->height, "sha256", record->sha256, "media_type", record->media_type,
                     "bytes", (json_int_t)record->image_bytes, "kept", (int)record->image_kept);
}

static json_t *known_ms(int64_t us) {
    return us < 0 ? json_null() : api_json_ms(us);
}

static json_t *timing(const struct insp_record *record) {
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "receive", known_ms(record->receive_us), "wait",
                     known_ms(record->wait_us), "decode", api_json_ms(record->decode_us), "queue",
                     api_json_ms(record->queue_us), "inference", api_json_ms(record->inference_us), "store",
                     api_json_ms(record->store_us), "total", api_json_ms(record->total_us));
}

static json_t *label(const struct insp_record *record) {
    if (record->label == INSP_LABEL_NONE)
        return json_null();
    return json_pack("{s:s,s:o,s:o,s:o,s:o}", "label", api_label_name(record->label), "defect",
                     api_json_text(record->label_defect), "note", api_json_text(record->label_note), "by",
                     api_json_text(record->labelled_by), "at", api_json_time(record->labelled_us));
}

static json_t *reasons(const struct insp_record *record) {
    json_t *names = json_array();
    for (unsigned i = 0; names && i < INSP_SUSPECT_COUNT; i++)
        if (record->suspect >> i & 1)
            json_array_append_new(names, json_string(insp_suspect_name((enum insp_suspect_reason)i)));
    return names;
}

void api_suspect_text(uint32_t suspect, char separator, char *ret) {
    size_t used = 0;
    ret[0] = 0;
    for (unsigned i = 0; i < INSP_SUSPECT_COUNT; i++) {
        if (!(suspect >> i & 1))
            continue;
        if (used)
            ret[used++] = separator;
        used += (size_t)snprintf(ret + used, API_REASONS_BYTES - used, "%s",
                                 insp_suspect_name((enum insp_suspect_reason)i));
    }
}

static json_t *good_only(const struct insp_record *record) {
    if (!record->good_known)
        return json_null();
    return json_pack("{s:o,s:o,s:o}", "score", api_json_float(record->good_score), "threshold",
                     api_json_float(record->good_threshold), "percentile",
                     api_json_float(record->good_percentile));
}

json_t *api_inspection_json(const struct insp_record *record) {
    return json_pack(
        "{s:s,s:s,s:s,s:s,s:o,s:o,s:s,s:o,s:o,s:o,s:b,s:o,s:o,s:o,s:o,s:o,s:b,s:o,s:o}", "id", record->id,
        "product", record->product, "model", record->model, "verdict", insp_verdict_name(record->verdict),
        "probability", api_json_float(record->probability), "threshold", api_json_float(record->threshold),
        "decided_by", record->good_decided ? "good_only" : "supervised", "good_only", good_only(record), "heatmap",
        heatmap(record), "image", image(record), "suspect", record->suspect != 0, "reasons", reasons(record),
        "camera", api_json_text(record->camera), "part", api_json_text(record->part), "received_at",
        api_json_time(record->received_us), "timing_ms", timing(record), "late", insp_record_late(record),
        "takt_ms", record->takt_us ? api_json_ms(record->takt_us) : json_null(), "label", label(record));
}
