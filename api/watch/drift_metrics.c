/* Writes the metrics of drift. */
#include "api/watch/drift_watch.h"
#include "api/watch/prometheus.h"

static void head(FILE *out, const char *name, const char *help) {
    fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void sample(FILE *out, const char *name, const struct api_drift_camera *c, const char *more, double value) {
    char camera[2 * INSP_TAG_BYTES + 1];
    api_metrics_escape(c->camera, camera, sizeof camera);
    fprintf(out, "%s{product=\"%s\",camera=\"%s\"%s} %.6g\n", name, c->product, camera, more, value);
}

/* A version that keeps no scores has no samples: no made-up zero. */
void api_drift_metrics(const struct api_drift *drift, FILE *out) {
    static const char state[] = "inspectd_drift", ratio[] = "inspectd_drift_ratio";
    head(out, state, "1 while the good parts of the camera score otherwise than those of the training.");
    for (size_t i = 0; i < drift->count; i++)
        if (drift->camera[i].drift.state != INSP_DRIFT_UNKNOWN)
            sample(out, state, &drift->camera[i], "", api_camera_drifts(&drift->camera[i]));
    head(out, ratio, "Share of the day's good parts in the highest and in the lowest tenth of the training.");
    for (size_t i = 0; i < drift->count; i++) {
        const struct api_drift_camera *c = &drift->camera[i];
        if (c->drift.state == INSP_DRIFT_UNKNOWN)
            continue;
        sample(out, ratio, c, ",tenth=\"highest\"", c->drift.high);
        sample(out, ratio, c, ",tenth=\"lowest\"", c->drift.low);
    }
}
