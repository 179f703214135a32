#include "core/train/golden_pick.h"

#include "core/train/good/score_files.h"
#include "core/train/tiles/tile_golden.h"

#include <string.h>

enum { PER_CLASS = INSP_GOLDEN_MAX / INSP_CLASSES };

struct pick {
    const struct insp_train_context *context;
    const struct insp_train_data *data;
    struct insp_model model; /* borrows its parts */
    struct insp_golden *golden;
    size_t taken[INSP_CLASSES];
};

static int add(struct pick *pick, const struct insp_dataset_item *item, struct insp_error *reterr) {
    struct insp_golden_sample *sample = &pick->golden->sample[pick->golden->count];
    struct insp_error why;
    const struct insp_field *field = insp_field_of(pick->model.manifest->fields, NULL); /* as the self-test will */
    int r = insp_read_rgb(item->path, NULL, field, pick->model.manifest->tiles, &pick->context->limits,
                          &sample->rgb, &why);
    if (r == INSP_E_NOMEM)
        return insp_fail(reterr, r, "%s", why.detail);
    if (r < 0) {
        insp_progress_log(&pick->context->progress, "no golden sample from %s: %s", item->path, why.detail);
        return 0;
    }
    r = insp_golden_worst(pick->context->trunk, &pick->model, field, sample, reterr);
    if (r < 0)
        return r;
    sample->label = item->label;
    pick->golden->count++;
    pick->taken[item->label]++;
    return 0;
}

/* Adds unused images until each class is full. strangers: defective images only, one of each defect type. */
static int add_from(struct pick *pick, const size_t *member, size_t count, bool *used, bool strangers,
                    struct insp_error *reterr) {
    size_t met[PER_CLASS] = {0}, types = 0;
    for (size_t i = 0; i < count; i++) {
        const struct insp_dataset_item *item = &pick->data->set.dataset->item[pick->data->set.item[member[i]]];
        bool known = false;
        for (size_t t = 0; t < types; t++)
            known = known || met[t] == item->stratum;
        if (used[i] || pick->taken[item->label] == PER_CLASS ||
            (strangers && (known || item->label == INSP_CLASS_GOOD)))
            continue;
        used[i] = true;
        if (item->label == INSP_CLASS_ANOMALY && types < PER_CLASS)
            met[types++] = item->stratum;
        int r = add(pick, item, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

int insp_golden_pick(const struct insp_train_context *context, const struct insp_train_data *data,
                     struct insp_manifest *manifest, const size_t *member, size_t count,
                     const struct insp_bundle_parts *parts, struct insp_golden **ret, struct insp_error *reterr) {
    _cleanup_(insp_golden_freep) struct insp_golden *golden = insp_golden_new();
    _cleanup_(insp_tail_freep) struct insp_tail *loaded = NULL;
    _cleanup_free_ bool *used = calloc(count + 1, sizeof *used);
    if (!golden || !used)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for golden samples");
    struct insp_tail_weights view = insp_tail_buffers_view(parts->tail);
    int r = insp_tail_load(context->device, &view, &loaded, reterr);
    _cleanup_free_ struct insp_logistic *logistic = parts->logistic ? malloc(sizeof *logistic) : NULL;
    if (parts->logistic && !logistic)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for golden samples");
    if (logistic)
        *logistic = *parts->logistic;
    struct pick pick = {.context = context,
                        .data = data,
                        .model = {.manifest = manifest,
                                  .tail = loaded,
                                  .logistic = logistic,
                                  .good = (struct insp_good_gauss *)(uintptr_t)parts->good},
                        .golden = golden};
    golden->cuda = insp_device_is_cuda(context->device);
    if (r == 0)
        r = add_from(&pick, member, count, used, true, reterr);
    if (r == 0)
        r = add_from(&pick, member, count, used, false, reterr);
    if (r == 0)
        *ret = golden->count ? insp_take_ptr(golden) : NULL;
    return r;
}
