/* core/serving/model_change.h - every change of which model serves and how it decides goes through here: one at a
 * time per state folder, whether it comes from the daemon, from its training job or from the command line, and
 * with a row in the audit table (core/store/changes.h). All functions block on the disk; any thread but the loop.
 *
 * That a model is fit to serve (prove.h) is the caller's to find out before it activates it. */
#ifndef INSP_SERVING_MODEL_CHANGE_H
#define INSP_SERVING_MODEL_CHANGE_H

#include "core/model/manifest.h"
#include "core/store/store.h"

struct insp_changer {
    const char *state_dir;
    struct insp_store *store; /* NULL: the change is made without a row */
    const char *who;          /* token, "cli", "job:<id>" */
};

/* As insp_registry_set_active: the bundle has been read and proved. */
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
