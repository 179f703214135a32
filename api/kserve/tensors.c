#include "api/kserve/tensors.h"

#include "api/http/query.h"
#include "api/kserve/kserve_json.h"
#include "core/base/base64.h"
#include "core/base/cleanup.h"

#include <endian.h>
#include <string.h>

const char *const api_kserve_output_name[API_KSERVE_OUTPUTS] = {"probability", "verdict", "heatmap"};

static const char INPUT_NAME[] = "image";
static const int64_t TIMEOUT_US_MAX = 600 * 1000000LL;
enum { CHANNELS = 3, SHAPE_MAX = 4 };

/* The raw input: its bytes behind the JSON, or the text of its `data`. */
struct source {
    const uint8_t *bytes; /* NULL: it is in `data` */
    size_t count;
    struct api_span data;
    bool base64;
    uint64_t shape[SHAPE_MAX];
    size_t dimensions;
};

void api_kserve_call_clear(struct api_kserve_call *call) {
    for (size_t i = 0; i < call->count; i++)
        free(call->image[i].bytes);
    *call = (struct api_kserve_call){0};
}

/* --- members and parameters --- */

/* Returns a member, borrowed; NULL if it is absent or null. */
static const json_t *member(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    return json_is_null(value) ? NULL : value;
}

static int read_text(const json_t *object, const char *name, size_t room, char *ret, struct insp_error *reterr) {
    const json_t *value = member(object, name);
    if (!value)
        return 0;
    const char *text = json_string_value(value);
    if (!text || strlen(text) != json_string_length(value) || strlen(text) >= room)
        return insp_fail(reterr, INSP_E_PARAMETER, "\"%s\" must be a string of at most %zu bytes", name, room - 1);
    snprintf(ret, room, "%s", text);
    return 0;
}

static int read_tag(const json_t *object, const char *name, char *ret, struct insp_error *reterr) {
    int code = read_text(object, name, INSP_TAG_BYTES, ret, reterr);
    if (!code && ret[0] && !api_tag_valid(ret))
        code = insp_fail(reterr, INSP_E_PARAMETER, "parameter \"%s\" has control characters", name);
    return code;
}

static int read_flag(const json_t *object, const char *name, bool *ret, struct insp_error *reterr) {
    const json_t *value = member(object, name);
    if (value && !json_is_boolean(value))
        return insp_fail(reterr, INSP_E_PARAMETER, "parameter \"%s\" must be true or false", name);
    if (value)
        *ret = json_is_true(value);
    return 0;
}

static int read_timeout(const json_t *object, int64_t *ret, struct insp_error *reterr) {
    const json_t *value = member(object, "timeout");
    if (!value)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return insp_fail(reterr, INSP_E_PARAMETER, "parameter \"timeout\" must be a whole number of microseconds");
    int64_t us = json_integer_value(value);
    *ret = us < TIMEOUT_US_MAX ? us : TIMEOUT_US_MAX;
    return 0;
}

/* Parameters that would change where a tensor lies, or its meaning, are not ignored. */
static int check_parameters(const json_t *parameters, struct insp_error *reterr) {
    static const char *const refused[] = {"shared_memory_region", "classification"};
    if (parameters && !json_is_object(parameters))
        return insp_fail(reterr, INSP_E_PARAMETER, "\"parameters\" must be an object");
    for (size_t i = 0; i < INSP_COUNT(refused); i++)
        if (member(parameters, refused[i]))
            return insp_fail(reterr, INSP_E_PARAMETER, "parameter \"%s\" is not supported", refused[i]);
    return 0;
}

static int read_parameters(const json_t *parameters, struct api_kserve_call *call, bool *ret_binary,
                           struct insp_error *reterr) {
    int code = check_parameters(parameters, reterr);
    if (!code)
        code = read_flag(parameters, "binary_data_output", ret_binary, reterr);
    if (!code)
        code = read_timeout(parameters, &call->timeout_us, reterr);
    if (!code)
        code = read_tag(parameters, "camera", call->camera, reterr);
    return code ? code : read_tag(parameters, "part", call->part, reterr);
}

/* --- outputs --- */

