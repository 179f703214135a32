/* core/judge/promote.h - whether a newly trained model takes the line over. Pure; any thread. */
#ifndef INSP_JUDGE_PROMOTE_H
#define INSP_JUDGE_PROMOTE_H

#include <stdbool.h>

enum insp_activate { INSP_ACTIVATE_NEVER, INSP_ACTIVATE_IF_BETTER, INSP_ACTIVATE_ALWAYS };

enum { INSP_REASON_BYTES = 256 };

/* candidate and active: balanced accuracy 0..1 of both models on the same held-out images; active is NaN where
 * it could not be judged (a broken model loses) and where
 * there is no active model. The first model is activated unless the policy is never. if_better means strictly
 * better: at a tie the line keeps what it knows. ret_reason (INSP_REASON_BYTES) says why, in words. */
bool insp_train_should_activate(enum insp_activate policy, bool has_active, double candidate, double active,
                                char *ret_reason);

const char *insp_activate_name(enum insp_activate policy); /* "never" | "if_better" | "always" */

#endif
