#include "daemon/cli/cli_prove.h"

#include "core/model/model.h"
#include "core/serving/prove.h"
#include "daemon/cli/cli_device.h"
#include "daemon/serve_config.h"

int cli_prove(void *arg, const char *product, const char *version, struct insp_error *reterr) {
    const struct cli_proof *proof = arg;
    const struct cli_call *call = proof->call;
    struct insp_device_config config = daemon_device_config(&call->settings);
    config.batch_max = 1;
    struct insp_model_files files = {0};
    struct insp_model *model = NULL;
    struct cli_device device;
    int r = insp_model_read(call->settings.storage_state_dir, product, version, &files, reterr);
    if (r == 0)
        r = cli_device_open(&device, &config, call->settings.storage_state_dir, proof->trunk_sha256, reterr);
    if (r == 0) {
        r = insp_model_new(device.device, &files, &model, reterr);
        if (r == 0)
            r = insp_prove(device.trunk, insp_device_is_cuda(device.device), model, files.golden, reterr);
        insp_model_unref(model);
        cli_device_close(&device);
    }
    insp_model_files_clear(&files);
    return r;
}
