/* api/cameras/cameras_state.h - declare the known cameras for the files of api/cameras/. Loop thread. */
#ifndef INSP_API_CAMERAS_CAMERAS_STATE_H
#define INSP_API_CAMERAS_CAMERAS_STATE_H

#include "core/line/grabber.h"

struct api_request;
struct api_server;

enum { API_CAMERAS_MAX = 64 };

struct api_camera {
    char name[INSP_GRABBER_TAG_BYTES];
    struct insp_grabber grabber;
    struct api_request *waiter; /* the report that waits for a trigger; NULL: none */
    bool silent;                /* as the log knows */
};

struct api_cameras {
    struct api_camera *item[API_CAMERAS_MAX]; /* owned */
    size_t count;
};

/* Finds a camera that has or had a grabber; NULL: none. */
struct api_camera *api_cameras_find(const struct api_cameras *cameras, const char *name);

/* Finds it or adds it. Fails with INSP_E_QUEUE_FULL (API_CAMERAS_MAX have grabbers), INSP_E_NOMEM. */
int api_cameras_add(struct api_cameras *cameras, const char *name, struct api_camera **ret,
                    struct insp_error *reterr);

/* Forgets a camera whose grabber has ended; its triggers have been ended. */
void api_cameras_forget(struct api_cameras *cameras, struct api_camera *camera);

/* Logs whether a camera has become silent or delivers again. */
void api_camera_look(struct api_camera *camera, int64_t now_us);

/* Answers the report that waits, if any, with the triggers that wait. */
void api_camera_answer(struct api_camera *camera);

/* Gives up the triggers that are overdue, or all of them. */
void api_camera_expire(struct api_server *server, struct api_camera *camera, bool all, int64_t now_us);

/* Tells the asker of a trigger, a request or the station, that it has ended.
 *   why  NULL: the camera was fired */
void api_trigger_ended(struct api_server *server, const struct api_camera *camera,
                       const struct insp_trigger *trigger, const char *why);

#endif
