#include "core/dataset/picture_ranges.h"

#include "core/base/fs.h"
#include "core/compute/vgg16.h"
#include "core/inspect/suspect.h"
#include "core/region/look.h"

#include <stdlib.h>

static int measure(const struct insp_image_limits *limits, const struct insp_field_set *fields,
                   struct insp_tiles tiles, const struct insp_dataset_item *item, struct insp_image_stats *ret,
                   struct insp_error *reterr) {
    _cleanup_(insp_image_freep) struct insp_image *image = NULL;
    _cleanup_free_ char *bytes = NULL;
    _cleanup_free_ uint8_t *rgb = NULL;
    size_t count;
    int r = insp_read_file(item->path, limits->bytes, &bytes, &count, reterr);
    if (r == 0)
        r = insp_image_decode(bytes, count, &item->type, insp_look_side(tiles), limits, &image, reterr);
    if (r == 0)
        r = insp_look(image, insp_field_of(fields, item->camera), INSP_INPUT_SIDE, INSP_INPUT_SIDE, ret, &rgb,
                      reterr);
    return r;
}

/* Images with a suspect reason that can be seen without comparing them with other images. */
struct doubtful {
    size_t count;
    const char *first; /* path of the first one, borrowed */
};

static void note_doubtful(struct doubtful doubtful[INSP_SUSPECT_COUNT], const char *path,
                          const struct insp_image_stats *stats) {
    const struct insp_stat_ranges none = insp_stat_ranges_none();
    uint32_t reasons = insp_suspect_reasons(stats, &none);
    for (unsigned i = 0; i < INSP_SUSPECT_COUNT; i++) {
        if (!(reasons >> i & 1))
            continue;
        if (!doubtful[i].count++)
            doubtful[i].first = path;
    }
}

static void log_doubtful(const struct doubtful doubtful[INSP_SUSPECT_COUNT], unsigned measured,
                         const struct insp_progress *progress) {
    for (unsigned i = 0; i < INSP_SUSPECT_COUNT; i++)
        if (doubtful[i].count)
            insp_progress_log(
                progress, "doubtful: %zu of %u good training images are suspect (%s), the first is %s",
                doubtful[i].count, measured, insp_suspect_name((enum insp_suspect_reason)i), doubtful[i].first);
}

static const struct insp_dataset_item *item_of(const struct insp_members *members, size_t member) {
    return &members->dataset->item[members->item[member]];
}

int insp_picture_ranges(const struct insp_members *members, const size_t *member, size_t count,
                        const struct insp_field_set *fields, struct insp_tiles tiles,
                        const struct insp_image_limits *limits, const struct insp_progress *progress,
                        struct insp_stat_ranges *ret, struct insp_error *reterr) {
    struct insp_stat_ranges ranges = insp_stat_ranges_none();
    _cleanup_free_ struct insp_layout *layout = malloc(INSP_PICTURES_MEASURED_MAX * sizeof *layout);
    struct doubtful doubtful[INSP_SUSPECT_COUNT] = {0};
    size_t good = 0, seen = 0, taken = 0;
    if (!layout)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to measure the training images");
    for (size_t i = 0; i < count; i++)
        good += item_of(members, member[i])->label == INSP_CLASS_GOOD;
    size_t wanted = good < INSP_PICTURES_MEASURED_MAX ? good : INSP_PICTURES_MEASURED_MAX;
    for (size_t i = 0; i < count; i++) {
        const struct insp_dataset_item *item = item_of(members, member[i]);
        struct insp_image_stats stats;
        struct insp_error why;
        if (item->label != INSP_CLASS_GOOD || ++seen * wanted < (taken + 1) * good)
            continue;
        taken++;
        if (insp_progress_cancelled(progress))
            return insp_fail(reterr, INSP_E_CANCELLED, "cancelled while measuring the training images");
        insp_progress_yield(progress);
        int r = measure(limits, fields, tiles, item, &stats, &why);
        if (r == INSP_E_NOMEM)
            return insp_fail(reterr, r, "%s", why.detail);
        if (r < 0) {
            insp_progress_log(progress, "%s cannot be measured: %s", item->path, why.detail);
            continue;
        }
        layout[ranges.count] = stats.layout;
        insp_stat_ranges_add(&ranges, &stats);
        note_doubtful(doubtful, item->path, &stats);
    }
    insp_layout_range_of(layout, ranges.count, &ranges.layout);
    log_doubtful(doubtful, ranges.count, progress);
    *ret = ranges;
    return 0;
}
