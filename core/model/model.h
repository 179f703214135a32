/* core/model/model.h - a served model: a bundle whose tail lies on the device. Immutable but for its counters;
 * reference-counted, because inspections hold the model they started with while another is activated. */
#ifndef INSP_MODEL_MODEL_H
#define INSP_MODEL_MODEL_H

#include "core/compute/device.h"
#include "core/model/golden.h"
#include "core/model/manifest.h"

struct insp_model {
    _Atomic int references;
    struct insp_manifest *manifest; /* owned */
    struct insp_tail *tail;         /* owned, but where `base` is set: then base's */
    struct insp_model *base;        /* owned reference: the model that this one shares its tail with; or NULL */
    char trunk_sha256[INSP_SHA256_HEX_BYTES];
    bool proved;  /* prove.h: has passed its self-test */
    bool sampled; /* ... by golden samples, and not by drawn pictures alone */
    float answer; /* what it said to the drawn picture then */
};

/* A bundle as read from the disk and verified. */
struct insp_model_files {
    struct insp_manifest *manifest;
    struct insp_tail_buffers *tail;
    struct insp_golden *golden; /* NULL where the bundle has none */
};

/* Reads and verifies <state>/models/<product>/<version>: some 30 MB read and hashed. Blocks on the disk, touches
 * no device: any thread. INSP_E_NOT_FOUND, INSP_E_MODEL, INSP_E_NOMEM. *ret is the caller's to clear. */
int insp_model_read(const char *state_dir, const char *product, const char *version, struct insp_model_files *ret,
                    struct insp_error *reterr);
void insp_model_files_clear(struct insp_model_files *files); /* zeroed is fine */

/* Packs the weights onto the device; takes over the manifest, the rest of files stays the caller's. Takes tenths
 * of a second of processor. One thread at a time per device, also while another one scores; where the device is
 * not insp_device_is_packed, one that may call libtorch. One reference is the caller's. */
int insp_model_new(struct insp_device *device, struct insp_model_files *files, struct insp_model **ret,
                   struct insp_error *reterr);

/* Both at once. */
int insp_model_load(struct insp_device *device, const char *state_dir, const char *product, const char *version,
                    struct insp_model **ret, struct insp_error *reterr);

/* The same weights under another manifest (threshold, review, heatmap): no device work, so a change of threshold
 * costs the line nothing. Takes the manifest over, also on failure. INSP_E_NOMEM. */
int insp_model_with_manifest(struct insp_model *model, struct insp_manifest *manifest, struct insp_model **ret,
                             struct insp_error *reterr);

struct insp_model *insp_model_ref(struct insp_model *model);
void insp_model_unref(struct insp_model *model); /* NULL is fine; the last one frees device memory: any thread */

DEFINE_CLEANUP(struct insp_model, insp_model_unref);
#endif
