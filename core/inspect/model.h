/* core/inspect/model.h - a served model: a bundle whose tail lies on the device. Immutable but for its counters;
 * reference-counted, because inspections hold the model they started with while another is activated. */
#ifndef INSP_INSPECT_MODEL_H
#define INSP_INSPECT_MODEL_H

#include "core/model/manifest.h"
#include "core/model/torch_shim.h"

struct insp_model {
    _Atomic int references;
    struct insp_manifest *manifest; /* owned */
    struct insp_tail *tail;         /* owned */
    char trunk_sha256[INSP_SHA256_HEX_BYTES];
};

/* Loads and verifies <state>/models/<product>/<version> onto the device. Blocks on disk and device: startup or the
 * inference thread (insp_engine_call). One reference is the caller's. */
int insp_model_load(struct insp_device *device, const char *state_dir, const char *product, const char *version,
                    struct insp_model **ret, struct insp_error *reterr);
struct insp_model *insp_model_ref(struct insp_model *model);
void insp_model_unref(struct insp_model *model); /* NULL is fine; the last one frees device memory: any thread */

DEFINE_CLEANUP(struct insp_model, insp_model_unref);
#endif
