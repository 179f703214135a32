/* Fetches the recommended trunk: downloads, verifies, converts without executing the file, installs. */
#include "core/base/cleanup.h"
#include "core/base/sha256.h"
#include "core/model/fetch/trunk_fetch.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/cli_progress.h"
#include "daemon/cli/cli_trunk_install.h"

#include <stdio.h>

static int download(const char *state_dir, const struct insp_trunk_source *source, char *ret_sha256,
                    struct insp_error *reterr) {
    struct cli_progress progress;
    fprintf(stderr, "fetching %s\n", source->url);
    cli_progress_start(&progress, stderr);
    const struct insp_progress hooks = cli_progress_hooks(&progress);
    int r = insp_trunk_fetch(state_dir, source, &hooks, ret_sha256, reterr);
    cli_progress_end(&progress);
    return r;
}

int cli_trunk_fetch(const struct cli_command *command, int argc, char **argv) {
    const char *url = NULL, *file = NULL, *sha256 = NULL;
    char installed[INSP_SHA256_HEX_BYTES];
    struct insp_error error = {0};
    struct cli_call call;
    int code;
    const struct cli_option options[] = {
        {"url", CLI_STRING, &url, 0, 0, "URL", "a mirror of the file (http or https; default training.trunk_url)"},
        {"file", CLI_STRING, &file, 0, 0, "FILE", "a copy of the file, carried by hand, instead of a download"},
        {"sha256", CLI_STRING, &sha256, 0, 0, "HEX",
         "expected hash (default training.trunk_sha256: that of torchvision's vgg16-397923af.pth)"},
    };
    if (!cli_parse(&call, command, argc, argv, options, INSP_COUNT(options), 0, 0, &code))
        return code;
    const struct insp_trunk_source source = {.url = url ? url : call.settings.training_trunk_url,
                                             .sha256 = sha256 ? sha256 : call.settings.training_trunk_sha256};
    const char *state_dir = call.settings.storage_state_dir;
    if (!insp_sha256_hex_valid(source.sha256))
        return cli_usage(command, "--sha256 must be 64 hexadecimal digits in lower case");
    if (cli_prepare_state(&call, &error) < 0 ||
        (file ? insp_trunk_fetch_file(state_dir, file, source.sha256, installed, &error)
              : download(state_dir, &source, installed, &error)) < 0)
        return cli_fail(command, &error);
    cli_trunk_tell(installed, " --input imagenet");
    return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}
