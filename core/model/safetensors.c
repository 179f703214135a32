#include "core/model/safetensors.h"

#include "core/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are copied in the byte order of the file");

/* Limits the header: it has a few kilobytes for every network of this size, and a hostile file could make the
 * JSON parser allocate far more. */
enum { LENGTH_BYTES = 8, HEADER_BYTES_MAX = 4 << 20 };

struct insp_safetensors {
    void *map;
    size_t map_bytes;
    struct insp_tensor *tensor;
    size_t count;
};

static const struct {
    const char *name;
    size_t bytes;
} dtypes[] = {[INSP_F32] = {"F32", 4},
              [INSP_F16] = {"F16", 2},
              [INSP_BF16] = {"BF16", 2},
              [INSP_F64] = {"F64", 8},
              [INSP_U8] = {"U8", 1}};

/* --- reading --- */

static int map_file(const char *path, void **ret_map, size_t *ret_bytes, struct insp_error *reterr) {
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    if (fd < 0)
        return insp_fail_errno(reterr, errno, "cannot open %s", path);
    if (fstat(fd, &st) < 0)
        return insp_fail_errno(reterr, errno, "cannot examine %s", path);
    if (!S_ISREG(st.st_mode))
        return insp_fail(reterr, INSP_E_IO, "%s is not a regular file", path);
    if (st.st_size < LENGTH_BYTES)
        return insp_fail(reterr, INSP_E_MODEL, "%s is not a safetensors file: %lld bytes", path,
                         (long long)st.st_size);
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return insp_fail_errno(reterr, errno, "cannot map %s", path);
    *ret_map = map;
    *ret_bytes = (size_t)st.st_size;
    return 0;
}

static int read_dtype(const char *name, const json_t *entry, struct insp_tensor *ret, struct insp_error *reterr) {
    const json_t *dtype = json_object_get(entry, "dtype");
    if (!json_is_string(dtype))
        return insp_fail(reterr, INSP_E_MODEL, "tensor %s has no dtype", name);
    for (size_t i = 0; i < INSP_COUNT(dtypes); i++)
        if (!strcmp(json_string_value(dtype), dtypes[i].name)) {
            ret->dtype = (enum insp_dtype)i;
            return 0;
        }
    return insp_fail(reterr, INSP_E_MODEL, "tensor %s has dtype %.16s; F32, F16, BF16, F64 and U8 can be read",
                     name, json_string_value(dtype));
}

static int read_shape(const char *name, const json_t *entry, struct insp_tensor *ret, struct insp_error *reterr) {
    const json_t *shape = json_object_get(entry, "shape");
    if (!json_is_array(shape))
        return insp_fail(reterr, INSP_E_MODEL, "tensor %s has no shape", name);
    if (json_array_size(shape) > INSP_TENSOR_RANK)
        return insp_fail(reterr, INSP_E_MODEL, "tensor %s has %zu dimensions, more than %d", name,
                         json_array_size(shape), INSP_TENSOR_RANK);
    ret->rank = json_array_size(shape);
    ret->elements = 1;
    for (size_t i = 0; i < ret->rank; i++) {
        const json_t *side = json_array_get(shape, i);
        if (!json_is_integer(side) || json_integer_value(side) < 0)
            return insp_fail(reterr, INSP_E_MODEL, "tensor %s: dimension %zu is not a whole number >= 0", name, i);
        ret->shape[i] = (size_t)json_integer_value(side);
        if (__builtin_mul_overflow(ret->elements, ret->shape[i], &ret->elements))
            return insp_fail(reterr, INSP_E_MODEL, "tensor %s: its shape overflows", name);
    }
    return 0;
}

/* Reads data_offsets [begin, end), counted from the end of the header; they must hold exactly the shape's
 * elements. */
