#include "core/jobs/process/job_run.h"

#include "core/base/fs.h"
#include "core/jobs/dataset_root.h"
#include "core/model/bundle.h"
#include "core/model/fetch/trunk_fetch.h"
#include "core/model/fetch/trunk_origin.h"
#include "core/model/registry.h"
#include "core/region/field_file.h"
#include "core/train/trunk_bank.h"

#include <string.h>

/* Chooses the trunk: the model's where a job uses or extends one, otherwise the default. */
static int pick_trunk(const char *state_dir, const struct insp_job_row *row, char *ret_sha256,
                      struct insp_error *reterr) {
    bool extends = row->kind == INSP_JOB_TRAIN && row->params.train.mode == INSP_MODE_ADD_GOOD;
    if (row->kind != INSP_JOB_EVALUATE && !extends) {
        int r = insp_registry_default_trunk(state_dir, ret_sha256, reterr);
        if (r == 0 && !*ret_sha256)
            return insp_fail(
                reterr, INSP_E_CONFLICT,
                "no trunk is installed; run `inspectd trunk import FILE.safetensors` (ImageNet weights) or "
                "`inspectd trunk bank --images DIR`");
        return r;
    }
    char version[INSP_NAME_BYTES];
    snprintf(version, sizeof version, "%s", row->params.version);
    int r = *version ? 0 : insp_registry_active(state_dir, row->product, version, reterr);
    if (r < 0)
        return r;
    if (!*version)
        return insp_fail(reterr, INSP_E_CONFLICT, "product %s has no active model to %s", row->product,
                         extends ? "extend" : "evaluate");
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    r = insp_bundle_read(state_dir, row->product, version, &manifest, NULL, reterr);
    if (r == 0)
        memcpy(ret_sha256, manifest->trunk_sha256, INSP_SHA256_HEX_BYTES);
    return r;
}

static int dispatch(const struct insp_job_row *row, const struct insp_feedback *feedback,
                    const struct insp_train_context *plain, json_t **ret_report, struct insp_error *reterr) {
    const struct insp_job_params *params = &row->params;
    struct insp_train_context context = *plain;
    if (row->kind != INSP_JOB_CROSS_VALIDATE) /* it has no model that could be compared with the labels */
        context.feedback = feedback;
    switch (row->kind) {
    case INSP_JOB_TRAIN:
        return insp_train(&context, &params->train, ret_report, reterr);
    case INSP_JOB_CROSS_VALIDATE:
        return insp_cross_validate(&context, &params->train, ret_report, reterr);
    case INSP_JOB_EVALUATE:
        return insp_evaluate(&context, &params->train, *params->version ? params->version : NULL, ret_report,
                             reterr);
    case INSP_JOB_TRUNK_BANK:
    case INSP_JOB_TRUNK_FETCH:
        break; /* run_trunk */
    }
    return insp_fail(reterr, INSP_E_INTERNAL, "job %s: unknown kind", row->id);
}

/* Builds or fetches a trunk, which becomes the default for new trainings. Needs no device. */
static int run_trunk(const struct insp_job_machine *machine, const struct insp_job_row *row,
                     const struct insp_progress *progress, json_t **ret_report, struct insp_error *reterr) {
    const struct insp_trunk_source source = {machine->trunk_url, machine->trunk_sha256};
    char dataset[INSP_PATH_BYTES], sha256[INSP_SHA256_HEX_BYTES];
    bool bank = row->kind == INSP_JOB_TRUNK_BANK;
    int r = bank ? insp_dataset_resolve(machine->dataset_roots, row->params.dataset, dataset, reterr) : 0;
    if (r < 0)
        return r;
    r = bank ? insp_trunk_bank_install(machine->state_dir, dataset, &row->params.train.input, &machine->limits,
                                       progress, sha256, reterr)
             : insp_trunk_fetch(machine->state_dir, &source, progress, sha256, reterr);
    if (r < 0)
        return r;
    insp_progress_log(progress, "trunk %s is installed and is the default for trainings", sha256);
    *ret_report = json_pack("{s:s, s:s, s:s}", "kind", insp_job_kind_name(row->kind), "trunk", sha256, "origin",
                            insp_trunk_origin_name(bank ? INSP_TRUNK_BANK : INSP_TRUNK_FETCHED));
    return *ret_report ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for the report");
}

int insp_job_run(const struct insp_job_machine *machine, const struct insp_job_row *row,
                 const struct insp_feedback *feedback, const struct insp_progress *progress,
                 insp_job_activate *activate, void *activate_arg, json_t **ret_report, struct insp_error *reterr) {
    char dataset[INSP_PATH_BYTES], trunk_sha256[INSP_SHA256_HEX_BYTES];
    if (insp_job_of_trunk(row->kind))
        return run_trunk(machine, row, progress, ret_report, reterr);
    int r = *row->params.dataset
                ? insp_dataset_resolve(machine->dataset_roots, row->params.dataset, dataset, reterr)
                : 0;
    if (r < 0 || (r = pick_trunk(machine->state_dir, row, trunk_sha256, reterr)) < 0)
        return r;
    _cleanup_(insp_device_freep) struct insp_device *device = NULL;
    _cleanup_(insp_trunk_freep) struct insp_trunk *trunk = NULL; /* freed before its device: reverse order */
    r = insp_device_open(&machine->device, &device, reterr);
    if (r < 0 || (r = insp_trunk_open_on(device, machine->state_dir, trunk_sha256, &trunk, reterr)) < 0)
        return r;
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *fields = NULL;
    /* An evaluation and an extension use those of their version. */
    if (row->kind != INSP_JOB_EVALUATE && row->params.train.mode != INSP_MODE_ADD_GOOD)
        r = insp_field_file_read(machine->state_dir, row->product, &fields, reterr);
    if (r < 0)
        return r;
    struct insp_train_context context = {
        .state_dir = machine->state_dir,
        .product = row->product,
        .dataset_root = *row->params.dataset ? dataset : NULL,
        .device = device,
        .trunk = trunk,
        .trunk_sha256 = trunk_sha256,
        .cache_folder = machine->cache_folder,
        .cache_bytes_max = machine->cache_bytes_max,
        .cache_half = machine->cache_half,
        .limits = machine->limits,
        .fields = fields,
        .progress = *progress,
        .job_id = row->id,
        .activate = activate,
        .activate_arg = activate_arg,
    };
    return dispatch(row, feedback, &context, ret_report, reterr);
}
