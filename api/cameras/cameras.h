/* api/cameras/cameras.h - know the cameras that have a grabber (`inspectd grab`), and fire their software
 * triggers. Loop thread.
 *
 * A grabber reports by POST /v1/cameras/{camera}/grabber, which waits for a trigger: so a trigger reaches it in
 * the turn of the loop in which it was asked for, over a connection that the grabber keeps open. */
#ifndef INSP_API_CAMERAS_CAMERAS_H
#define INSP_API_CAMERAS_CAMERAS_H

#include "core/line/grabber.h"

#include <jansson.h>
#include <stdio.h>

struct api_cameras;
struct api_request;
struct api_server;

/* Fails with INSP_E_NOMEM. */
int api_cameras_new(struct api_cameras **ret, struct insp_error *reterr);
void api_cameras_free(struct api_cameras *cameras); /* accepts NULL */

/* Fires the camera of a station for its PLC. If that fails, also later, the station gets an undecided result. Does
 * nothing for a camera that has no grabber with --trigger software: the PLC fires it by wire.
 *   part  of the PLC; "": none */
void api_cameras_pull(struct api_server *server, const char *camera, const char *part);

/* Lets time pass: gives up overdue triggers and logs silent cameras. */
void api_cameras_turn(struct api_server *server);

/* Says whether a camera has a grabber and is silent. camera: NULL is no camera. */
bool api_camera_silent(const struct api_cameras *cameras, const char *camera);

/* Writes the names of the silent cameras, separated by commas; returns whether there are any. */
bool api_cameras_silent(const struct api_cameras *cameras, char *ret, size_t bytes);

/* Returns {"items": [...]} for GET /v1/cameras; NULL without memory. */
json_t *api_cameras_json(const struct api_cameras *cameras);

/* Writes the metrics inspectd_camera_... Errors are the stream's. */
void api_cameras_metrics(const struct api_cameras *cameras, FILE *out);

#endif
