#include "core/jobs/from_labels.h"

#include "core/base/fs.h"
#include "core/dataset/cameras/camera_log.h"
#include "core/dataset/class_name.h"

#include <string.h>

enum { NAME_DIGITS = 40 };

static const char *const import_names[] = {[INSP_IMPORT_ADDED] = "added",
                                           [INSP_IMPORT_MOVED] = "moved",
                                           [INSP_IMPORT_DUPLICATE] = "duplicate",
                                           [INSP_IMPORT_GONE] = "gone",
                                           [INSP_IMPORT_UNSUPPORTED] = "unsupported"};

const char *insp_import_name(enum insp_import import) {
    return import_names[import];
}

void insp_label_place(const struct insp_labelled *labelled, struct insp_dataset_place *ret) {
    bool good = labelled->label == INSP_LABEL_GOOD;
    /* A defect named "good" or "OK" would be learnt as a good part. */
    bool named = insp_class_name_valid(labelled->defect) && !insp_class_name_good(labelled->defect);
    *ret = (struct insp_dataset_place){.split = good ? "train" : "test",
                                       .class = good    ? "good"
                                                : named ? labelled->defect
                                                        : "anomaly"};
}

static bool is_raw(const struct insp_labelled *labelled) {
    return !strcmp(labelled->extension, "raw");
}

static void name_file(const struct insp_labelled *labelled, char ret_name[INSP_NAME_BYTES]) {
    snprintf(ret_name, INSP_NAME_BYTES, "%.*s.%s", NAME_DIGITS, labelled->sha256,
             is_raw(labelled) ? "png" : labelled->extension);
}

/* --- images that the dataset has --- */

struct settle {
    const struct insp_labelled *labelled;
    struct insp_dataset_place place; /* by the label */
    bool found, moved;
    char at[INSP_PLACE_BYTES];
};

static bool named(const struct insp_dataset *dataset, size_t item, const char *name) {
    return !strcmp(strrchr(dataset->item[item].path, '/') + 1, name);
}

/* Finds the next copy of the image by content, or, for a raw frame, by name: its file is a PNG with another hash.
 */
static int next_copy(struct insp_dataset *dataset, size_t from, const struct settle *settle, size_t *ret,
                     struct insp_error *reterr) {
    if (!is_raw(settle->labelled))
        return insp_dataset_find(dataset, from, settle->labelled->image_bytes, settle->labelled->sha256, ret,
                                 reterr);
    size_t i = from;
    while (i < dataset->count && !named(dataset, i, settle->place.name))
        i++;
    *ret = i;
    return 0;
}

static bool in_class(const struct insp_dataset *dataset, size_t item, const char *class) {
    const char *at = strchr(insp_dataset_item_place(dataset, item), '/') + 1;
    size_t n = strlen(class);
    return !strncmp(at, class, n) && at[n] == '/';
}

static int find_right(struct insp_dataset_view *view, struct settle *settle, size_t *ret,
                      struct insp_error *reterr) {
    size_t i = 0;
    for (;; i++) {
        int r = next_copy(view->dataset, i, settle, &i, reterr);
        if (r < 0 || i == view->dataset->count || in_class(view->dataset, i, settle->place.class)) {
            *ret = i;
            return r;
        }
    }
}

/* Leaves the image in the class of its label only, because a model learns nothing from an image in two classes. If
 * no copy is in that class, the first copy moves there; all other copies in wrong classes are removed. */
static int settle_work(struct insp_dataset_view *view, void *arg, struct insp_error *reterr) {
    struct settle *settle = arg;
    struct insp_dataset *dataset = view->dataset;
    size_t i = 0, right;
    int r = find_right(view, settle, &right, reterr);
    if (r < 0)
        return r;
    bool have = right < dataset->count;
    if (have)
        snprintf(settle->at, sizeof settle->at, "%s", insp_dataset_item_place(dataset, right));
    for (;;) {
        r = next_copy(dataset, i, settle, &i, reterr);
        if (r < 0 || i == dataset->count)
            break;
        if (in_class(dataset, i, settle->place.class)) {
            i++;
            continue;
        }
        r = have ? insp_dataset_remove_item(view, i, reterr)
                 : insp_dataset_move_item(view, i, &settle->place, reterr);
        if (r < 0)
            return r;
        settle->moved = true;
        if (!have)
            snprintf(settle->at, sizeof settle->at, "%s", insp_dataset_item_place(dataset, i));
        have = true;
    }
    settle->found = have;
    return r < 0 ? r : settle->moved;
}

/* --- new images --- */

