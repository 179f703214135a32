#include "core/jobs/feedback_items.h"

#include "core/base/fs.h"
#include "core/store/lists/labelled.h"

#include <string.h>

enum { ROOM = 2 * INSP_FEEDBACK_IMAGES_MAX };

/* Labels arrive in the order of their hashes. Whenever the array is full, the less important half is dropped. */
struct collection {
    struct insp_labelled *item; /* owned; [ROOM] */
    size_t count, seen;
};

static bool wrong(const struct insp_labelled *labelled) {
    return insp_feedback_wrong(labelled->verdict,
                               labelled->label == INSP_LABEL_ANOMALY ? INSP_CLASS_ANOMALY : INSP_CLASS_GOOD);
}

static int by_weight(const void *a, const void *b) {
    const struct insp_labelled *x = a, *y = b;
    if (wrong(x) != wrong(y))
        return wrong(x) ? -1 : 1;
    if (x->labelled_us != y->labelled_us)
        return x->labelled_us < y->labelled_us ? 1 : -1;
    return strcmp(x->sha256, y->sha256);
}

static void keep_weighty(struct collection *collection) {
    qsort(collection->item, collection->count, sizeof *collection->item, by_weight);
    if (collection->count > INSP_FEEDBACK_IMAGES_MAX)
        collection->count = INSP_FEEDBACK_IMAGES_MAX;
}

static int collect(void *arg, const struct insp_labelled *labelled) {
    struct collection *collection = arg;
    if (!*labelled->kept_id)
        return 0;
    collection->seen++;
    if (collection->count == ROOM)
        keep_weighty(collection);
    collection->item[collection->count++] = *labelled;
    return 0;
}

static int convert(const struct insp_store *store, const struct insp_labelled *labelled,
                   struct insp_feedback_item *ret, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r = insp_media_parse(labelled->media_type, &ret->type, reterr);
    if (r == 0)
        r = insp_store_image_path(store, labelled->kept_id, labelled->extension, path, reterr);
    if (r < 0)
        return r;
    snprintf(ret->id, sizeof ret->id, "%s", labelled->id);
    snprintf(ret->sha256, sizeof ret->sha256, "%s", labelled->sha256);
    snprintf(ret->camera, sizeof ret->camera, "%s", labelled->camera);
    snprintf(ret->defect, sizeof ret->defect, "%s", labelled->defect);
    snprintf(ret->model, sizeof ret->model, "%s", labelled->model);
    ret->label = labelled->label == INSP_LABEL_ANOMALY ? INSP_CLASS_ANOMALY : INSP_CLASS_GOOD;
    ret->verdict = labelled->verdict;
    ret->probability = labelled->probability;
    ret->labelled_us = labelled->labelled_us;
    ret->path = strdup(path);
    return ret->path ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for a labelled image");
}

int insp_feedback_collect(struct insp_store *store, const char *product, struct insp_feedback *ret,
                          struct insp_error *reterr) {
    struct insp_feedback feedback = {0};
    struct collection collection = {.item = calloc(ROOM, sizeof *collection.item)};
    int r = collection.item ? insp_store_labelled(store, product, NULL, collect, &collection, reterr)
                            : insp_fail(reterr, INSP_E_NOMEM, "no memory for labelled images");
    if (r == 0) {
        keep_weighty(&collection);
        feedback.left_out = collection.seen - collection.count;
        feedback.item = calloc(collection.count + 1, sizeof *feedback.item);
        if (!feedback.item)
            r = insp_fail(reterr, INSP_E_NOMEM, "no memory for labelled images");
    }
    for (size_t i = 0; i < collection.count && r == 0; i++)
        if ((r = convert(store, &collection.item[i], &feedback.item[i], reterr)) == 0)
            feedback.count++;
    free(collection.item);
    if (r < 0)
        insp_feedback_clear(&feedback);
    else
        *ret = feedback;
    return r;
}

int insp_feedback_collect_from(const char *state_dir, const char *product, struct insp_feedback *ret,
                               struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    _cleanup_(insp_store_closep) struct insp_store *store = NULL;
    int r = insp_path(path, reterr, "%s/inspectd.sqlite3", state_dir);
    if (r < 0)
        return r;
    if (access(path, F_OK) < 0) {
        *ret = (struct insp_feedback){0};
        return 0;
    }
    r = insp_store_open(state_dir, INSP_DURABLE_PROCESS, &store, reterr);
    return r < 0 ? r : insp_feedback_collect(store, product, ret, reterr);
}
