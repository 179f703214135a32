/* api/inspections/publish.h - reports stored inspections to those who watch. Loop thread. */
#ifndef INSP_API_INSPECTIONS_PUBLISH_H
#define INSP_API_INSPECTIONS_PUBLISH_H

#include <stddef.h>

struct api_server;
struct insp_inspection;

/* Counts an inspection that the pipeline has stored, publishes its event and answers the requests that wait for
 * it. The caller of the pipeline calls it once for each of them, also if the client has left. Returns the JSON
 * text of the event, the caller's (free); NULL without memory. */
char *api_inspection_publish(struct api_server *server, const struct insp_inspection *job, size_t *ret_bytes);

#endif