static int read_offsets(const char *name, const json_t *entry, const char *data, size_t data_bytes,
                        struct insp_tensor *ret, struct insp_error *reterr) {
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(last))
        return insp_fail(reterr, INSP_E_MODEL, "tensor %s: data_offsets are not two whole numbers", name);
    json_int_t begin = json_integer_value(first), end = json_integer_value(last);
    if (begin < 0 || end < begin || (uint64_t)end > data_bytes)
        return insp_fail(reterr, INSP_E_MODEL,
                         "tensor %s: data_offsets %" JSON_INTEGER_FORMAT "..%" JSON_INTEGER_FORMAT
                         " lie outside the file's %zu bytes of data",
                         name, begin, end, data_bytes);
    size_t bytes;
    if (__builtin_mul_overflow(ret->elements, dtypes[ret->dtype].bytes, &bytes) || bytes != (size_t)(end - begin))
        return insp_fail(reterr, INSP_E_MODEL,
                         "tensor %s: %" JSON_INTEGER_FORMAT " bytes of data for %zu elements of %s", name,
                         end - begin, ret->elements, dtypes[ret->dtype].name);
    ret->data = data + begin;
    return 0;
}

static int read_tensor(const char *name, const json_t *entry, const char *data, size_t data_bytes,
                       struct insp_tensor *ret, struct insp_error *reterr) {
    size_t length = strlen(name);
    if (length == 0 || length >= INSP_TENSOR_NAME_BYTES)
        return insp_fail(reterr, INSP_E_MODEL, "a tensor's name has %zu bytes; 1 to %d are possible", length,
                         INSP_TENSOR_NAME_BYTES - 1);
    if (!json_is_object(entry))
        return insp_fail(reterr, INSP_E_MODEL, "header entry %s is not an object", name);
    memcpy(ret->name, name, length + 1);
    int r = read_dtype(name, entry, ret, reterr);
    if (r == 0)
        r = read_shape(name, entry, ret, reterr);
    if (r == 0)
        r = read_offsets(name, entry, data, data_bytes, ret, reterr);
    return r;
}

static size_t tensor_bytes(const struct insp_tensor *tensor) {
    return tensor->elements * dtypes[tensor->dtype].bytes; /* checked in read_offsets */
}

static int by_place(const void *left, const void *right) {
    const struct insp_tensor *a = left, *b = right;
    const char *a_data = a->data, *b_data = b->data;
    if (a_data != b_data)
        return a_data < b_data ? -1 : 1;
    size_t a_bytes = tensor_bytes(a), b_bytes = tensor_bytes(b); /* an empty tensor precedes its neighbour */
    return a_bytes < b_bytes ? -1 : a_bytes > b_bytes;
}

/* Checks that the tensors, sorted by place, tile the data: every byte belongs to exactly one of them. */
static int check_tiling(struct insp_safetensors *file, const char *data, size_t data_bytes,
                        struct insp_error *reterr) {
    if (file->count)
        qsort(file->tensor, file->count, sizeof *file->tensor, by_place);
    const char *expected = data;
    for (size_t i = 0; i < file->count; i++) {
        const struct insp_tensor *t = &file->tensor[i];
        if ((const char *)t->data < expected)
            return insp_fail(reterr, INSP_E_MODEL, "tensor %s overlaps %s", t->name, file->tensor[i - 1].name);
        if ((const char *)t->data > expected)
            return insp_fail(reterr, INSP_E_MODEL, "%zu bytes before tensor %s belong to none",
                             (size_t)((const char *)t->data - expected), t->name);
        expected = (const char *)t->data + tensor_bytes(t);
    }
    if (expected != data + data_bytes)
        return insp_fail(reterr, INSP_E_MODEL, "%zu bytes behind the last tensor belong to none",
                         (size_t)(data + data_bytes - expected));
    return 0;
}

