#include "core/model/model.h"

#include "core/model/bundle.h"

#include <stdatomic.h>
#include <string.h>

static void model_free(struct insp_model *model) {
    insp_manifest_free(model->manifest);
    if (model->base) {
        insp_model_unref(model->base);
    } else {
        insp_tail_free(model->tail);
        insp_good_gauss_free(model->good);
        free(model->logistic);
    }
    free(model);
}

void insp_model_files_clear(struct insp_model_files *files) {
    insp_manifest_free(files->manifest);
    insp_tail_buffers_free(files->tail);
    insp_good_gauss_free(files->good);
    insp_golden_free(files->golden);
    free(files->logistic);
    *files = (struct insp_model_files){0};
}

int insp_model_read(const char *state_dir, const char *product, const char *version, struct insp_model_files *ret,
                    struct insp_error *reterr) {
    struct insp_model_files files = {0};
    int r = insp_bundle_read(state_dir, product, version, &files.manifest, &files.tail, reterr);
    if (r == 0)
        r = insp_manifest_tile_fields(files.manifest, reterr);
    if (r == 0)
        r = insp_bundle_read_good(state_dir, files.manifest, &files.good, reterr);
    if (r == 0)
        r = insp_bundle_read_logistic(state_dir, files.manifest, &files.logistic, reterr);
    if (r == 0)
        r = insp_bundle_read_golden(state_dir, files.manifest, &files.golden, reterr);
    if (r < 0) {
        insp_model_files_clear(&files);
        return r;
    }
    *ret = files;
    return 0;
}

/* tail may be NULL. */
static int load_tail(struct insp_device *device, const struct insp_tail_buffers *tail, struct insp_tail **ret,
                     struct insp_error *reterr) {
    if (!tail)
        return 0;
    struct insp_tail_weights weights = insp_tail_buffers_view(tail);
    return insp_tail_load(device, &weights, ret, reterr);
}

int insp_model_new(struct insp_device *device, struct insp_model_files *files, struct insp_model **ret,
                   struct insp_error *reterr) {
    const struct insp_manifest *manifest = files->manifest;
    struct insp_model *model = calloc(1, sizeof *model);
    if (!model)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for model %s of product %s", manifest->version,
                         manifest->product);
    int r = load_tail(device, files->tail, &model->tail, reterr);
    if (r < 0) {
        insp_error_prefix(reterr, "model %s of product %s", manifest->version, manifest->product);
        free(model);
        return r;
    }
    model->manifest = insp_take_ptr(files->manifest);
    model->good = insp_take_ptr(files->good);
    model->logistic = insp_take_ptr(files->logistic);
    memcpy(model->trunk_sha256, model->manifest->trunk_sha256, sizeof model->trunk_sha256);
    atomic_init(&model->references, 1);
    *ret = model;
    return 0;
}

int insp_model_load(struct insp_device *device, const char *state_dir, const char *product, const char *version,
                    struct insp_model **ret, struct insp_error *reterr) {
    struct insp_model_files files = {0};
    int r = insp_model_read(state_dir, product, version, &files, reterr);
    if (r == 0)
        r = insp_model_new(device, &files, ret, reterr);
    insp_model_files_clear(&files);
    return r;
}

/* Makes the fields of a manifest ready to mask pictures: equal ones of a model are so already. */
static int share_fields(const struct insp_model *model, struct insp_manifest *manifest,
                        struct insp_error *reterr) {
    const struct insp_manifest *ready = model->manifest;
    if (!insp_tiles_equal(manifest->tiles, ready->tiles) || !insp_field_set_equal(manifest->fields, ready->fields))
        return insp_manifest_tile_fields(manifest, reterr);
    insp_field_set_unref(manifest->fields);
    manifest->fields = insp_field_set_ref(ready->fields);
    return 0;
}

int insp_model_with_manifest(struct insp_model *model, struct insp_manifest *manifest, struct insp_model **ret,
                             struct insp_error *reterr) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *owned = manifest;
    int r = share_fields(model, owned, reterr);
    if (r < 0)
        return r;
    struct insp_model *changed = calloc(1, sizeof *changed);
    if (!changed)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the model");
    changed->manifest = insp_take_ptr(owned);
    changed->tail = model->tail;
    changed->good = model->good;
    changed->logistic = model->logistic;
    changed->base = insp_model_ref(model->base ? model->base : model); /* the chain never grows beyond one step */
    memcpy(changed->trunk_sha256, model->trunk_sha256, sizeof changed->trunk_sha256);
    changed->proved = model->proved;
    changed->sampled = model->sampled;
    changed->answer = model->answer;
    atomic_init(&changed->references, 1);
    *ret = changed;
    return 0;
}

struct insp_model *insp_model_ref(struct insp_model *model) {
    /* The caller holds a reference, so the count cannot reach 0 meanwhile and needs no ordering. */
    atomic_fetch_add_explicit(&model->references, 1, memory_order_relaxed);
    return model;
}

void insp_model_unref(struct insp_model *model) {
    /* Release: every use of the model comes before; acquire: the last holder frees after all of them. */
    if (model && atomic_fetch_sub_explicit(&model->references, 1, memory_order_acq_rel) == 1)
        model_free(model);
}
