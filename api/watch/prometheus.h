/* api/watch/prometheus.h - writes GET /metrics in Prometheus' text format 0.0.4, in base units. Loop thread. */
#ifndef INSP_API_WATCH_PROMETHEUS_H
#define INSP_API_WATCH_PROMETHEUS_H

#include <stddef.h>

struct api_server;

/* Returns the whole page, the caller's (free); NULL without memory.
 *   ret_bytes  its length without the NUL */
char *api_metrics_text(struct api_server *server, size_t *ret_bytes);

/* Escapes \, " and newline for the value of a label. Pure; any thread.
 *   bytes  room at `out` with the NUL, at least 1; a longer text is cut */
void api_metrics_escape(const char *value, char *out, size_t bytes);

#endif