static int parse(struct insp_safetensors *file, struct insp_error *reterr) {
    const char *bytes = file->map;
    uint64_t header_bytes;
    memcpy(&header_bytes, bytes, LENGTH_BYTES);
    if (header_bytes > file->map_bytes - LENGTH_BYTES)
        return insp_fail(reterr, INSP_E_MODEL, "header length %" PRIu64 " is more than the file's %zu bytes",
                         header_bytes, file->map_bytes);
    if (header_bytes > HEADER_BYTES_MAX)
        return insp_fail(reterr, INSP_E_MODEL, "header length %" PRIu64 " is more than the limit of %d",
                         header_bytes, HEADER_BYTES_MAX);
    json_error_t problem;
    _cleanup_(json_decrefp) json_t *header =
        json_loadb(bytes + LENGTH_BYTES, (size_t)header_bytes, JSON_REJECT_DUPLICATES, &problem);
    if (!header)
        return insp_fail(reterr,
                         json_error_code(&problem) == json_error_out_of_memory ? INSP_E_NOMEM : INSP_E_MODEL,
                         "header is not JSON: byte %d: %s", problem.position, problem.text);
    if (!json_is_object(header))
        return insp_fail(reterr, INSP_E_MODEL, "header is not a JSON object");

    const char *data = bytes + LENGTH_BYTES + header_bytes;
    size_t data_bytes = file->map_bytes - LENGTH_BYTES - (size_t)header_bytes;
    size_t entries = json_object_size(header);
    file->tensor = calloc(entries ? entries : 1, sizeof *file->tensor);
    if (!file->tensor)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu tensors", entries);
    const char *name;
    json_t *entry;
    json_object_foreach(header, name, entry) {
        if (!strcmp(name, "__metadata__"))
            continue;
        int r = read_tensor(name, entry, data, data_bytes, &file->tensor[file->count], reterr);
        if (r < 0)
            return r;
        file->count++;
    }
    return check_tiling(file, data, data_bytes, reterr);
}

int insp_safetensors_open(const char *path, struct insp_safetensors **ret, struct insp_error *reterr) {
    _cleanup_(insp_safetensors_closep) struct insp_safetensors *file = calloc(1, sizeof *file);
    if (!file)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to open %s", path);
    int r = map_file(path, &file->map, &file->map_bytes, reterr);
    if (r < 0)
        return r;
    r = parse(file, reterr);
    if (r < 0) {
        insp_error_prefix(reterr, "%s", path);
        return r;
    }
    *ret = insp_take_ptr(file);
    return 0;
}

void insp_safetensors_close(struct insp_safetensors *file) {
    if (!file)
        return;
    if (file->map)
        munmap(file->map, file->map_bytes);
    free(file->tensor);
    free(file);
}

size_t insp_safetensors_count(const struct insp_safetensors *file) {
    return file->count;
}

const struct insp_tensor *insp_safetensors_at(const struct insp_safetensors *file, size_t i) {
    return i < file->count ? &file->tensor[i] : NULL;
}

const struct insp_tensor *insp_safetensors_find(const struct insp_safetensors *file, const char *name) {
    for (size_t i = 0; i < file->count; i++)
        if (!strcmp(file->tensor[i].name, name))
            return &file->tensor[i];
    return NULL;
}

/* --- conversion (IEEE 754-2019: binary16; bfloat16 is binary32 cut after 16 bits) --- */

