/* api/watch/prometheus.h - GET /metrics: Prometheus' text format (0.0.4), base units. Loop thread. */
#ifndef INSP_API_WATCH_PROMETHEUS_H
#define INSP_API_WATCH_PROMETHEUS_H

#include <stddef.h>

struct api_server;

/* The whole page; the caller's (free). NULL without memory. */
char *api_metrics_text(struct api_server *server, size_t *ret_bytes);

/* The inside of a label's quotes: \, " and newline escaped as the format wants; cut at bytes. Pure. */
void api_metrics_escape(const char *value, char *out, size_t bytes);

#endif
