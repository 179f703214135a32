/* api/sources/folder.h - inspect the files that others put into a watched folder, each exactly once. docs/watch.md
 * describes the folder. Loop thread.
 *
 * A file goes to the same pipeline as a posted image. Its row is written in the transaction of its inspection
 * (core/store/watched.h); result and removal follow, and are made up for after a crash. The folder is read in lane
 * FILES only, so a network folder that hangs holds nothing else. All functions accept NULL: no folder. */
#ifndef INSP_API_SOURCES_FOLDER_H
#define INSP_API_SOURCES_FOLDER_H

#include "core/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct api_folder;
struct api_server;

/* Check watch.folder: empty or an absolute path, not "/"; and watch.pattern (core/line/pattern.h), which must not
 * lead into a folder that the daemon makes itself. Fail with INSP_E_CONFIG; the detail is a clause that follows
 * the name of the setting. Pure. */
int api_folder_check(const char *path, struct insp_error *reterr);
int api_folder_pattern_check(const char *pattern, struct insp_error *reterr);

/* Makes the folder of the settings watch.*; *ret is the caller's, NULL if they name none. Fails with
 * INSP_E_CONFIG, INSP_E_NOMEM. */
int api_folder_new(struct api_server *server, struct api_folder **ret, struct insp_error *reterr);

/* Begins to watch. The folder may be away. */
void api_folder_start(struct api_folder *folder);

/* Reads no further files; those that are on their way end. */
void api_folder_stop(struct api_folder *folder);

/* Finishes the files that are stored, with nothing in the pipeline any more, and calls `closed` on the loop, not
 * inside this call. */
void api_folder_close(struct api_folder *folder, void (*closed)(void *arg), void *arg);
bool api_folder_closed(const struct api_folder *folder);

/* Frees a folder that is closed or was never started. */
void api_folder_free(struct api_folder *folder);

/* Returns {"items": [...]} for GET /v1/sources; NULL without memory. */
json_t *api_sources_json(const struct api_folder *folder);

/* Writes the metrics inspectd_source_... Errors are the stream's. */
void api_sources_metrics(const struct api_folder *folder, FILE *out);

#endif
