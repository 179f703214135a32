/* Writes the metrics of shadows: of each product's present or last run since the start of the daemon. */
#include "api/shadow/shadow.h"
#include "api/shadow/shadow_state.h"

enum metric { PARTS, MISSED, REJECTED, OTHER, SKIPPED, FAILED, LOST, SECONDS };

static double value_of(const struct api_shadow_known *known, enum metric metric) {
    const struct insp_shadow_counts *c = &known->counts;
    switch (metric) {
    case PARTS:
        return (double)c->parts;
    case MISSED:
        return (double)c->missed;
    case REJECTED:
        return (double)c->rejected;
    case OTHER:
        return (double)(c->parts - c->agree - c->missed - c->rejected);
    case SKIPPED:
        return (double)c->skipped;
    case FAILED:
        return (double)c->failed;
    case LOST:
        return (double)(c->lost + known->lost);
    default:
        return (double)known->took_us / 1e6;
    }
}

void api_shadow_metrics(const struct api_shadow *shadow, FILE *out) {
    static const struct {
        const char *name, *help, *label;
        enum metric metric;
    } row[] = {
        {"inspectd_shadow_parts_total", "Inspections judged by the active version and its shadow.", "", PARTS},
        {"inspectd_shadow_disagreements_total", "Of them those with different verdicts, by what the shadow did.",
         ",kind=\"missed\"", MISSED},
        {"inspectd_shadow_disagreements_total", NULL, ",kind=\"rejected\"", REJECTED},
        {"inspectd_shadow_disagreements_total", NULL, ",kind=\"other\"", OTHER},
        {"inspectd_shadow_skipped_total", "Inspections for whose shadow the line had no time.", "", SKIPPED},
        {"inspectd_shadow_failed_total", "Inspections about which the shadow failed.", "", FAILED},
        {"inspectd_shadow_lost_total", "Inspections whose comparison could not be stored.", "", LOST},
        {"inspectd_shadow_seconds_total", "Time of the inference thread that went to the shadow.", "", SECONDS},
    };
    for (size_t k = 0; k < INSP_COUNT(row); k++) {
        if (row[k].help)
            fprintf(out, "# HELP %s %s\n# TYPE %s counter\n", row[k].name, row[k].help, row[k].name);
        for (size_t i = 0; i < shadow->known_count; i++)
            fprintf(out, "%s{product=\"%s\",version=\"%s\"%s} %.17g\n", row[k].name, shadow->known[i].product,
                    shadow->known[i].version, row[k].label, value_of(&shadow->known[i], row[k].metric));
    }
}
