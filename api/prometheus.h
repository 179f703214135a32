/* api/prometheus.h - counters and histograms in Prometheus' text format (0.0.4): base units, bounded labels. Loop
 * thread. */
#ifndef INSP_API_PROMETHEUS_H
#define INSP_API_PROMETHEUS_H

#include "core/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct api_metrics;
struct api_request;
struct api_server;
struct insp_inspection;

enum { API_METRICS_CAMERAS = 64, API_METRICS_SERIES = 2048 };

int api_metrics_new(struct api_metrics **ret, struct insp_error *reterr);
void api_metrics_free(struct api_metrics *metrics);

/* At the end of a request: duration by route and status; refusals by reason. */
void api_metrics_request(struct api_metrics *metrics, const struct api_request *request);

/* One finished inspection: verdict and stages, or a missed deadline. */
void api_metrics_inspection(struct api_metrics *metrics, const struct insp_inspection *job);

/* The camera as a label: the first API_METRICS_CAMERAS distinct names, then "other"; borrowed from metrics. */
const char *api_metrics_camera(struct api_metrics *metrics, const char *camera);

/* The whole page; the caller's (free). NULL without memory. */
char *api_metrics_text(struct api_server *server, size_t *ret_bytes);

/* name="value" with \, " and newline escaped as the format wants; out is cut at bytes. Pure. */
void api_metrics_escape(const char *value, char *out, size_t bytes);

#endif