static int raw_to_png(const void *bytes, size_t count, const char *media_type,
                      const struct insp_image_limits *limits, unsigned char **ret_png, size_t *ret_bytes,
                      struct insp_error *reterr) {
    struct insp_media_type type;
    _cleanup_(insp_image_freep) struct insp_image *image = NULL;
    int r = insp_media_parse(media_type, &type, reterr);
    if (r == 0)
        r = insp_image_decode(bytes, count, &type, 0, limits, &image, reterr);
    return r ? r : insp_image_encode_png(image->rgb, image->width, image->height, 3, ret_png, ret_bytes, reterr);
}

static int put(struct insp_store *store, struct insp_dataset_view *view, const struct settle *settle,
               const struct insp_dataset_limits *limits, enum insp_dataset_change *ret_change, char *ret_sha256,
               struct insp_error *reterr) {
    const struct insp_labelled *labelled = settle->labelled;
    _cleanup_free_ void *posted = NULL;
    _cleanup_free_ unsigned char *png = NULL;
    char media_type[128];
    size_t bytes, png_bytes;
    int r = insp_store_image(store, labelled->kept_id, &posted, &bytes, media_type, reterr);
    if (r)
        return r;
    if (!is_raw(labelled))
        return insp_dataset_put_into(view, &settle->place, posted, bytes, limits, ret_change, ret_sha256, reterr);
    r = raw_to_png(posted, bytes, media_type, &limits->image, &png, &png_bytes, reterr);
    return r ? r
             : insp_dataset_put_into(view, &settle->place, png, png_bytes, limits, ret_change, ret_sha256, reterr);
}

/* Remembers the camera of an image that the set had before, such as one that a person uploaded. */
static int tell_camera(struct insp_dataset_view *view, const struct settle *settle, struct insp_error *reterr) {
    const struct insp_labelled *labelled = settle->labelled;
    char path[INSP_PATH_BYTES], sha256[INSP_SHA256_HEX_BYTES];
    if (!*labelled->camera)
        return 0;
    if (!is_raw(labelled))
        return insp_camera_log_add(view->set, labelled->sha256, labelled->camera, reterr);
    int r = insp_path(path, reterr, "%s/%s", view->set, settle->at); /* a PNG, whose hash is its own */
    if (r == 0)
        r = insp_sha256_file(path, sha256, reterr);
    return r < 0 ? r : insp_camera_log_add(view->set, sha256, labelled->camera, reterr);
}

/* Returns true for errors that concern one image only, so that the import continues with the next. */
static bool own_fault(int code) {
    return code == INSP_E_IMAGE || code == INSP_E_IMAGE_LIMIT || code == INSP_E_MEDIA_TYPE ||
           code == INSP_E_PARAMETER || code == INSP_E_CONFLICT || code == INSP_E_IMAGE_DAMAGED;
}

int insp_import_labelled(struct insp_store *store, struct insp_dataset_view *view,
                         const struct insp_labelled *labelled, const struct insp_dataset_limits *limits,
                         enum insp_import *ret, char ret_place[INSP_PLACE_BYTES], struct insp_error *ret_why,
                         struct insp_error *reterr) {
    struct settle settle = {.labelled = labelled};
    struct insp_error why = {0};
    char name[INSP_NAME_BYTES], sha256[INSP_SHA256_HEX_BYTES];
    enum insp_dataset_change change;
    insp_label_place(labelled, &settle.place);
    name_file(labelled, name);
    settle.place.name = name;
    enum insp_import import = INSP_IMPORT_DUPLICATE;
    int r = insp_dataset_edit(view, settle_work, &settle, &why);
    if (r == 0 && settle.found) {
        import = settle.moved ? INSP_IMPORT_MOVED : INSP_IMPORT_DUPLICATE;
        r = tell_camera(view, &settle, &why);
    } else if (r == 0 && !*labelled->kept_id) {
        r = insp_fail(&why, INSP_E_GONE, "the image is no longer kept");
    } else if (r == 0) {
        import = INSP_IMPORT_ADDED;
        r = put(store, view, &settle, limits, &change, sha256, &why);
        if (r == 0 && *labelled->camera)
            r = insp_camera_log_add(view->set, sha256, labelled->camera, &why);
        snprintf(settle.at, sizeof settle.at, "%s/%s/%s", settle.place.split, settle.place.class, name);
    }
    if (r == INSP_E_GONE || r == INSP_E_NOT_FOUND)
        import = INSP_IMPORT_GONE;
    else if (own_fault(r))
        import = INSP_IMPORT_UNSUPPORTED;
    else if (r < 0)
        return insp_fail(reterr, r, "%s", why.detail);
    if (r < 0)
        *ret_why = why;
    snprintf(ret_place, INSP_PLACE_BYTES, "%s", r < 0 ? "" : settle.at);
    *ret = import;
    return 0;
}
