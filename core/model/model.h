/* core/model/model.h - load a bundle onto the device as a served model. A model is immutable but for its
 * counters and the result of its self-test. It is reference-counted, because an inspection keeps the model it
 * started with while another one is activated. */
#ifndef INSP_MODEL_MODEL_H
#define INSP_MODEL_MODEL_H

#include "core/compute/device.h"
#include "core/model/golden.h"
#include "core/model/manifest.h"

struct insp_model {
    _Atomic int references;
    struct insp_manifest *manifest; /* owned */
    struct insp_tail *tail;         /* owned; if `base` is set, base's; NULL: the good-only model decides */
    struct insp_good_gauss *good;   /* the same; NULL: the bundle has no good-only model */
    struct insp_logistic *logistic; /* the same; NULL: the bundle has none. manifest->logistic says its use */
    struct insp_model *base;        /* owned reference to the model that owns the parts above; or NULL */
    char trunk_sha256[INSP_SHA256_HEX_BYTES];
    bool proved;  /* has passed its self-test (prove.h) */
    bool sampled; /* ... with golden samples, not with drawn pictures alone */
    float answer; /* the probability that it then gave for the first drawn picture */
};

/* Holds a bundle that was read from the disk and verified. */
struct insp_model_files {
    struct insp_manifest *manifest;
    struct insp_tail_buffers *tail; /* NULL if the good-only model decides */
    struct insp_good_gauss *good;   /* NULL if the bundle has none */
    struct insp_logistic *logistic; /* NULL if the bundle has none */
    struct insp_golden *golden;     /* NULL if the bundle has none */
};

/* Reads and verifies <state>/models/<product>/<version>, some 30 MB. Blocks on the disk and uses no device;
 * any thread. The fields of the manifest have their tiles. *ret is the caller's (insp_model_files_clear). Fails as
 * insp_bundle_read, insp_bundle_read_golden and insp_manifest_tile_fields do. */
int insp_model_read(const char *state_dir, const char *product, const char *version, struct insp_model_files *ret,
                    struct insp_error *reterr);
void insp_model_files_clear(struct insp_model_files *files); /* accepts a zeroed one */

/* Packs the weights onto the device, in tenths of a second. The fields of the manifest have their tiles. On
 * success it takes manifest, good and logistic over; the rest of files stays the caller's. *ret is one reference,
 * the caller's. One thread at a time per device, even while another thread scores; unless insp_device_is_packed,
 * only a thread that may call libtorch. Fails as insp_tail_load does. */
int insp_model_new(struct insp_device *device, struct insp_model_files *files, struct insp_model **ret,
                   struct insp_error *reterr);

/* Reads a version and packs it, as the two functions above do. */
int insp_model_load(struct insp_device *device, const char *state_dir, const char *product, const char *version,
                    struct insp_model **ret, struct insp_error *reterr);

/* Makes a model with the same weights and another manifest (threshold, review, heatmap) without device work,
 * so a change of threshold costs the line nothing. Equal fields are shared. Takes the manifest over, also on
 * failure. *ret is one reference, the caller's. Any thread. Fails with INSP_E_NOMEM, and as
 * insp_manifest_tile_fields does. */
int insp_model_with_manifest(struct insp_model *model, struct insp_manifest *manifest, struct insp_model **ret,
                             struct insp_error *reterr);

/* Adds a reference and returns the model. Any thread that holds one. */
struct insp_model *insp_model_ref(struct insp_model *model);
/* Drops a reference; the last one frees the device memory. Accepts NULL. Any thread. */
void insp_model_unref(struct insp_model *model);

DEFINE_CLEANUP(struct insp_model, insp_model_unref);
#endif
