/* core/judge/promote.h - decides whether a newly trained model is activated. Pure; any thread. */
#ifndef INSP_JUDGE_PROMOTE_H
#define INSP_JUDGE_PROMOTE_H

#include <stdbool.h>

enum insp_activate { INSP_ACTIVATE_NEVER, INSP_ACTIVATE_IF_BETTER, INSP_ACTIVATE_ALWAYS };

enum { INSP_REASON_BYTES = 256 };

/* Returns true if the candidate shall be activated. The first model of a product is activated unless the policy is
 * never. if_better means strictly better: at a tie the active model stays. An active model that could not be
 * evaluated loses.
 *   candidate, active  balanced accuracy 0..1 on the same held-out images; active is NaN if there is no active
 *                      model or it could not be evaluated
 *   ret_reason         INSP_REASON_BYTES bytes: the reason as a sentence */
bool insp_train_should_activate(enum insp_activate policy, bool has_active, double candidate, double active,
                                char *ret_reason);

/* Returns "never", "if_better" or "always". */
const char *insp_activate_name(enum insp_activate policy);

#endif
