#include "api/watch/drift_watch.h"

#include "core/base/log.h"
#include "core/base/utf8.h"

#include <stdlib.h>
#include <string.h>

bool api_camera_drifts(const struct api_drift_camera *camera) {
    return camera->drift.state == INSP_DRIFT_HIGHER || camera->drift.state == INSP_DRIFT_LOWER;
}

static bool same_camera(const struct api_drift_camera *a, const struct api_drift_camera *b) {
    return !strcmp(a->product, b->product) && !strcmp(a->camera, b->camera) && !strcmp(a->model, b->model);
}

static struct api_drift_camera *find(struct api_drift *drift, const struct api_drift_camera *camera) {
    for (size_t i = 0; i < drift->count; i++)
        if (same_camera(&drift->camera[i], camera))
            return &drift->camera[i];
    return NULL;
}

/* Returns a place: a new one, or in a full list that of a camera without drift. NULL: none. */
static struct api_drift_camera *place_for(struct api_drift *drift, bool wanted) {
    if (drift->count < API_DRIFT_CAMERAS)
        return &drift->camera[drift->count++];
    for (size_t i = 0; i < drift->count && wanted; i++)
        if (!api_camera_drifts(&drift->camera[i]))
            return &drift->camera[i];
    return NULL;
}

bool api_drift_rows_add(struct api_drift_rows *rows, const struct insp_drift_row *row) {
    if (rows->count == rows->room) {
        size_t room = rows->room ? 2 * rows->room : 64;
        struct api_drift_row *more = reallocarray(rows->row, room, sizeof *more);
        if (!more)
            return false;
        rows->row = more;
        rows->room = room;
    }
    struct api_drift_row *copy = &rows->row[rows->count++];
    copy->row = *row;
    snprintf(copy->product, sizeof copy->product, "%s", row->product);
    snprintf(copy->camera, sizeof copy->camera, "%s", row->camera);
    snprintf(copy->model, sizeof copy->model, "%s", row->model);
    copy->row.product = copy->row.camera = copy->row.model = NULL;
    return true;
}

/* Gathers the rows of versions that give verdicts. */
struct reading {
    struct insp_models *models;
    struct api_drift_rows rows;
    bool failed;
};

static int gather(void *arg, const struct insp_drift_row *row) {
    struct reading *reading = arg;
    if (insp_models_judge(reading->models, row->product, row->model))
        reading->failed = !api_drift_rows_add(&reading->rows, row);
    return reading->failed;
}

/* Takes the first row of a camera that has enough parts: rows come newest day first. */
static void take(struct api_drift *drift, const struct api_drift_row *copy) {
    const struct insp_drift_row *row = &copy->row;
    struct api_drift_camera camera = {.day = row->day, .parts = row->parts};
    snprintf(camera.product, sizeof camera.product, "%s", copy->product);
    snprintf(camera.camera, sizeof camera.camera, "%s", copy->camera);
    snprintf(camera.model, sizeof camera.model, "%s", copy->model);
    if (find(drift, &camera))
        return;
    camera.drift = insp_drift_of(row->bin, row->parts, row->reference);
    if (camera.drift.state == INSP_DRIFT_FEW)
        return;
    struct api_drift_camera *place = place_for(drift, api_camera_drifts(&camera));
    if (place)
        *place = camera;
}

void api_drift_read(struct insp_store *store, struct insp_models *models, int64_t now_us, struct api_drift *ret) {
    struct reading reading = {.models = models};
    struct insp_error error;
    int r = insp_store_drift(store, NULL, insp_drift_day(now_us) - 1, gather, &reading, &error);
    if (r == 0 && reading.failed)
        r = insp_fail(&error, INSP_E_NOMEM, "no memory for the drift of the cameras");
    if (r == 0)
        *ret = (struct api_drift){0};
    for (size_t i = 0; r == 0 && i < reading.rows.count; i++)
        take(ret, &reading.rows.row[i]);
    free(reading.rows.row);
    if (r < 0 && !ret->failed)
        insp_log_warning("the drift of good parts cannot be read code=%s detail=%s", insp_code_wire(error.code),
                         INSP_LOG_QUOTED(error.detail));
    ret->failed = r < 0;
}

void api_drift_keep_serving(struct api_drift *drift, const struct insp_models *models) {
    size_t n = 0;
    for (size_t i = 0; i < drift->count; i++) {
        const struct insp_served_model *item = insp_models_named(models, drift->camera[i].product);
        if (item && item->model && !strcmp(item->model->manifest->version, drift->camera[i].model))
            drift->camera[n++] = drift->camera[i];
    }
    drift->count = n;
}

bool api_drift_alarm(const struct api_drift *drift, char *ret, size_t bytes) {
    size_t used = 0;
    bool any = false;
    ret[0] = '\0';
    for (size_t i = 0; i < drift->count; i++) {
        const struct api_drift_camera *c = &drift->camera[i];
        if (!api_camera_drifts(c))
            continue;
        any = true;
        if (used < bytes)
            used += (size_t)snprintf(ret + used, bytes - used, "%s%s %s %s", used ? ", " : "", c->product,
                                     *c->camera ? c->camera : "-", insp_drift_state_name(c->drift.state));
    }
    insp_utf8_clean(ret); /* it may be cut */
    return any;
}

void api_drift_log(const struct api_drift *before, const struct api_drift *after) {
    for (size_t i = 0; i < after->count; i++) {
        const struct api_drift_camera *now = &after->camera[i];
        bool known = false;
        for (size_t k = 0; k < before->count; k++)
            known = known ||
                    (same_camera(&before->camera[k], now) && before->camera[k].drift.state == now->drift.state);
        if (!known && api_camera_drifts(now))
            insp_log_warning("the good parts of a camera drift product=%s camera=%s model=%s state=%s parts=%llu "
                             "high=%.3f low=%.3f limit=%.3f",
                             now->product, INSP_LOG_QUOTED(now->camera), now->model,
                             insp_drift_state_name(now->drift.state), (unsigned long long)now->parts,
                             now->drift.high, now->drift.low, now->drift.limit);
    }
}
