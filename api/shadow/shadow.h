/* api/shadow/shadow.h - ask shadows, versions that run beside the active ones, about the inspections of the line,
 * count whether they agree, and make one active if its rule says so. Loop thread. */
#ifndef INSP_API_SHADOW_SHADOW_H
#define INSP_API_SHADOW_SHADOW_H

#include "core/inspect/inspection.h"

#include <stdio.h>

struct api_server;
struct api_shadow;

/* *ret is plain memory, the caller's: free it once the server's `opinions` are 0. Its timer is
 * server->shadow_group, which a stop lets fire at once. Fails with INSP_E_NOMEM. */
int api_shadow_new(struct api_server *server, struct api_shadow **ret, struct insp_error *reterr);

/* Returns why the shadow of a product failed about the last part of a run; "" if it did not. */
const char *api_shadow_failure(const struct api_shadow *shadow, const char *product, const char *version,
                               int64_t since_us);

/* insp_pipeline_config.opinion: asks the shadow of the product if the active version judges the job. arg: the
 * struct api_server. */
struct insp_opinion *api_shadow_opinion(void *arg, const struct insp_inspection *job);

/* Writes the metrics inspectd_shadow_... (shadow_metrics.c). */
void api_shadow_metrics(const struct api_shadow *shadow, FILE *out);

#endif
