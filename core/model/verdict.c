#include "core/model/verdict.h"

#include "core/model/manifest.h"

const char *insp_verdict_name(enum insp_verdict verdict) {
    static const char *const name[INSP_VERDICTS] = {
        [INSP_VERDICT_GOOD] = "good", [INSP_VERDICT_ANOMALY] = "anomaly", [INSP_VERDICT_REVIEW] = "review"};
    return name[verdict];
}

enum insp_verdict insp_verdict_of(const struct insp_manifest *manifest, float probability) {
    const struct insp_review *review = &manifest->review;
    if (review->on && probability >= review->low && probability < review->high)
        return INSP_VERDICT_REVIEW;
    return probability >= manifest->threshold ? INSP_VERDICT_ANOMALY : INSP_VERDICT_GOOD;
}
