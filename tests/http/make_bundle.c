/* make_bundle STATE_DIR PRODUCT [VERSION [BIAS]] - a trunk and an active bundle without any training, so that
 * tests of the HTTP side start in a second. The weights are fixed pseudo-random numbers; with the fake shim they
 * do not matter. BIAS is added to the head's bias for anomaly, so that versions answer differently to one picture.
 */
#include "core/base/fs.h"
#include "core/model/bundle.h"
#include "core/model/registry.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void fill(float *weight, size_t count, size_t fan_in, uint32_t *state) {
    float scale = sqrtf(6.0f / (float)fan_in); /* uniform with variance 2 / fan_in: activations keep their size */
    for (size_t i = 0; i < count; i++) {
        *state = *state * 1664525u + 1013904223u;
        weight[i] = scale * ((float)(*state >> 8) / 8388608.0f - 1);
    }
}

static int make(const char *state_dir, const char *product, const char *version, float bias,
                struct insp_error *error) {
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *trunk = insp_trunk_arrays_new();
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *tail = insp_tail_buffers_new();
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = insp_manifest_new();
    if (!trunk || !tail || !manifest)
        return insp_fail(error, INSP_E_NOMEM, "no memory");
    uint32_t state = 1;
    for (size_t i = 0; i < INSP_TRUNK_CONVS; i++)
        fill(trunk->weight[i], (size_t)insp_trunk_shape[i].out * (size_t)insp_trunk_shape[i].in * 9,
             (size_t)insp_trunk_shape[i].in * 9, &state);
    insp_tail_init_identity(tail, 1, 1);
    tail->classifier_bias[INSP_CLASS_ANOMALY] += bias;
    int code = insp_mkdir_all(state_dir, 0700, error);
    if (!code)
        code = insp_trunk_install(state_dir, trunk, manifest->trunk_sha256, error);
    if (code)
        return code;
    snprintf(manifest->product, sizeof manifest->product, "%s", product);
    snprintf(manifest->version, sizeof manifest->version, "%s", version);
    code = insp_bundle_write(state_dir, manifest, tail, NULL, error);
    return code ? code : insp_registry_set_active(state_dir, product, manifest->version, error);
}

int main(int argc, char **argv) {
    struct insp_error error = {0};
    if (argc < 3 || argc > 5) {
        fprintf(stderr, "usage: make_bundle STATE_DIR PRODUCT [VERSION [BIAS]]\n");
        return 2;
    }
    if (make(argv[1], argv[2], argc > 3 ? argv[3] : "v1", argc > 4 ? strtof(argv[4], NULL) : 0, &error)) {
        fprintf(stderr, "make_bundle: %s\n", error.detail);
        return 1;
    }
    return 0;
}
