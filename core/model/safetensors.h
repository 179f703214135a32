/* core/model/safetensors.h - reading and writing of safetensors files (format of huggingface/safetensors: u64 LE
 * header length, JSON header, then the tensors' bytes). Everything is checked before use: header length and JSON,
 * dtype F32/F16/BF16, shapes, offsets inside the file, size = product of the shape, no overlap, no hole.
 * Blocks on the disk; any thread. */
#ifndef INSP_MODEL_SAFETENSORS_H
#define INSP_MODEL_SAFETENSORS_H

#include "core/base/cleanup.h"
#include "core/base/error.h"

#include <stddef.h>
#include <stdint.h>

enum insp_dtype { INSP_F32, INSP_F16, INSP_BF16 };
enum { INSP_TENSOR_RANK = 4, INSP_TENSOR_NAME_BYTES = 128 };

struct insp_tensor {
    char name[INSP_TENSOR_NAME_BYTES];
    enum insp_dtype dtype;
    size_t rank;
    size_t shape[INSP_TENSOR_RANK];
    size_t elements;
    const void *data; /* little-endian, as in the file; 1-byte aligned when mapped: copy, do not dereference */
};

struct insp_safetensors; /* a mapped file */

/* Maps and checks a file. Fails with INSP_E_MODEL (what is wrong, with the tensor's name), INSP_E_IO. */
int insp_safetensors_open(const char *path, struct insp_safetensors **ret, struct insp_error *reterr);
void insp_safetensors_close(struct insp_safetensors *file);

size_t insp_safetensors_count(const struct insp_safetensors *file);
const struct insp_tensor *insp_safetensors_at(const struct insp_safetensors *file, size_t i);
const struct insp_tensor *insp_safetensors_find(const struct insp_safetensors *file,
                                                const char *name); /* or NULL */

/* Converts to float32; ret has tensor->elements floats. */
void insp_tensor_to_f32(const struct insp_tensor *tensor, float *ret);

/* Writes count tensors whole or not at all (temporary file, fsync, rename), data 8-byte aligned in the file,
 * metadata {"format": "pt"} as other readers expect. */
int insp_safetensors_write(const char *path, const struct insp_tensor *tensors, size_t count,
                           struct insp_error *reterr);

DEFINE_CLEANUP(struct insp_safetensors, insp_safetensors_close);
#endif
