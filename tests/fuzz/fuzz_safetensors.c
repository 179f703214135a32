/* libFuzzer: a weight file from a stranger. A file that opens must have its tensors inside the mapped file
 * (reading all of them under the address sanitizer proves it) and be found by name. */
#include "core/model/safetensors.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const uint8_t *data, size_t size, char path[64]) {
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[64];
    struct insp_error err;
    _cleanup_close_ int fd = file_of(data, size, path);
    _cleanup_(insp_safetensors_closep) struct insp_safetensors *file = NULL;
    if (insp_safetensors_open(path, &file, &err) < 0) {
        if (err.code != INSP_E_MODEL && err.code != INSP_E_NOMEM)
            abort();
        return 0;
    }
    for (size_t i = 0; i < insp_safetensors_count(file); i++) {
        const struct insp_tensor *tensor = insp_safetensors_at(file, i);
        if (insp_safetensors_find(file, tensor->name) != tensor || tensor->elements > size)
            abort();
        _cleanup_free_ float *values = malloc((tensor->elements + 1) * sizeof *values);
        if (!values)
            return 0;
        insp_tensor_to_f32(tensor, values);
    }
    return 0;
}