static int read_output(const json_t *item, bool binary, struct api_kserve_call *call, struct insp_error *reterr) {
    const json_t *parameters = member(item, "parameters");
    const char *name = json_string_value(member(item, "name"));
    size_t which = 0;
    while (which < API_KSERVE_OUTPUTS && (!name || strcmp(name, api_kserve_output_name[which]) != 0))
        which++;
    if (which == API_KSERVE_OUTPUTS)
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "no output is named \"%.60s\"; there are probability, verdict, heatmap",
                         name ? name : "");
    for (size_t i = 0; i < call->output_count; i++)
        if (call->output[i].which == which)
            return insp_fail(reterr, INSP_E_PARAMETER, "output \"%s\" is named twice", name);
    int code = check_parameters(parameters, reterr);
    if (!code)
        code = read_flag(parameters, "binary_data", &binary, reterr);
    if (code)
        return code;
    call->output[call->output_count].which = (enum api_kserve_output)which;
    call->output[call->output_count++].binary = binary;
    return 0;
}

static int read_outputs(const json_t *outputs, bool binary, struct api_kserve_call *call,
                        struct insp_error *reterr) {
    size_t place;
    const json_t *item;
    int code = 0;
    if (outputs && !json_is_array(outputs))
        return insp_fail(reterr, INSP_E_PARAMETER, "\"outputs\" must be an array");
    json_array_foreach(outputs, place, item) if (!code) code = read_output(item, binary, call, reterr);
    if (code || call->output_count)
        return code;
    for (size_t i = 0; i < API_KSERVE_OUTPUTS; i++) {
        call->output[i].which = (enum api_kserve_output)i;
        call->output[i].binary = binary;
    }
    call->output_count = API_KSERVE_OUTPUTS;
    return 0;
}

/* --- the input's description --- */

static int read_shape(const json_t *shape, struct source *source, struct insp_error *reterr) {
    size_t count = json_array_size(shape);
    bool fits = json_is_array(shape) && count && count <= SHAPE_MAX;
    for (size_t i = 0; fits && i < count; i++) {
        const json_t *side = json_array_get(shape, i);
        fits = json_is_integer(side) && json_integer_value(side) > 0 && json_integer_value(side) <= INT32_MAX;
        source->shape[i] = fits ? (uint64_t)json_integer_value(side) : 0;
    }
    source->dimensions = count;
    return fits ? 0
                : insp_fail(reterr, INSP_E_PARAMETER, "\"shape\" must have 1 to %d positive whole numbers",
                            SHAPE_MAX);
}

static int check_shape(const char *datatype, const struct source *source, size_t images_max,
                       struct api_kserve_call *call, struct insp_error *reterr) {
    const uint64_t *shape = source->shape;
    if (datatype && !strcmp(datatype, "BYTES")) {
        if (source->dimensions > 2 || (source->dimensions == 2 && shape[1] != 1))
            return insp_fail(reterr, INSP_E_PARAMETER, "a BYTES tensor of images has the shape [n] or [n,1]");
    } else if (datatype && !strcmp(datatype, "UINT8")) {
        if (source->dimensions != SHAPE_MAX || shape[3] != CHANNELS)
            return insp_fail(reterr, INSP_E_PARAMETER,
                             "a UINT8 tensor of images has the shape [n,height,width,3]");
        call->type =
            (struct insp_media_type){INSP_MEDIA_RAW, INSP_RAW_RGB8, (uint32_t)shape[2], (uint32_t)shape[1]};
    } else {
        return insp_fail(reterr, INSP_E_PARAMETER, "the datatype of \"image\" is BYTES or UINT8");
    }
    if (shape[0] > images_max)
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "%llu images in one request; at most %zu are accepted (limits.batch, and three quarters "
                         "of limits.inflight)",
                         (unsigned long long)shape[0], images_max);
    return 0;
}

/* Finds the tensor: behind the JSON, where its size must be that of the rest, or in `data`. */
static int locate(const json_t *parameters, struct source *source, size_t rest, struct insp_error *reterr) {
    const json_t *size = member(parameters, "binary_data_size");
    const char *coding = json_string_value(member(parameters, "content_type"));
    if (size && source->data.at)
        return insp_fail(reterr, INSP_E_PARAMETER, "the input has both \"data\" and \"binary_data_size\"");
    if (size ? !json_is_integer(size) || (uint64_t)json_integer_value(size) != rest : rest != 0)
        return insp_fail(reterr, INSP_E_REQUEST,
                         "%zu bytes follow the JSON; \"binary_data_size\" of the input must say so", rest);
    if (!size && !source->data.at)
        return insp_fail(reterr, INSP_E_PARAMETER, "the input has neither \"data\" nor \"binary_data_size\"");
    source->count = rest;
    if (!size)
        source->bytes = NULL;
    source->base64 = coding && !strcmp(coding, "base64");
    return 0;
}