static float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float from_f16(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
    if (exponent == 0x1f) /* infinity and NaN */
        return from_bits(sign | 0x7f800000 | fraction << 13);
    if (exponent == 0) { /* zero and subnormals: fraction x 2^-24, exact in binary32 */
        float magnitude = (float)fraction * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    return from_bits(sign | (exponent + 127 - 15) << 23 | fraction << 13);
}

static float number_at(const struct insp_tensor *tensor, size_t i) {
    const char *data = tensor->data;
    uint16_t bits;
    double value;
    switch (tensor->dtype) {
    case INSP_F64:
        memcpy(&value, data + i * sizeof value, sizeof value);
        return (float)value;
    case INSP_U8:
        return (float)(uint8_t)data[i];
    default:
        memcpy(&bits, data + 2 * i, sizeof bits);
        return tensor->dtype == INSP_F16 ? from_f16(bits) : from_bits((uint32_t)bits << 16);
    }
}

void insp_tensor_to_f32(const struct insp_tensor *tensor, float *ret) {
    if (tensor->dtype == INSP_F32)
        memcpy(ret, tensor->data, tensor->elements * sizeof *ret);
    else
        for (size_t i = 0; i < tensor->elements; i++)
            ret[i] = number_at(tensor, i);
}

/* --- writing --- */

/* Returns a new reference to {"__metadata__": {"format": "pt"}, name: {dtype, shape, data_offsets}, ...}; NULL
 * without memory. */
static json_t *build_header(const struct insp_tensor *tensors, size_t count) {
    _cleanup_(json_decrefp) json_t *header = json_pack("{s:{s:s}}", "__metadata__", "format", "pt");
    size_t offset = 0;
    for (size_t i = 0; header && i < count; i++) {
        const struct insp_tensor *t = &tensors[i];
        json_t *shape = json_array();
        for (size_t k = 0; k < t->rank; k++)
            json_array_append_new(shape, json_integer((json_int_t)t->shape[k]));
        json_t *entry =
            json_pack("{s:s, s:o, s:[I,I]}", "dtype", dtypes[t->dtype].name, "shape", shape, "data_offsets",
                      (json_int_t)offset, (json_int_t)offset + (json_int_t)tensor_bytes(t));
        if (json_array_size(json_object_get(entry, "shape")) != t->rank ||
            json_object_set_new(header, t->name, entry) < 0)
            return NULL;
        offset += tensor_bytes(t);
    }
    return insp_take_ptr(header);
}

/* Returns the header text padded with spaces, so that the data begin at a multiple of 8; the caller's (free). */
static char *format_header(const struct insp_tensor *tensors, size_t count, size_t *ret_bytes) {
    _cleanup_(json_decrefp) json_t *header = build_header(tensors, count);
    _cleanup_free_ char *text = header ? json_dumps(header, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    if (!text)
        return NULL;
    size_t length = strlen(text), padded = (length + 7) / 8 * 8;
    char *grown = realloc(text, padded + 1);
    if (!grown)
        return NULL;
    text = grown;
    memset(text + length, ' ', padded - length);
    *ret_bytes = padded;
    return insp_take_ptr(text);
}

static int check_writable(const struct insp_tensor *tensors, size_t count, struct insp_error *reterr) {
    for (size_t i = 0; i < count; i++) {
        size_t elements = 1;
        for (size_t k = 0; k < tensors[i].rank && k < INSP_TENSOR_RANK; k++)
            elements *= tensors[i].shape[k];
        if (tensors[i].rank > INSP_TENSOR_RANK || elements != tensors[i].elements || !tensors[i].name[0])
            return insp_fail(reterr, INSP_E_INTERNAL, "tensor %zu to be written has no name or a wrong shape", i);
        for (size_t k = 0; k < i; k++)
            if (!strcmp(tensors[i].name, tensors[k].name))
                return insp_fail(reterr, INSP_E_INTERNAL, "tensor %s is to be written twice", tensors[i].name);
    }
    return 0;
}

int insp_safetensors_write(const char *path, const struct insp_tensor *tensors, size_t count,
                           struct insp_error *reterr) {
    int r = check_writable(tensors, count, reterr);
    if (r < 0)
        return r;
    size_t header_bytes = 0;
    _cleanup_free_ char *header = format_header(tensors, count, &header_bytes);
    size_t bytes = LENGTH_BYTES + header_bytes;
    for (size_t i = 0; i < count; i++)
        bytes += tensor_bytes(&tensors[i]);
    _cleanup_free_ char *file = header ? malloc(bytes) : NULL;
    if (!file)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the %zu bytes of %s", bytes, path);

    uint64_t length = header_bytes;
    memcpy(file, &length, LENGTH_BYTES);
    memcpy(file + LENGTH_BYTES, header, header_bytes);
    char *at = file + LENGTH_BYTES + header_bytes;
    for (size_t i = 0; i < count; i++) {
        if (tensor_bytes(&tensors[i]))
            memcpy(at, tensors[i].data, tensor_bytes(&tensors[i]));
        at += tensor_bytes(&tensors[i]);
    }
    return insp_write_file(path, file, bytes, 0644, true, reterr);
}
