/* core/train/activate.h - prove a version that a training wrote, and activate it. Internal to core/train. The
 * job's thread; blocks on the disk and the device. */
#ifndef INSP_TRAIN_ACTIVATE_H
#define INSP_TRAIN_ACTIVATE_H

#include "core/train/train.h"

/* Reads the bundle back from the disk, proves it on the device that trained it, and activates it by
 * context->activate. Fails with INSP_E_SELF_TEST or INSP_E_CONFLICT if the version exists but must not serve, and
 * with the errors of insp_model_read, insp_model_new and insp_registry_set_active. */
int insp_train_activate(const struct insp_train_context *context, const char *version, struct insp_error *reterr);

#endif
