/* core/serving/model_change.h - change the active version, its thresholds and review band, or remove a
 * version, one change at a time per state folder, whether it comes from the daemon, its training job or the
 * command line. Each change gets a row in the audit table (core/store/changes.h). All functions block on the
 * disk and on other changes; any thread but the loop.
 *
 * A version is proved (prove.h) under the same lock under which it is made active, so nobody can remove or
 * change it in between. */
#ifndef INSP_SERVING_MODEL_CHANGE_H
#define INSP_SERVING_MODEL_CHANGE_H

#include "core/model/manifest.h"
#include "core/serving/shadow.h"
#include "core/store/store.h"

struct insp_changer {
    const char *state_dir;
    struct insp_store *store; /* NULL: no audit row */
    const char *who;          /* token, "cli", "job:<id>" */
    /* Proves a version before it becomes active; the change fails as it does. NULL: the version has been
     * proved. */
    int (*prove)(void *arg, const char *product, const char *version, struct insp_error *reterr);
    /* Fails if a version must not be removed because it serves. NULL: only the active version is protected. */
    int (*keep)(void *arg, const char *product, const char *version, struct insp_error *reterr);
    void *arg;
    int64_t shadow_since_us; /* for insp_change_promote: the run that was counted; 0: any */
};

/* Makes a version active. Fails with INSP_E_NOT_FOUND, and as changer->prove, insp_registry_set_active and
 * insp_changes_apply do. */
int insp_change_activate(const struct insp_changer *changer, const char *product, const char *version,
                         struct insp_error *reterr);

/* Makes the shadow of a product active. Fails with INSP_E_CONFLICT if `version` is not its shadow, or not in the
 * run of changer->shadow_since_us, and as insp_change_activate does. */
int insp_change_promote(const struct insp_changer *changer, const char *product, const char *version,
                        struct insp_error *reterr);

/* Rolls back to `version`, which insp_registry_rollback_target named before. Fails with INSP_E_CONFLICT if a
 * rollback would now lead to another version, and as insp_change_activate does. */
int insp_change_rollback(const struct insp_changer *changer, const char *product, const char *version,
                         struct insp_error *reterr);

/* Makes a version the shadow of a product; one without a name ends the present shadow. A shadow that becomes
 * active, by whichever way, is a shadow no more. If another version becomes active, or thresholds or review band
 * of either change, the shadow's run begins anew: its counts are those of one comparison. choice: since_us and
 * `by` are set here. Fails with INSP_E_CONFLICT for the active version, INSP_E_NOT_FOUND if there is no shadow to
 * end, and as changer->prove, insp_shadow_write and insp_changes_apply do. */
int insp_change_shadow(const struct insp_changer *changer, const char *product,
                       const struct insp_shadow_choice *choice, struct insp_error *reterr);

/* Removes a version. Fails with INSP_E_CONFLICT for a shadow, and as changer->keep, insp_registry_remove and
 * insp_changes_apply do. */
int insp_change_remove(const struct insp_changer *changer, const char *product, const char *version,
                       struct insp_error *reterr);

/* Reads a version's manifest, lets `edit` change thresholds and review band, writes it back atomically, and
 * adds an audit row for each of threshold, heatmap_threshold and review that has changed. An error of `edit`
 * is that of the call. *ret is the manifest as written, the caller's. Fails also as insp_bundle_read_manifest,
 * insp_bundle_update_manifest and insp_changes_apply do. */
typedef int insp_manifest_edit(void *arg, struct insp_manifest *manifest, struct insp_error *reterr);
int insp_change_manifest(const struct insp_changer *changer, const char *product, const char *version,
                         insp_manifest_edit *edit, void *arg, struct insp_manifest **ret,
                         struct insp_error *reterr);

#endif
