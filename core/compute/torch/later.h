/* core/compute/torch/later.h - let a program and the module inspectd-torch.so know each other. */
#ifndef INSP_COMPUTE_TORCH_LATER_H
#define INSP_COMPUTE_TORCH_LATER_H

#include "core/compute/backend.h"
#include "core/compute/device.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { INSP_MODULE_BYTES = 96 };

/* Describes the interface between program and module: both must be of one build, which they are not while an
 * update has replaced their files, and the program runs on. Pure. */
static inline void insp_module_describe(const char *version, char ret[INSP_MODULE_BYTES]) {
    snprintf(ret, INSP_MODULE_BYTES, "%s %zu %zu %zu %zu %zu %zu %zu", version, sizeof(struct insp_device),
             sizeof(struct insp_device_ops), sizeof(struct insp_device_config), sizeof(struct insp_picture),
             sizeof(struct insp_trunk), sizeof(struct insp_tail), sizeof(struct insp_error));
}

/* Copies the module's description. The module exports it by this name. */
void insp_module_described(char ret[INSP_MODULE_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
