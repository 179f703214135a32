#include "core/train/trunk_bank.h"

#include "core/base/cleanup.h"
#include "core/dataset/dataset.h"
#include "core/dataset/image_loader.h"
#include "core/model/fetch/trunk_origin.h"
#include "core/model/filter_bank.h"

static void on_progress(void *arg, size_t done, size_t total) {
    insp_progress_step(arg, done, total);
}

int insp_trunk_bank(char *const *path, size_t count, const struct insp_transform *input,
                    const struct insp_image_limits *limits, const struct insp_progress *progress,
                    struct insp_trunk_arrays **ret, struct insp_error *reterr) {
    struct insp_progress own = insp_progress_part(progress, 0, 1);
    _cleanup_free_ float *pixels = calloc(count, INSP_INPUT_FLOATS * sizeof *pixels);
    float feature_std;
    if (!pixels)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu images", count);
    insp_progress_stage(progress, "calibrating on %zu images", count);
    for (size_t i = 0; i < count; i++) {
        if (insp_progress_cancelled(progress))
            return insp_fail(reterr, INSP_E_CANCELLED, "cancelled");
        int r = insp_load_image(path[i], NULL, NULL, NULL, input, limits, pixels + i * INSP_INPUT_FLOATS, reterr);
        if (r < 0)
            return r;
    }
    return insp_filter_bank_build(pixels, count, on_progress, &own, ret, &feature_std, reterr);
}

/* Picks good images, evenly spaced. */
static size_t pick(const struct insp_dataset *set, char *ret[INSP_BANK_IMAGES]) {
    size_t good = set->stratum_size[0], seen = 0, count = 0;
    for (size_t i = 0; i < set->count && count < INSP_BANK_IMAGES; i++) {
        if (set->item[i].stratum)
            continue;
        size_t due = good > INSP_BANK_IMAGES ? count * good / INSP_BANK_IMAGES : count;
        if (seen++ >= due)
            ret[count++] = set->item[i].path;
    }
    return count;
}

int insp_trunk_bank_install(const char *state_dir, const char *dataset, const struct insp_transform *input,
                            const struct insp_image_limits *limits, const struct insp_progress *progress,
                            char *ret_sha256, struct insp_error *reterr) {
    _cleanup_(insp_dataset_freep) struct insp_dataset *set = NULL;
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = NULL;
    char *path[INSP_BANK_IMAGES];
    int r = insp_dataset_list(dataset, &set, reterr);
    if (r < 0)
        return r;
    size_t count = pick(set, path);
    if (!count)
        return insp_fail(reterr, INSP_E_DATASET, "%s has no good images, by which a trunk could be calibrated",
                         set->root);
    r = insp_trunk_bank(path, count, input, limits, progress, &arrays, reterr);
    return r < 0 ? r : insp_trunk_install_default(state_dir, arrays, INSP_TRUNK_BANK, ret_sha256, reterr);
}
