#include "core/model/pth/pth.h"

#include "core/model/pth/pickle.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STORAGES_MAX = 4096, RANK_MAX = 4, TENSOR_NAME_BYTES = 32 };

struct storage {
    const struct insp_pickle_value *key;
    const uint8_t *data; /* float32, little endian */
    uint64_t elements;
};

struct pth {
    const uint8_t *bytes;
    size_t count;
    struct insp_pickle *pickle;
    const struct insp_pickle_value *state;
    struct storage *storage; /* [storages], owned */
    size_t storages;
};

static int wrong(const char *why, struct insp_error *reterr) {
    return insp_fail(reterr, INSP_E_MODEL, "not a weight file of torch.save's old format: %s", why);
}

static bool is_number(const struct insp_pickle_value *value, int64_t number) {
    return value && value->kind == INSP_PICKLE_INT && value->number == number;
}

/* Returns the value of a key, or NULL. */
static const struct insp_pickle_value *find(const struct pth *f, const struct insp_pickle_value *dict,
                                            const char *key) {
    const struct insp_pickle_value *found = NULL;
    for (uint32_t i = 0; i + 1 < dict->count; i += 2)
        if (insp_pickle_is(insp_pickle_item(f->pickle, dict, i), key))
            found = insp_pickle_item(f->pickle, dict, i + 1);
    return found;
}

/* --- the file --- */

static int read_head(struct pth *f, struct insp_error *reterr) {
    static const uint8_t magic[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
    const struct insp_pickle_value *value;
    int r = insp_pickle_next(f->pickle, &value, reterr);
    if (r)
        return r;
    if (value->kind != INSP_PICKLE_LONG || value->length != sizeof magic ||
        memcmp(value->text, magic, sizeof magic) != 0)
        return wrong("it does not begin with its number", reterr);
    if ((r = insp_pickle_next(f->pickle, &value, reterr)))
        return r;
    if (!is_number(value, 1001))
        return wrong("its protocol is not 1001", reterr);
    if ((r = insp_pickle_next(f->pickle, &value, reterr)))
        return r;
    if (value->kind != INSP_PICKLE_DICT || !is_number(find(f, value, "little_endian"), 1))
        return wrong("it was written on a big-endian machine", reterr);
    if ((r = insp_pickle_next(f->pickle, &f->state, reterr)))
        return r;
    return f->state->kind == INSP_PICKLE_DICT && f->state->count <= STORAGES_MAX
               ? 0
               : wrong("it holds no state_dict, or a very large one", reterr);
}

/* Finds where each storage lies. All are float32, because a pickle may name no other type. */
static int read_storages(struct pth *f, struct insp_error *reterr) {
    const struct insp_pickle_value *keys;
    int r = insp_pickle_next(f->pickle, &keys, reterr);
    if (r)
        return r;
    if (keys->kind != INSP_PICKLE_LIST || keys->count > STORAGES_MAX)
        return wrong("its list of storages is missing or too long", reterr);
    f->storage = calloc(keys->count + 1, sizeof *f->storage);
    if (!f->storage)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %u storages", keys->count);
    size_t at = insp_pickle_offset(f->pickle);
    for (uint32_t i = 0; i < keys->count; i++) {
        uint64_t elements;
        if (f->count - at < sizeof elements)
            return wrong("it ends within its storages", reterr);
        memcpy(&elements, f->bytes + at, sizeof elements);
        elements = le64toh(elements);
        at += sizeof elements;
        if (elements > (f->count - at) / sizeof(float))
            return wrong("it ends within its storages", reterr);
        f->storage[f->storages++] = (struct storage){
            .key = insp_pickle_item(f->pickle, keys, i), .data = f->bytes + at, .elements = elements};
        at += elements * sizeof(float);
    }
    return 0;
}

/* --- tensors --- */

static const struct storage *storage_of(const struct pth *f, const struct insp_pickle_value *id) {
    const struct insp_pickle_value *type, *key;
    if (!id || id->kind != INSP_PICKLE_STORAGE || !insp_pickle_is(insp_pickle_item(f->pickle, id, 0), "storage"))
        return NULL;
    type = insp_pickle_item(f->pickle, id, 1);
    key = insp_pickle_item(f->pickle, id, 2);
    if (!type || type->kind != INSP_PICKLE_NAME || type->number != INSP_PICKLE_FLOAT_STORAGE || !key ||
        key->kind != INSP_PICKLE_TEXT)
        return NULL;
    for (size_t i = 0; i < f->storages; i++) {
        const struct insp_pickle_value *k = f->storage[i].key;
        if (k->kind == INSP_PICKLE_TEXT && k->length == key->length && !memcmp(k->text, key->text, key->length))
            return &f->storage[i];
    }
    return NULL;
}

/* Checks that a tuple holds these numbers. */
static bool equal(const struct pth *f, const struct insp_pickle_value *tuple, const int64_t *number,
                  uint32_t rank) {
    if (!tuple || tuple->kind != INSP_PICKLE_TUPLE || tuple->count != rank)
        return false;
    for (uint32_t i = 0; i < rank; i++)
        if (!is_number(insp_pickle_item(f->pickle, tuple, i), number[i]))
            return false;
    return true;
}

static int copy_floats(const char *name, const uint8_t *from, size_t count, float *ret,
                       struct insp_error *reterr) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, from + i * sizeof bits, sizeof bits);
        bits = le32toh(bits);
        memcpy(&ret[i], &bits, sizeof bits);
        if (!isfinite(ret[i]))
            return insp_fail(reterr, INSP_E_MODEL, "tensor %s: element %zu is %f, not a finite number", name, i,
                             (double)ret[i]);
    }
    return 0;
}

