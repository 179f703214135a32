#include "api/cameras/cameras.h"

#include "api/cameras/cameras_state.h"
#include "api/server/server.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/utf8.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)INSP_GRABBER_TAG_BYTES == (int)INSP_TAG_BYTES, "a camera and a part have one size");

int api_cameras_new(struct api_cameras **ret, struct insp_error *reterr) {
    *ret = calloc(1, sizeof **ret);
    return *ret ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for the cameras");
}

void api_cameras_free(struct api_cameras *cameras) {
    for (size_t i = 0; cameras && i < cameras->count; i++)
        free(cameras->item[i]);
    free(cameras);
}

struct api_camera *api_cameras_find(const struct api_cameras *cameras, const char *name) {
    for (size_t i = 0; i < cameras->count; i++)
        if (!strcmp(cameras->item[i]->name, name))
            return cameras->item[i];
    return NULL;
}

void api_cameras_forget(struct api_cameras *cameras, struct api_camera *camera) {
    for (size_t i = 0; i < cameras->count; i++) {
        if (cameras->item[i] != camera)
            continue;
        cameras->item[i] = cameras->item[--cameras->count];
        free(camera);
        return;
    }
}

/* Makes room by forgetting a camera whose grabber has gone. */
static bool make_room(struct api_cameras *cameras) {
    for (size_t i = 0; i < cameras->count && cameras->count == API_CAMERAS_MAX; i++)
        if (!insp_grabber_attached(&cameras->item[i]->grabber, insp_mono_us()))
            api_cameras_forget(cameras, cameras->item[i]);
    return cameras->count < API_CAMERAS_MAX;
}

int api_cameras_add(struct api_cameras *cameras, const char *name, struct api_camera **ret,
                    struct insp_error *reterr) {
    struct api_camera *camera = api_cameras_find(cameras, name);
    if (!camera && !make_room(cameras))
        return insp_fail(reterr, INSP_E_QUEUE_FULL, "%d cameras have grabbers already", API_CAMERAS_MAX);
    if (!camera) {
        camera = calloc(1, sizeof *camera);
        if (!camera)
            return insp_fail(reterr, INSP_E_NOMEM, "no memory for a camera");
        snprintf(camera->name, sizeof camera->name, "%s", name);
        camera->grabber.sequence = (uint64_t)insp_wall_us();
        cameras->item[cameras->count++] = camera;
    }
    *ret = camera;
    return 0;
}

void api_camera_look(struct api_camera *camera, int64_t now_us) {
    const struct insp_grabber *grabber = &camera->grabber;
    /* A silent camera that is opened again is silent until it is connected. */
    bool silent =
        insp_grabber_silent(grabber, now_us) || (camera->silent && grabber->last.state == INSP_GRABBER_CONNECTING);
    if (silent && !camera->silent)
        insp_log_warning("camera silent camera=%s detail=%s", INSP_LOG_WORD(camera->name),
                         INSP_LOG_QUOTED(insp_grabber_attached(grabber, now_us) ? grabber->last.detail
                                                                                : "its grabber has gone"));
    if (!silent && camera->silent)
        insp_log_info("a camera is no longer silent camera=%s", INSP_LOG_WORD(camera->name));
    camera->silent = silent;
}

void api_camera_expire(struct api_server *server, struct api_camera *camera, bool all, int64_t now_us) {
    struct insp_trigger trigger;
    while (insp_grabber_expire(&camera->grabber, all, now_us, &trigger))
        api_trigger_ended(server, camera, &trigger,
                          trigger.handed ? "the grabber did not say in time that it was fired"
                                         : "the grabber did not fetch the trigger in time");
}

void api_cameras_turn(struct api_server *server) {
    const int64_t now_us = insp_mono_us();
    for (size_t i = 0; i < server->cameras->count; i++) {
        api_camera_expire(server, server->cameras->item[i], false, now_us);
        api_camera_look(server->cameras->item[i], now_us);
    }
}

bool api_camera_silent(const struct api_cameras *cameras, const char *camera) {
    const struct api_camera *found = camera ? api_cameras_find(cameras, camera) : NULL;
    return found && found->silent;
}

bool api_cameras_silent(const struct api_cameras *cameras, char *ret, size_t bytes) {
    size_t used = 0;
    bool any = false;
    ret[0] = 0;
    for (size_t i = 0; i < cameras->count; i++) {
        const struct api_camera *camera = cameras->item[i];
        if (!camera->silent)
            continue;
        if (used < bytes)
            used += (size_t)snprintf(ret + used, bytes - used, "%s%s", any ? ", " : "", camera->name);
        any = true;
    }
    insp_utf8_clean(ret); /* it may be cut */
    return any;
}
