/* core/model/pth/pth.h - read a trunk from a file of torch.save's old format, such as torchvision's
 * vgg16-397923af.pth: five pickles (magic number, protocol, system, state_dict, keys of storages), then each
 * storage: its elements (int64) and their bytes. Nothing in the file is executed (pickle.h). Blocks on the disk;
 * any thread. */
#ifndef INSP_MODEL_PTH_PTH_H
#define INSP_MODEL_PTH_PTH_H

#include "core/model/weights.h"

/* Reads the float32 tensors features.0.weight ... features.21.bias. *ret is the caller's. Fails with INSP_E_MODEL,
 * which says what is wrong with the file, INSP_E_NOMEM and the codes of insp_fail_errno. */
int insp_pth_read_trunk(const char *path, struct insp_trunk_arrays **ret, struct insp_error *reterr);

#endif