/* Reads one tensor of this shape in row-major order. */
static int read_tensor(const struct pth *f, const char *name, const int64_t *shape, uint32_t rank, float *ret,
                       struct insp_error *reterr) {
    const struct insp_pickle_value *tensor = find(f, f->state, name);
    int64_t stride[RANK_MAX], elements = 1;
    if (tensor && tensor->kind == INSP_PICKLE_PARAMETER)
        tensor = insp_pickle_item(f->pickle, tensor, 0);
    if (!tensor || tensor->kind != INSP_PICKLE_TENSOR)
        return insp_fail(reterr, INSP_E_MODEL, "tensor %s is missing", name);
    for (uint32_t i = rank; i--;) {
        stride[i] = elements;
        elements *= shape[i];
    }
    const struct storage *storage = storage_of(f, insp_pickle_item(f->pickle, tensor, 0));
    const struct insp_pickle_value *offset = insp_pickle_item(f->pickle, tensor, 1);
    if (!equal(f, insp_pickle_item(f->pickle, tensor, 2), shape, rank) ||
        !equal(f, insp_pickle_item(f->pickle, tensor, 3), stride, rank))
        return insp_fail(reterr, INSP_E_MODEL, "tensor %s has another shape than VGG16's, or is not row-major",
                         name);
    if (!storage || !offset || offset->kind != INSP_PICKLE_INT || offset->number < 0 ||
        (uint64_t)offset->number > storage->elements ||
        (uint64_t)elements > storage->elements - (uint64_t)offset->number)
        return insp_fail(reterr, INSP_E_MODEL, "tensor %s lies outside of its storage", name);
    return copy_floats(name, storage->data + (uint64_t)offset->number * sizeof(float), (size_t)elements, ret,
                       reterr);
}

static int read_trunk(const struct pth *f, struct insp_trunk_arrays *arrays, struct insp_error *reterr) {
    int r = 0;
    for (size_t i = 0; i < INSP_TRUNK_CONVS && r == 0; i++) {
        const struct insp_conv_shape *conv = &insp_trunk_shape[i];
        const int64_t shape[] = {conv->out, conv->in, 3, 3};
        char name[TENSOR_NAME_BYTES];
        snprintf(name, sizeof name, "features.%d.weight", conv->index);
        r = read_tensor(f, name, shape, 4, arrays->weight[i], reterr);
        snprintf(name, sizeof name, "features.%d.bias", conv->index);
        if (r == 0)
            r = read_tensor(f, name, shape, 1, arrays->bias[i], reterr);
    }
    return r;
}

static int read_mapped(const uint8_t *bytes, size_t count, struct insp_trunk_arrays **ret,
                       struct insp_error *reterr) {
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = insp_trunk_arrays_new();
    struct pth f = {.bytes = bytes, .count = count};
    int r = arrays ? insp_pickle_new(bytes, count, &f.pickle, reterr)
                   : insp_fail(reterr, INSP_E_NOMEM, "no memory for the trunk's weights");
    if (r == 0)
        r = read_head(&f, reterr);
    if (r == 0)
        r = read_storages(&f, reterr);
    if (r == 0)
        r = read_trunk(&f, arrays, reterr);
    if (r == 0)
        *ret = insp_take_ptr(arrays);
    insp_pickle_free(f.pickle);
    free(f.storage);
    return r;
}

int insp_pth_read_trunk(const char *path, struct insp_trunk_arrays **ret, struct insp_error *reterr) {
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return insp_fail_errno(reterr, errno, "cannot open %s", path);
    if (!S_ISREG(st.st_mode) || st.st_size < 1)
        return insp_fail(reterr, INSP_E_MODEL, "%s is not a file with content", path);
    void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return insp_fail_errno(reterr, errno, "cannot map %s", path);
    int r = read_mapped(bytes, (size_t)st.st_size, ret, reterr);
    munmap(bytes, (size_t)st.st_size);
    if (r < 0)
        insp_error_prefix(reterr, "%s", path);
    return r;
}
