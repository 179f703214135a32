#include "core/serving/model_reading.h"

#include "core/base/fs.h"
#include "core/model/bundle.h"
#include "core/model/registry.h"

#include "tests/unit/engine_fixture.h"

struct fixture {
    struct engine_fixture engine;
    char state[64];
    struct insp_model_loader *loader;
    struct insp_error err;
};

/* The trunk passes the picture's brightness on; its file is there by name only. */
static void begin(struct fixture *f) {
    char sha256[INSP_SHA256_HEX_BYTES] = "", path[INSP_PATH_BYTES];
    *f = (struct fixture){.state = "/tmp/insp-reading-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(f->state));
    engine_open(&f->engine, 8, false);
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = insp_trunk_arrays_new();
    for (size_t c = 0; c < 3; c++)
        arrays->weight[0][c * 9 + 4] = 1.0F / 3; /* [0,c,1,1] */
    for (size_t i = 1; i < INSP_TRUNK_CONVS; i++)
        arrays->weight[i][4] = 1; /* [0,0,1,1] */
    struct insp_trunk_weights weights = insp_trunk_arrays_view(arrays);
    memset(sha256, 'a', sizeof sha256 - 1);
    ck_insp_ok(insp_engine_load_trunk(f->engine.engine, &weights, sha256, &f->err), f->err);
    snprintf(path, sizeof path, "%s/trunks", f->state);
    ck_insp_ok(insp_mkdir_all(path, 0755, &f->err), f->err);
    snprintf(path, sizeof path, "%s/trunks/%s.safetensors", f->state, sha256);
    ck_insp_ok(insp_write_file(path, "", 0, 0644, false, &f->err), f->err);
    ck_insp_ok(insp_model_loader_new(f->engine.engine, f->state, &f->loader, &f->err), f->err);
}

static void end(struct fixture *f) {
    insp_model_loader_free(f->loader);
    engine_close(&f->engine);
    ck_insp_ok(insp_remove_tree(f->state, &f->err), f->err);
}

static void add(struct fixture *f, const char *product) {
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *tail = insp_tail_buffers_new();
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = insp_manifest_new();
    insp_tail_init_identity(tail, 1, 1);
    snprintf(manifest->product, sizeof manifest->product, "%s", product);
    strcpy(manifest->version, "v1");
    memset(manifest->trunk_sha256, 'a', 64);
    ck_insp_ok(insp_bundle_write(f->state, manifest, tail, NULL, &f->err), f->err);
    ck_insp_ok(insp_registry_set_active(f->state, product, "v1", &f->err), f->err);
}

START_TEST(a_start_goes_on_until_a_version_is_loaded) {
    struct fixture f;
    char path[INSP_PATH_BYTES];
    begin(&f);
    add(&f, "a");
    add(&f, "b");
    add(&f, "c");
    snprintf(path, sizeof path, "%s/models/a/v1/" INSP_WEIGHTS_FILE, f.state);
    ck_insp_ok(insp_write_file(path, "damaged", 7, 0644, false, &f.err), f.err);
    for (size_t most = 1; most <= 8; most += 7) {
        /* until_us lies in the past: the first one took all the time */
        struct insp_model_reading reading = {
            .loader = f.loader, .load_most = most, .until_us = 1, .active_only = true};
        ck_insp_ok(insp_model_reading_read(&reading, &f.err), f.err);
        const struct insp_served_model *item = reading.fresh.item;
        ck_assert_uint_eq(reading.fresh.count, 3);
        ck_assert(!item[0].model && !item[0].pending && strstr(item[0].failure, INSP_WEIGHTS_FILE));
        ck_assert_str_eq(item[0].refused, "v1");
        ck_assert(item[1].pending == (most == 1) && item[1].passed == (most == 8));
        ck_assert(item[2].pending && !item[2].model);
        ck_assert_uint_eq(reading.pending, most == 1 ? 2 : 1);
        insp_model_reading_clear(&reading);
    }
    end(&f);
}
END_TEST

START_TEST(a_changed_manifest_serves_with_the_weights_that_are_loaded) {
    struct fixture f;
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    begin(&f);
    add(&f, "a");
    struct insp_model_reading first = {.loader = f.loader, .load_most = 1};
    ck_insp_ok(insp_model_reading_read(&first, &f.err), f.err);
    ck_assert(first.loaded == 1 && first.fresh.item[0].passed);

    struct insp_model_reading same = {.loader = f.loader, .load_most = 1};
    ck_assert_int_eq(insp_model_list_copy(&first.fresh, &same.old), 0);
    ck_insp_ok(insp_model_reading_read(&same, &f.err), f.err);
    ck_assert_ptr_eq(same.fresh.item[0].model, first.fresh.item[0].model);

    ck_insp_ok(insp_bundle_read_manifest(f.state, "a", "v1", &manifest, &f.err), f.err);
    manifest->heat.threshold = 0.875F;
    ck_insp_ok(insp_bundle_update_manifest(f.state, manifest, &f.err), f.err);
    struct insp_model_reading changed = {.loader = f.loader, .load_most = 1};
    ck_assert_int_eq(insp_model_list_copy(&same.fresh, &changed.old), 0);
    ck_insp_ok(insp_model_reading_read(&changed, &f.err), f.err);
    ck_assert(changed.loaded == 0 && changed.fresh.item[0].passed);
    ck_assert_ptr_eq(changed.fresh.item[0].model->base, first.fresh.item[0].model);
    ck_assert_float_eq(changed.fresh.item[0].model->manifest->heat.threshold, 0.875F);
    insp_model_reading_clear(&changed);
    insp_model_reading_clear(&same);
    insp_model_reading_clear(&first);
    end(&f);
}
END_TEST

INSP_TESTS(a_changed_manifest_serves_with_the_weights_that_are_loaded, a_start_goes_on_until_a_version_is_loaded);