static int read_input(const json_t *inputs, size_t images_max, struct api_kserve_call *call, struct source *source,
                      struct insp_error *reterr) {
    const json_t *input = json_array_get(inputs, 0), *parameters = member(input, "parameters");
    const char *name = json_string_value(member(input, "name"));
    if (json_array_size(inputs) != 1 || !name || strcmp(name, INPUT_NAME) != 0)
        return insp_fail(reterr, INSP_E_PARAMETER, "one input, \"%s\", is expected", INPUT_NAME);
    int code = check_parameters(parameters, reterr);
    if (!code)
        code = read_shape(member(input, "shape"), source, reterr);
    if (!code)
        code = check_shape(json_string_value(member(input, "datatype")), source, images_max, call, reterr);
    return code ? code : locate(parameters, source, source->count, reterr);
}

/* --- the images --- */

static int mismatch(struct insp_error *reterr) {
    return insp_fail(reterr, INSP_E_PARAMETER, "the number of elements does not match the shape");
}

/* Adds an image; takes the bytes. */
static void add(struct api_kserve_call *call, uint8_t *bytes, size_t count) {
    call->image[call->count].bytes = bytes;
    call->image[call->count++].count = count;
}

static int add_copy(struct api_kserve_call *call, const uint8_t *bytes, size_t count, struct insp_error *reterr) {
    uint8_t *copy = malloc(count ? count : 1);
    if (!copy)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for an image of %zu bytes", count);
    memcpy(copy, bytes, count);
    add(call, copy, count);
    return 0;
}

static int split_bytes(const struct source *source, struct api_kserve_call *call, struct insp_error *reterr) {
    size_t at = 0;
    for (uint64_t i = 0; i < source->shape[0]; i++) {
        uint32_t length;
        if (source->count - at < sizeof length)
            return mismatch(reterr);
        memcpy(&length, source->bytes + at, sizeof length);
        length = le32toh(length);
        at += sizeof length;
        if (length > source->count - at)
            return insp_fail(reterr, INSP_E_REQUEST, "image %llu has %u bytes by its length, and %zu are left",
                             (unsigned long long)i + 1, length, source->count - at);
        int code = add_copy(call, source->bytes + at, length, reterr);
        if (code)
            return code;
        at += length;
    }
    return at == source->count
               ? 0
               : insp_fail(reterr, INSP_E_REQUEST, "%zu bytes follow the last image", source->count - at);
}

static int decode_text(struct api_span text, size_t number, struct api_kserve_call *call,
                       struct insp_error *reterr) {
    json_t *plain = NULL;
    uint8_t *bytes = NULL;
    size_t count = 0;
    if (text.bytes < 2 || text.at[0] != '"')
        return insp_fail(reterr, INSP_E_PARAMETER, "element %zu of \"data\" is not a string", number);
    struct api_span inner = {text.at + 1, text.bytes - 2};
    if (memchr(inner.at, '\\', inner.bytes)) { /* some writers escape "/" and "+" */
        plain = json_loadb(text.at, text.bytes, JSON_DECODE_ANY, NULL);
        inner = (struct api_span){json_string_value(plain), json_string_length(plain)};
    }
    int code = inner.at
                   ? insp_base64_decode_new(inner.at, inner.bytes, &bytes, &count, reterr)
                   : insp_fail(reterr, INSP_E_REQUEST, "element %zu of \"data\" is not a JSON string", number);
    json_decref(plain);
    if (!code)
        add(call, bytes, count);
    else
        insp_error_prefix(reterr, "image %zu", number);
    return code;
}

static int read_texts(const struct source *source, struct api_kserve_call *call, struct insp_error *reterr) {
    struct api_kserve_values values = {.rest = source->data};
    struct api_span text;
    size_t number = 0;
    int more;
    if (!source->base64)
        return insp_fail(
            reterr, INSP_E_PARAMETER,
            "images in JSON are base64, and the input's parameters must say so: \"content_type\": \"base64\"");
    while ((more = api_kserve_next(&values, &text, reterr)) > 0) {
        if (number++ == source->shape[0])
            return mismatch(reterr);
        int code = decode_text(text, number, call, reterr);
        if (code)
            return code;
    }
    return more < 0 ? more : number == source->shape[0] ? 0 : mismatch(reterr);
}

