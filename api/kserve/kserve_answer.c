#include "api/kserve/kserve_answer.h"

#include "core/heat/heatmap.h"
#include "core/model/model.h"

#include <endian.h>
#include <string.h>

const char api_kserve_header[] = "Inference-Header-Content-Length";

struct results {
    struct insp_inspection *const *job;
    size_t count;
};

static struct insp_map_size map_of(const struct insp_inspection *job) {
    return insp_heat_map(&job->model->manifest->heatmap);
}

static void scale_heat(const struct insp_inspection *job, float *ret) {
    insp_heat_scale(&job->model->manifest->heatmap, job->cam, ret);
}

/* --- JSON --- */

static void add_floats(json_t *data, const float *value, size_t count) {
    for (size_t i = 0; i < count; i++)
        json_array_append_new(data, api_json_float(value[i]));
}

/* Makes the flat list of an output. New reference; shorter than the output without memory. */
static json_t *data_of(enum api_kserve_output which, const struct results *results) {
    float heat[INSP_TILES_MAP_MAX];
    json_t *data = json_array();
    for (size_t i = 0; i < results->count; i++) {
        const struct insp_inspection *job = results->job[i];
        if (which == API_KSERVE_PROBABILITY) {
            add_floats(data, &job->score.probability, 1);
        } else if (which == API_KSERVE_VERDICT) {
            json_array_append_new(data, json_string(insp_verdict_name(job->verdict)));
        } else {
            scale_heat(job, heat);
            add_floats(data, heat, insp_map_cells(map_of(job)));
        }
    }
    return data;
}

/* All images of a call have the same model. */
static size_t elements(enum api_kserve_output which, const struct results *results) {
    return which == API_KSERVE_HEATMAP ? insp_map_cells(map_of(results->job[0])) : 1;
}

static json_t *shape_of(enum api_kserve_output which, const struct results *results) {
    const json_int_t count = (json_int_t)results->count;
    return which == API_KSERVE_HEATMAP
               ? json_pack("[I,i,i]", count, map_of(results->job[0]).rows, map_of(results->job[0]).columns)
               : json_pack("[I]", count);
}

/* --- binary --- */

static void put_u32(uint8_t **at, const void *host) {
    uint32_t bits;
    memcpy(&bits, host, sizeof bits);
    bits = htole32(bits);
    memcpy(*at, &bits, sizeof bits);
    *at += sizeof bits;
}

static size_t binary_bytes(enum api_kserve_output which, const struct results *results) {
    size_t bytes = results->count * elements(which, results) * sizeof(float);
    for (size_t i = 0; which == API_KSERVE_VERDICT && i < results->count; i++)
        bytes += strlen(insp_verdict_name(results->job[i]->verdict)); /* behind its length of four bytes */
    return bytes;
}

static void put_binary(enum api_kserve_output which, const struct results *results, uint8_t **at) {
    float heat[INSP_TILES_MAP_MAX];
    for (size_t i = 0; i < results->count; i++) {
        const struct insp_inspection *job = results->job[i];
        if (which == API_KSERVE_PROBABILITY) {
            put_u32(at, &job->score.probability);
        } else if (which == API_KSERVE_VERDICT) {
            const char *name = insp_verdict_name(job->verdict);
            uint32_t length = (uint32_t)strlen(name);
            put_u32(at, &length);
            memcpy(*at, name, length);
            *at += length;
        } else {
            scale_heat(job, heat);
            for (size_t k = 0; k < insp_map_cells(map_of(job)); k++)
                put_u32(at, &heat[k]);
        }
    }
}

/* --- the whole --- */

/* Makes the description of an output, with its data unless it is binary. NULL without memory. */
static json_t *describe(enum api_kserve_output which, bool binary, const struct results *results) {
    json_t *item = json_pack("{s:s,s:s,s:o}", "name", api_kserve_output_name[which], "datatype",
                             which == API_KSERVE_VERDICT ? "BYTES" : "FP32", "shape", shape_of(which, results));
    if (!item)
        return NULL;
    json_t *value = binary ? json_pack("{s:I}", "binary_data_size", (json_int_t)binary_bytes(which, results))
                           : data_of(which, results);
    bool whole = value && (binary || json_array_size(value) == results->count * elements(which, results));
    if (!whole || json_object_set(item, binary ? "parameters" : "data", value)) {
        json_decref(item);
        item = NULL;
    }
    json_decref(value);
    return item;
}

static json_t *ids(const struct results *results) {
    char text[INSP_BATCH_LIMIT * INSP_UUID_BYTES];
    size_t used = 0;
    for (size_t i = 0; i < results->count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? "," : "", results->job[i]->id);
    return json_string(text);
}

/* Makes the JSON part. NULL without memory. */
static char *head(const struct api_kserve_call *call, const struct results *results, size_t *ret_bytes) {
    const struct insp_manifest *manifest = results->job[0]->model->manifest;
    json_t *outputs = json_array();
    bool whole = outputs != NULL;
    for (size_t i = 0; whole && i < call->output_count; i++)
        whole = !json_array_append_new(outputs, describe(call->output[i].which, call->output[i].binary, results));
    json_t *json = json_pack("{s:s,s:s}", "model_name", manifest->product, "model_version", manifest->version);
    if (json && call->id[0])
        whole = whole && !json_object_set_new(json, "id", json_string(call->id));
    whole = json && whole &&
            !json_object_set_new(json, "parameters", json_pack("{s:o}", "inspection_ids", ids(results))) &&
            !json_object_set(json, "outputs", outputs);
    json_decref(outputs);
    if (!whole) {
        json_decref(json);
        return NULL;
    }
    return api_json_line(json, ret_bytes);
}

int api_kserve_answer(const struct api_kserve_call *call, struct insp_inspection *const *job, size_t count,
                      struct api_response *response, struct insp_error *reterr) {
    const struct results results = {job, count};
    size_t json_bytes = 0, bytes = 0;
    bool binary = false;
    char *json = head(call, &results, &json_bytes);
    for (size_t i = 0; i < call->output_count; i++) {
        binary |= call->output[i].binary;
        bytes += call->output[i].binary ? binary_bytes(call->output[i].which, &results) : 0;
    }
    char *body = json && bytes ? realloc(json, json_bytes + bytes) : json;
    if (!body) {
        free(json);
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the answer");
    }
    uint8_t *at = (uint8_t *)body + json_bytes;
    for (size_t i = 0; i < call->output_count; i++)
        if (call->output[i].binary)
            put_binary(call->output[i].which, &results, &at);
    api_response_take(response, 200, body, json_bytes + bytes,
                      binary ? "application/octet-stream" : "application/json");
    api_response_header(response, "Cache-Control", "no-store");
    if (binary)
        api_response_header(response, api_kserve_header, "%zu", json_bytes);
    return 0;
}
