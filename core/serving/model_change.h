/* core/serving/model_change.h - every change of which model serves and how it decides goes through here: one at a
 * time per state folder, whether it comes from the daemon, from its training job or from the command line, and
 * with a row in the audit table (core/store/changes.h). All functions block on the disk; any thread but the loop.
 *
 * A version is proved (prove.h) under the same lock under which it is made the active one, so that it can neither
 * go nor change in between. */
#ifndef INSP_SERVING_MODEL_CHANGE_H
#define INSP_SERVING_MODEL_CHANGE_H

#include "core/model/manifest.h"
#include "core/store/store.h"

struct insp_changer {
    const char *state_dir;
    struct insp_store *store; /* NULL: the change is made without a row */
    const char *who;          /* token, "cli", "job:<id>" */
    /* Proves a version that is to serve; its failure is that of the call. NULL: it has been proved. */
    int (*prove)(void *arg, const char *product, const char *version, struct insp_error *reterr);
    /* Fails where a version must not be removed, because it serves. NULL: only the active one must not. */
    int (*keep)(void *arg, const char *product, const char *version, struct insp_error *reterr);
    void *arg;
};

/* As insp_registry_set_active. */
int insp_change_activate(const struct insp_changer *changer, const char *product, const char *version,
                         struct insp_error *reterr);

/* As insp_registry_set_back, to `version`, which insp_registry_rollback_target named before: INSP_E_CONFLICT where
 * it would be another one by now. */
int insp_change_rollback(const struct insp_changer *changer, const char *product, const char *version,
                         struct insp_error *reterr);

/* As insp_registry_remove. */
int insp_change_remove(const struct insp_changer *changer, const char *product, const char *version,
                       struct insp_error *reterr);

/* Reads a version's manifest, lets `edit` change thresholds and review, writes it back atomically; a row for each
 * of threshold, heatmap_threshold and review that is another one afterwards. `edit` fails with what should be
 * answered. *ret is the manifest as written, the caller's. */
typedef int insp_manifest_edit(void *arg, struct insp_manifest *manifest, struct insp_error *reterr);
int insp_change_manifest(const struct insp_changer *changer, const char *product, const char *version,
                         insp_manifest_edit *edit, void *arg, struct insp_manifest **ret,
                         struct insp_error *reterr);

#endif