/* Reads a sample 0..255, written as a plain decimal. Returns false for anything else. */
static bool read_sample(struct api_span text, uint8_t *ret) {
    unsigned value = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || text.bytes > 3)
            return false;
        value = value * 10 + (unsigned)(text.at[i] - '0');
    }
    *ret = (uint8_t)value;
    return value <= UINT8_MAX;
}

static int read_numbers(const struct source *source, uint8_t *samples, size_t count, struct insp_error *reterr) {
    struct api_kserve_values values = {.rest = source->data};
    struct api_span text;
    size_t number = 0;
    int more;
    while ((more = api_kserve_next(&values, &text, reterr)) > 0) {
        if (number == count)
            return mismatch(reterr);
        if (!read_sample(text, &samples[number++]))
            return insp_fail(reterr, INSP_E_PARAMETER, "element %zu of \"data\" is not a whole number 0..255",
                             number);
    }
    return more < 0 ? more : number == count ? 0 : mismatch(reterr);
}

static int split_samples(const struct source *source, struct api_kserve_call *call, struct insp_error *reterr) {
    const uint64_t *shape = source->shape;
    _cleanup_free_ uint8_t *read = NULL;
    const uint8_t *samples = source->bytes;
    size_t all = samples ? source->count : source->data.bytes / 2; /* a number takes two bytes of text at least */
    /* Sides are below 2^31, so the product of two fits. */
    if (shape[1] * shape[2] > all / CHANNELS || shape[1] * shape[2] * CHANNELS > all / shape[0])
        return mismatch(reterr);
    size_t one = (size_t)(shape[1] * shape[2] * CHANNELS), count = one * (size_t)shape[0];
    int code = 0;
    if (samples && count != source->count)
        code = insp_fail(reterr, INSP_E_REQUEST, "the tensor has %zu bytes; its shape asks for %zu", source->count,
                         count);
    if (!samples && !(samples = read = malloc(count)))
        code = insp_fail(reterr, INSP_E_NOMEM, "no memory for a tensor of %zu bytes", count);
    if (!code && read)
        code = read_numbers(source, read, count, reterr);
    for (size_t i = 0; !code && i < shape[0]; i++)
        code = add_copy(call, samples + i * one, one, reterr);
    return code;
}

static int check_images(const struct api_kserve_call *call, struct insp_error *reterr) {
    for (size_t i = 0; i < call->count; i++)
        if (!call->image[i].count)
            return insp_fail(reterr, INSP_E_IMAGE, "image %zu is empty", i + 1);
    return 0;
}

static int read_all(const json_t *json, size_t images_max, struct source *source, struct api_kserve_call *call,
                    struct insp_error *reterr) {
    bool binary = false;
    if (!json_is_object(json))
        return insp_fail(reterr, INSP_E_REQUEST, "the request is not a JSON object");
    int code = read_text(json, "id", sizeof call->id, call->id, reterr);
    if (!code)
        code = read_parameters(member(json, "parameters"), call, &binary, reterr);
    if (!code)
        code = read_outputs(member(json, "outputs"), binary, call, reterr);
    if (!code)
        code = read_input(member(json, "inputs"), images_max, call, source, reterr);
    if (code)
        return code;
    if (call->type.media == INSP_MEDIA_RAW)
        code = split_samples(source, call, reterr);
    else
        code = source->bytes ? split_bytes(source, call, reterr) : read_texts(source, call, reterr);
    return code ? code : check_images(call, reterr);
}

int api_kserve_read(const void *body, size_t bytes, size_t json_bytes, size_t images_max,
                    struct api_kserve_call *ret, struct insp_error *reterr) {
    struct api_kserve_call call = {0};
    json_t *json;
    if (json_bytes > bytes)
        return insp_fail(reterr, INSP_E_REQUEST,
                         "Inference-Header-Content-Length is %zu, and the body has %zu bytes", json_bytes, bytes);
    struct source source = {.bytes = (const uint8_t *)body + json_bytes, .count = bytes - json_bytes};
    int code = api_kserve_parse(body, json_bytes, &json, &source.data, reterr);
    if (code)
        return code;
    code = read_all(json, images_max, &source, &call, reterr);
    json_decref(json);
    if (code)
        api_kserve_call_clear(&call);
    else
        *ret = call;
    return code;
}
