#include "core/judge/judgement.h"

struct insp_heat_params insp_judgement_heat(const struct insp_judgement *j) {
    return (struct insp_heat_params){
        .scale = j->heatmap_scale, .threshold = j->heatmap_threshold, .low = 0, .high = 1};
}

bool insp_judgement_anomaly(const struct insp_judgement *j, size_t i) {
    return (double)j->probability[i] >= j->threshold;
}
