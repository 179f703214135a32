/* core/model/safetensors.h - read and write safetensors files (format of huggingface/safetensors: u64 LE
 * header length, JSON header, then the tensors' bytes). Everything is checked before use: header length and
 * JSON, dtype F32/F16/BF16/F64/U8, shapes, offsets inside the file, size = product of the shape, no overlap, no
 * hole. Blocks on the disk; any thread. */
#ifndef INSP_MODEL_SAFETENSORS_H
#define INSP_MODEL_SAFETENSORS_H

#include "core/base/cleanup.h"
#include "core/base/error.h"

#include <stddef.h>
#include <stdint.h>

enum insp_dtype { INSP_F32, INSP_F16, INSP_BF16, INSP_F64, INSP_U8 };
enum { INSP_TENSOR_RANK = 4, INSP_TENSOR_NAME_BYTES = 128 };

struct insp_tensor {
    char name[INSP_TENSOR_NAME_BYTES];
    enum insp_dtype dtype;
    size_t rank;
    size_t shape[INSP_TENSOR_RANK];
    size_t elements;
    const void *data; /* little-endian as in the file; 1-byte aligned when mapped: copy it, do not dereference */
};

struct insp_safetensors; /* a mapped file; it owns its tensors */

/* Maps and checks a file. *ret is the caller's. Fails with INSP_E_MODEL, which names the tensor and its fault,
 * INSP_E_IO, INSP_E_NOMEM or another code of insp_fail_errno. */
int insp_safetensors_open(const char *path, struct insp_safetensors **ret, struct insp_error *reterr);
void insp_safetensors_close(struct insp_safetensors *file); /* accepts NULL */

/* Return the number of tensors and one of them, in the order of their data; valid until the file is closed. */
size_t insp_safetensors_count(const struct insp_safetensors *file);
const struct insp_tensor *insp_safetensors_at(const struct insp_safetensors *file, size_t i);
/* Finds a tensor by name; NULL if the file has none of that name. */
const struct insp_tensor *insp_safetensors_find(const struct insp_safetensors *file, const char *name);

/* Converts a tensor to float32; ret has tensor->elements floats. */
void insp_tensor_to_f32(const struct insp_tensor *tensor, float *ret);

/* Writes count tensors, whole or not at all (temporary file, fsync, rename), with the data from a multiple of
 * 8 bytes on and the metadata {"format": "pt"} that other readers expect. Fails with INSP_E_INTERNAL for a
 * wrong shape or a name that is empty or used twice, INSP_E_NOMEM and the codes of insp_write_file. */
int insp_safetensors_write(const char *path, const struct insp_tensor *tensors, size_t count,
                           struct insp_error *reterr);

DEFINE_CLEANUP(struct insp_safetensors, insp_safetensors_close);
#endif
