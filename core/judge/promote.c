#include "core/judge/promote.h"

#include <math.h>
#include <stdio.h>

const char *insp_activate_name(enum insp_activate policy) {
    static const char *const name[] = {[INSP_ACTIVATE_NEVER] = "never",
                                       [INSP_ACTIVATE_IF_BETTER] = "if_better",
                                       [INSP_ACTIVATE_ALWAYS] = "always"};
    return name[policy];
}

bool insp_train_should_activate(enum insp_activate policy, bool has_active, double candidate, double active,
                                char *ret_reason) {
    bool better = isnan(active) || candidate > active;
    if (policy == INSP_ACTIVATE_NEVER)
        snprintf(ret_reason, INSP_REASON_BYTES, "not activated: the policy is never");
    else if (policy == INSP_ACTIVATE_ALWAYS)
        snprintf(ret_reason, INSP_REASON_BYTES, "activated: the policy is always");
    else if (has_active && isnan(active))
        snprintf(ret_reason, INSP_REASON_BYTES,
                 "activated: the active model could not be evaluated on these images");
    else if (!has_active)
        snprintf(ret_reason, INSP_REASON_BYTES, "activated: the product had no active model");
    else
        snprintf(ret_reason, INSP_REASON_BYTES,
                 "%s: balanced accuracy on the same held-out images is %.4f, the active model's is %.4f",
                 better ? "activated" : "not activated", candidate, active);
    return policy == INSP_ACTIVATE_ALWAYS || (policy == INSP_ACTIVATE_IF_BETTER && (!has_active || better));
}
