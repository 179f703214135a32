#include "core/train/features/image_slots.h"

#include "core/base/cleanup.h"
#include "core/compute/vgg16.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DECODERS = 2, AHEAD = 2 * INSP_SLOT_BATCH };

void insp_slot_images_clear(struct insp_slot_images *images) {
    free(images->image);
    free(images->missing);
    free(images->path);
    free(images->type);
    free(images->field);
    *images = (struct insp_slot_images){0};
}

void insp_slot_name(const char *kind, const char *trunk_sha256, const char *arithmetic,
                    const struct insp_transform *input, const char *rest, char *ret_name) {
    char text[512];
    int n = snprintf(text, sizeof text, "%.16s %.64s %.200s %u %u %d %a %a %a %a %a %a %a %.32s", kind,
                     trunk_sha256, arithmetic, input->width, input->height, input->bgr, (double)input->scale,
                     (double)input->mean[0], (double)input->mean[1], (double)input->mean[2], (double)input->std[0],
                     (double)input->std[1], (double)input->std[2], rest);
    insp_sha256_hex(text, (size_t)n, ret_name);
}

void insp_slot_key(const char *sha256, const struct insp_field *field, char *ret_key) {
    char text[2 * INSP_SHA256_HEX_BYTES];
    int n = snprintf(text, sizeof text, "%s%s", sha256, field ? field->digest : "");
    if (field)
        insp_sha256_hex(text, (size_t)n, ret_key);
    else
        snprintf(ret_key, INSP_SHA256_HEX_BYTES, "%s", sha256);
}

static int by_key_then_item(const void *a, const void *b) {
    const struct insp_slot_image *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order ? order : (x->first > y->first) - (x->first < y->first);
}

int insp_slot_images_list(const struct insp_dataset *dataset, const struct insp_field_set *fields, bool good_only,
                          struct insp_slot_images *ret, struct insp_error *reterr) {
    struct insp_slot_image *image = ret->image = calloc(dataset->count + 1, sizeof *image);
    if (!image)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to list %zu images", dataset->count);
    size_t n = 0;
    for (size_t i = 0; i < dataset->count; i++) {
        const struct insp_dataset_item *item = &dataset->item[i];
        if (!*item->sha256 || (good_only && item->label != INSP_CLASS_GOOD))
            continue;
        image[n] = (struct insp_slot_image){.sha256 = item->sha256,
                                            .path = item->path,
                                            .type = &item->type,
                                            .field = insp_field_of(fields, item->camera),
                                            .first = i,
                                            .slot = INSP_NO_SLOT};
        insp_slot_key(item->sha256, image[n].field, image[n].key);
        n++;
    }
    qsort(image, n, sizeof *image, by_key_then_item);
    for (size_t i = 0; i < n; i++)
        if (!i || strcmp(image[i].key, image[ret->count - 1].key))
            image[ret->count++] = image[i];
    ret->copies = n - ret->count;
    return 0;
}

struct insp_slot_image *insp_slot_images_find(const struct insp_slot_images *images, const char *key) {
    size_t low = 0, high = images->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(key, images->image[middle].key);
        if (!order)
            return &images->image[middle];
        *(order < 0 ? &high : &low) = order < 0 ? middle : middle + 1;
    }
    return NULL;
}

int insp_slot_images_assign(struct insp_slot_images *images, struct insp_feature_store *store,
                            struct insp_error *reterr) {
    size_t slots = insp_feature_store_slots(store), n = 0;
    _cleanup_free_ bool *keep = calloc(slots + 1, sizeof *keep);
    _cleanup_free_ size_t *reserved = calloc(images->count + 1, sizeof *reserved);
    struct insp_slot_image **missing = images->missing = calloc(images->count + 1, sizeof *missing);
    if (!keep || !reserved || !missing)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to look up %zu images", images->count);
    for (size_t s = 0; s < slots; s++) {
        struct insp_slot_image *image = insp_slot_images_find(images, insp_feature_store_key(store, s));
        keep[s] = image && image->slot == INSP_NO_SLOT && insp_feature_store_verify(store, s);
        if (keep[s])
            image->slot = s;
    }
    for (size_t i = 0; i < images->count; i++)
        if (images->image[i].slot == INSP_NO_SLOT)
            missing[n++] = &images->image[i];
    int r = insp_feature_store_reserve(store, keep, n, reserved, reterr);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++)
        missing[i]->slot = reserved[i];
    images->missing_count = n;
    return 0;
}

int insp_slot_input_check(const struct insp_transform *input, struct insp_error *reterr) {
    if (input->width == INSP_INPUT_SIDE && input->height == INSP_INPUT_SIDE)
        return 0;
    return insp_fail(reterr, INSP_E_PARAMETER, "the input is %ux%u, but the trunk needs %dx%d", input->width,
                     input->height, INSP_INPUT_SIDE, INSP_INPUT_SIDE);
}

int insp_slot_images_load(struct insp_slot_images *images, struct insp_tiles tiles,
                          const struct insp_transform *input, const struct insp_image_limits *limits,
                          struct insp_image_loader **ret, struct insp_error *reterr) {
    size_t count = images->missing_count, ahead = AHEAD / insp_tiles_count(tiles);
    int r = insp_slot_input_check(input, reterr);
    if (r < 0)
        return r;
    images->path = calloc(2 * count + 1, sizeof *images->path);
    images->type = calloc(count + 1, sizeof *images->type);
    images->field = calloc(count + 1, sizeof *images->field);
    if (!images->path || !images->type || !images->field)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to load %zu images", count);
    for (size_t i = 0; i < count; i++) {
        images->path[i] = images->missing[i]->path;
        images->path[count + i] = images->missing[i]->sha256;
        images->type[i] = images->missing[i]->type;
        images->field[i] = images->missing[i]->field;
    }
    const struct insp_image_loader_config config = {.count = count,
                                                    .path = images->path,
                                                    .sha256 = images->path + count,
                                                    .type = images->type,
                                                    .field = images->field,
                                                    .tiles = tiles,
                                                    .transform = *input,
                                                    .limits = *limits,
                                                    .threads = DECODERS,
                                                    .ahead = ahead > DECODERS ? ahead : DECODERS};
    return insp_image_loader_new(&config, ret, reterr);
}
